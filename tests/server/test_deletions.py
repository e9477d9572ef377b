"""The end of organizations, projects and accounts: asked for, taken back, done; and what is exported before."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core import mail
from django.utils import timezone

from livepin.author.draft import HostEntry, PinEntry
from livepin.errors import Conflict, Forbidden, LivepinError, NotFound, OriginFailed, Unauthenticated
from livepin.publish.origins.folder import FolderOrigin
from livepin.server.actions import (
    accounts,
    audit,
    deletions,
    exports,
    hosts,
    invitations,
    memberships,
    organizations,
    projects,
    publishes,
    renewals,
    sign_ins,
    tokens,
)
from livepin.server.actions.actor import Actor
from livepin.server.models import (
    Account,
    ApiToken,
    AuditEntry,
    Invitation,
    Link,
    Organization,
    Project,
    Publish,
    SignIn,
)
from livepin.server.settings import CONFIG
from livepin.server.trail import first_broken
from tests.server.world import World


@pytest.fixture(autouse=True)
def origin(tmp_path: Path) -> Iterator[FolderOrigin]:
    """An origin of this test's own."""
    before = CONFIG.origin_folder
    object.__setattr__(CONFIG, "origin_folder", tmp_path / "origin")
    yield FolderOrigin(tmp_path / "origin")
    object.__setattr__(CONFIG, "origin_folder", before)


def published(world: World) -> None:
    pins = tuple(PinEntry("spki_sha256", letter * 42 + "A=") for letter in "AB")
    hosts.put(world.actor("bob"), "acme", "shop", None, HostEntry("api.example.com", "report", pins))
    asked = publishes.start(world.actor("paul"), "acme", "shop")
    assert publishes.wait(world.actor("paul"), "acme", "shop", str(asked.id)).state == "published"


def in_time(days: float = CONFIG.grace_days) -> Any:
    return timezone.now() + timedelta(days=days, seconds=1)


def refused(act: Callable[[], object]) -> str:
    try:
        act()
    except LivepinError as error:
        return error.code
    return ""


def test_a_deleted_organization_is_closed_at_once_and_gone_in_time(world: World, origin: FolderOrigin) -> None:
    published(world)
    asked = deletions.delete_organization(world.actor("alice"), "acme")
    assert asked.purge_after - asked.asked_at == timedelta(days=CONFIG.grace_days)
    with pytest.raises(NotFound):
        organizations.read(world.actor("alice"), "acme")
    assert renewals.start_due(in_time(20)) == 0
    assert deletions.purge_due() == deletions.Purged()
    # What applications have stays where it is until then.
    assert origin.read("acme/shop/pins.jws") is not None
    assert deletions.purge_due(in_time()) == deletions.Purged(organizations=1)
    assert not Organization.objects.filter(identifier="acme").exists()
    assert not AuditEntry.objects.filter(target="acme").exists()
    for key in ("acme/shop/pins.jws", "acme/shop/0.1.jws"):
        assert origin.read(key) is None
    assert Organization.objects.filter(identifier="malice").exists()


def test_the_identifiers_of_what_is_gone_are_never_used_again(world: World) -> None:
    deletions.delete_project(world.actor("ada"), "acme", "shop")
    deletions.purge_due(in_time())
    with pytest.raises(Conflict):
        projects.create(world.actor("ada"), "acme", "shop")
    deletions.delete_organization(world.actor("alice"), "acme")
    deletions.purge_due(in_time())
    with pytest.raises(Conflict):
        organizations.create(world.actor("alice"), "acme")


def test_a_deleted_project_takes_nobody_elses_data_with_it(world: World, origin: FolderOrigin) -> None:
    published(world)
    projects.create(world.actor("alice"), "acme", "other")
    deletions.delete_project(world.actor("ada"), "acme", "shop")
    assert [one.identifier for one in projects.listed(world.actor("carol"), "acme")] == ["other"]
    assert deletions.purge_due(in_time()) == deletions.Purged(projects=1)
    assert origin.read("acme/shop/pins.jws") is None
    assert [one.identifier for one in world.organization.projects.all()] == ["other"]
    # The trail of the organization goes on, and verifies.
    trail = list(audit.export(world.actor("alice"), "acme"))
    assert first_broken(trail) is None
    assert trail[-1]["what"] == "project purged"


