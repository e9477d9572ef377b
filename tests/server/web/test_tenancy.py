"""Every address of the dashboard, walked by everybody: a new one that is not in the table fails the walk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from livepin.server.actions import hosts
from livepin.server.models import Organization, Project
from tests.server.test_drafts import host
from tests.server.web.test_hosts import visit
from tests.server.web.test_members import proved
from tests.server.world import World

READ, STAGE, PUBLISH, MANAGE, OWN = ("viewer", "editor", "publisher", "admin", "owner")
ROLES = [READ, STAGE, PUBLISH, MANAGE, OWN]
PEOPLE = {"carol": READ, "bob": STAGE, "paul": PUBLISH, "ada": MANAGE, "alice": OWN}

#: Name of an address -> the least role that gets more than a refusal; None: it belongs to no organization.
LEAST: dict[str, str | None] = {
    "organizations": None,
    "asset": None,
    "account": None,
    "sign-out-command-line": None,
    "welcome": None,
    "device": None,
    "invitation": None,
    "organization-new": None,
    "organization": READ,
    "organization-settings": READ,
    "organization-factor": OWN,
    "members": READ,
    "mail": READ,
    "member-change": MANAGE,
    "member-remove": MANAGE,
    "invitation-revoke": MANAGE,
    "tokens": READ,
    "token-new": READ,
    "token-revoke": READ,
    "trail": MANAGE,
    "trail-export": MANAGE,
    "project-new": MANAGE,
    "project": READ,
    "project-settings": READ,
    "project-end": READ,
    "project-keep": MANAGE,
    "organization-export": MANAGE,
    "organization-end": READ,
    "organization-keep": OWN,
    "account-export": None,
    "account-close": None,
    "account-reopen": None,
    "warnings": READ,
    "warning-answer": STAGE,
    "draft-settings": READ,
    "draft": READ,
    "publish-ask": PUBLISH,
    "publishes": READ,
    "publish": READ,
    "publish-answer": PUBLISH,
    "signing-input": PUBLISH,
    "history": READ,
    "revision": READ,
    "rollback": PUBLISH,
    "keys": READ,
    "key-new": READ,
    "key-retire": MANAGE,
    "keyset": READ,
    "embed": READ,
    "host-new": READ,
    "hosts": READ,
    "host": READ,
    "host-look": STAGE,
    "host-remove": STAGE,
    "pin-new": READ,
    "pin-remove": STAGE,
}
#: These change something at every good request, so they take a POST with what they need.
POSTS: dict[str, dict[str, str]] = {
    "member-change": {"role": "viewer"},
    "member-remove": {},
    "invitation-revoke": {},
    "token-revoke": {},
    "host-remove": {"version": "0"},
    "host-look": {},
    "warning-answer": {},
    "project-keep": {},
    "organization-factor": {},
    "organization-export": {},
    "organization-keep": {},
    "account-export": {},
    "publish-ask": {"version": "0", "key": "walk"},
    "publish-answer": {"approve": "1"},
    "rollback": {"key": "walk"},
    "key-retire": {},
    "pin-remove": {"version": "0", "digest": "A"},
}
ABSENT = "00000000-0000-4000-8000-000000000000"
VALUES = {
    "organization": "acme",
    "project": "shop",
    "pattern": "api.example.com",
    "account": ABSENT,
    "invitation": ABSENT,
    "token": ABSENT,
    "publish": ABSENT,
    "epoch": "0",
    "serial": "7",
    "thumbprint": "x",
    "warning": "x",
}


def addresses(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[tuple[str, str]]:
    """Name and route of every address that is ours."""
    for one in patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLPattern):
            yield one.name or "", route
        elif not (isinstance(one.urlconf_name, str | type(pytest)) and "allauth" in str(one.urlconf_name)):
            yield from addresses(one.url_patterns, route)


OURS = dict(addresses(list(get_resolver("livepin.server.web.urls").url_patterns)))


def path(name: str) -> str:
    route = OURS[name]
    for member, value in VALUES.items():
        for kind in ("str", "uuid", "int"):
            route = route.replace(f"<{kind}:{member}>", value)
    return f"/{route}"


def test_every_address_is_in_the_table() -> None:
    assert sorted(OURS) == sorted(LEAST)


def ask(client: Client, name: str, where: str) -> tuple[int, str]:
    answer = client.post(where, POSTS[name]) if name in POSTS else client.get(where)
    # A stream that is read to its end closes itself; closing it by hand would close the test's database with it.
    return answer.status_code, answer.getvalue().decode("latin-1")


def end(world: World, name: str) -> None:
    """Have something to take back, where that is what an address is for."""
    now = timezone.now()
    ending = {"deletion_requested_at": now, "purge_after": now + timedelta(days=1)}
    if name == "project-keep":
        Project.objects.filter(id=world.project.id).update(**ending)
    if name == "organization-keep":
        Organization.objects.filter(id=world.organization.id).update(**ending)


@pytest.mark.parametrize("name", [name for name, least in LEAST.items() if least is not None])
def test_everybody_gets_what_their_role_allows_and_a_stranger_nothing(world: World, name: str) -> None:
    hosts.put(world.actor("bob"), "acme", "shop", None, host())
    least = LEAST[name]
    assert least is not None
    where = path(name)
    for person, role in PEOPLE.items():
        end(world, name)
        status, _ = ask(proved(visit(world, person)), name, where)
        allowed = ROLES.index(role) >= ROLES.index(least)
        assert (status != 403) is allowed, (person, status)
    mallory = proved(visit(world, "mallory"))
    status, body = ask(mallory, name, where)
    absent_status, absent = ask(mallory, name, where.replace("/acme/", "/nobody/"))
    assert status == absent_status == 404
    assert body == absent.replace("nobody", "acme")


@pytest.mark.parametrize("name", [name for name, least in LEAST.items() if least is not None])
def test_nobody_gets_anything_without_signing_in(world: World, name: str) -> None:
    answer = Client().post(path(name), POSTS.get(name, {}))
    assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (302, "/account/login/")


@pytest.mark.parametrize("name", sorted(POSTS))
def test_a_form_from_another_site_changes_nothing(world: World, name: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.accounts["alice"])
    assert client.post(path(name), POSTS[name], headers={"Origin": "https://evil.example"}).status_code == 403