def test_a_deletion_is_taken_back_and_all_is_as_it_was(world: World) -> None:
    published(world)
    waiting = publishes.start(world.actor("paul"), "acme", "shop")
    deletions.delete_project(world.actor("ada"), "acme", "shop")
    deletions.delete_organization(world.actor("alice"), "acme")
    assert [(one.organization, one.project) for one in deletions.pending(world.actor("alice"))] == [("acme", "")]
    deletions.keep_organization(world.actor("alice"), "acme")
    assert [(one.organization, one.project) for one in deletions.pending(world.actor("ada"))] == [("acme", "shop")]
    assert deletions.pending(world.actor("paul")) == deletions.pending(world.actor("mallory")) == []
    deletions.keep_project(world.actor("ada"), "acme", "shop")
    assert deletions.purge_due(in_time()) == deletions.Purged()
    assert projects.read(world.actor("carol"), "acme", "shop").state == "active"
    # But for what was under way.
    assert Publish.objects.get(id=waiting.id).state == "cancelled"


def test_only_who_may_wish_for_it_takes_it_back(world: World) -> None:
    for name in ("ada", "paul", "bob", "carol"):
        with pytest.raises(Forbidden):
            deletions.delete_organization(world.actor(name), "acme")
    for name in ("paul", "bob", "carol"):
        with pytest.raises(Forbidden):
            deletions.delete_project(world.actor(name), "acme", "shop")
    deletions.delete_project(world.actor("ada"), "acme", "shop")
    for name, code in {"mallory": "not_found", "bob": "forbidden", "ada": ""}.items():
        assert refused(partial(deletions.keep_project, world.actor(name), "acme", "shop")) == code, name
    deletions.delete_organization(world.actor("alice"), "acme")
    for name, code in {"mallory": "not_found", "ada": "forbidden", "alice": ""}.items():
        assert refused(partial(deletions.keep_organization, world.actor(name), "acme")) == code, name


def test_what_is_being_purged_cannot_be_taken_back(world: World) -> None:
    deletions.delete_organization(world.actor("alice"), "acme")
    Organization.objects.filter(identifier="acme").update(purge_after=timezone.now())
    with pytest.raises(Conflict):
        deletions.keep_organization(world.actor("alice"), "acme")


def test_an_origin_that_does_not_answer_keeps_its_own_and_nothing_else(world: World, origin: FolderOrigin) -> None:
    published(world)
    deletions.delete_organization(world.actor("alice"), "acme")
    deletions.delete_organization(world.actor("mallory"), "malice")
    folder = CONFIG.origin_folder / "acme" / "shop"
    moved = folder.rename(folder.with_name("moved"))
    folder.write_text("no folder")
    with pytest.raises(OriginFailed):
        deletions.purge_due(in_time())
    assert [one.identifier for one in Organization.objects.all()] == ["acme"]
    folder.unlink()
    moved.rename(folder)
    assert deletions.purge_due(in_time()) == deletions.Purged(organizations=1)


# ---------------------------------------------------------------- accounts


def test_a_closed_account_is_out_everywhere_and_gone_in_time(world: World) -> None:
    bob = world.accounts["bob"]
    signed_in, token = tokens.sign_in(bob, "laptop"), tokens.create(world.actor("bob"), "acme", "ci", "stage", 30)
    invitations.create(world.actor("alice"), "acme", "other@example.com", "viewer")
    invitations.create(world.actor("mallory"), "malice", "bob@example.com", "viewer")
    hosts.put(world.actor("bob"), "acme", "shop", None, HostEntry("api.example.com", "off", None))
    deletions.close_account(world.actor("bob"))
    for text in (signed_in.text, token.text):
        with pytest.raises(Unauthenticated):
            tokens.actor_of(text)
    with pytest.raises(NotFound):
        accounts.sign_in_link("bob@example.com")
    assert deletions.purge_due(in_time()) == deletions.Purged(accounts=1)
    assert not Account.objects.filter(email="bob@example.com").exists()
    assert not Invitation.objects.filter(email="bob@example.com").exists()
    # What he did is in the trail, under a number that means nobody any more.
    trail = list(audit.export(world.actor("alice"), "acme"))
    assert first_broken(trail) is None
    assert f"account {bob.id}" in {one["actor"] for one in trail}


def test_a_closed_account_is_opened_again_by_the_code_that_was_mailed(world: World) -> None:
    closing = deletions.close_account(world.actor("bob"))
    (sent,) = mail.outbox
    assert closing.mailed
    assert sent.to == ["bob@example.com"]
    assert closing.secret in sent.body
    assert closing.secret not in str(vars(Link.objects.get()))
    with pytest.raises(NotFound):
        deletions.reopen_account("guess")
    assert deletions.reopen_account(closing.secret).is_active
    with pytest.raises(NotFound):
        deletions.reopen_account(closing.secret)
    assert deletions.purge_due(in_time()) == deletions.Purged()
    assert organizations.listed(world.actor("bob"))


def test_an_operator_opens_a_closed_account_again(world: World) -> None:
    deletions.close_account(world.actor("bob"))
    assert deletions.reopen_account_of("Bob@example.com").is_active
    with pytest.raises(NotFound):
        deletions.reopen_account_of("bob@example.com")


def test_the_only_owner_settles_the_organization_first(world: World) -> None:
    with pytest.raises(Conflict) as caught:
        deletions.close_account(world.actor("alice"))
    assert (caught.value.code, caught.value.where) == ("last_owner", "acme")
    deletions.delete_organization(world.actor("alice"), "acme")
    deletions.close_account(world.actor("alice"))


def test_an_owner_whose_account_is_closed_does_not_count_as_one(world: World) -> None:
    memberships.change_role(world.actor("alice"), "acme", str(world.accounts["ada"].id), "owner")
    deletions.close_account(world.actor("ada"))
    with pytest.raises(Conflict):
        memberships.remove(world.actor("alice"), "acme", str(world.accounts["alice"].id))
    with pytest.raises(Conflict):
        deletions.close_account(world.actor("alice"))


def test_a_token_of_an_organization_closes_nothing(world: World) -> None:
    token = tokens.actor_of(tokens.create(world.actor("alice"), "acme", "ci", "publish", 30).text)
    for act in (
        lambda: deletions.delete_organization(token, "acme"),
        lambda: deletions.delete_project(token, "acme", "shop"),
        lambda: deletions.close_account(token),
        lambda: exports.account(token),
        lambda: exports.organization(token, "acme"),
    ):
        with pytest.raises(Forbidden):
            act()


def test_what_nobody_can_use_any_more_is_forgotten(world: World) -> None:
    session = SessionStore()
    session.create()
    UserSession.objects.create(
        user=world.accounts["bob"], session_key=session.session_key, ip="192.0.2.1", user_agent="a browser"
    )
    kept = tokens.sign_in(world.accounts["bob"], "in use")
    tokens.sign_out(world.actor("bob"), str(tokens.sign_in(world.accounts["bob"], "signed out").token.id))
    invitations.create(world.actor("alice"), "acme", "nora@example.com", "viewer")
    accounts.account_link()
    sign_ins.start("laptop", "192.0.2.1")
    deletions.purge_due(in_time(20))
    rows = [model.objects.count() for model in (Session, UserSession, Invitation, Link, SignIn)]
    assert rows == [0, 0, 0, 0, 0]
    assert {one.name for one in ApiToken.objects.all()} == {"in use", "signed out"}
    deletions.purge_due(timezone.now() + timedelta(days=30, minutes=1))
    assert [one.id for one in ApiToken.objects.all()] == [kept.token.id]


# ---------------------------------------------------------------- exports


def test_a_person_exports_what_is_known_about_them(world: World) -> None:
    made = tokens.create(world.actor("bob"), "acme", "my laptop", "stage", 30)
    found = exports.account(world.actor("bob"))
    assert found["account"]["email"] == "bob@example.com"
    assert found["memberships"][0]["organization"] == "acme"
    assert found["tokens"][0]["name"] == "my laptop"
    assert [one["what"] for one in found["acts"]] == ["token created"]
    text = json.dumps(found)
    for secret in (made.text, made.token.secret_hash, world.accounts["bob"].password, "alice@example.com"):
        assert secret not in text


def test_an_organization_exports_everything_but_secrets(world: World, origin: FolderOrigin) -> None:
    published(world)
    with exports.organization(world.actor("ada"), "acme") as file, zipfile.ZipFile(io.BytesIO(file.read())) as zipped:
        assert zipped.testzip() is None
        files = {name: zipped.read(name).decode() for name in zipped.namelist()}
    assert files["projects/shop/0.1.jws"].encode() == origin.read("acme/shop/pins.jws")
    assert first_broken(map(json.loads, files["audit.jsonl"].splitlines())) is None
    about = json.loads(files["projects/shop/project.json"])
    assert [one["pattern"] for one in about["hosts"]] == ["api.example.com"]
    assert len(about["hosts"][0]["pins"]) == 2
    assert {one["email"] for one in json.loads(files["organization.json"])["members"]} >= {"carol@example.com"}
    key = world.project.signing_keys.get()
    assert key.thumbprint in files["projects/shop/project.json"]
    assert not any(key.sealed in text or "malice" in text for text in files.values())
    assert Project.objects.get(organization=world.organization).publishes.count() == 1


def test_who_only_edits_exports_no_organization(world: World) -> None:
    for name in ("paul", "bob", "carol"):
        with pytest.raises(Forbidden):
            exports.organization(world.actor(name), "acme")
    with pytest.raises(NotFound):
        exports.organization(Actor(world.accounts["mallory"]), "acme")
