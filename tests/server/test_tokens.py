"""Tokens: shown once, limited to their scope, place and time, and to what their account may at that moment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from livepin.errors import Forbidden, LimitReached, NotFound, Unauthenticated, ValueInvalid
from livepin.server.actions import drafts, memberships, organizations, projects, tokens
from livepin.server.actions.actor import Actor
from livepin.server.models import ApiToken
from tests.server.world import World


def token(world: World, name: str, scope: str = "read", project: str = "") -> Actor:
    return tokens.actor_of(tokens.create(world.actor(name), "acme", "ci", scope, 30, project).text)


def test_a_token_acts_within_its_scope(world: World) -> None:
    reader, stager = token(world, "alice"), token(world, "alice", "stage")
    assert drafts.read(reader, "acme", "shop")[1] == 1
    with pytest.raises(Forbidden):
        drafts.set_settings(reader, "acme", "shop", 1, unlisted="report")
    drafts.set_settings(stager, "acme", "shop", 1, unlisted="report")
    with pytest.raises(Forbidden):
        organizations.rename(stager, "acme", "Mine")


def test_a_token_never_may_more_than_its_account(world: World) -> None:
    stager = token(world, "bob", "stage")
    memberships.change_role(world.actor("ada"), "acme", str(world.accounts["bob"].id), "viewer")
    with pytest.raises(Forbidden):
        drafts.set_settings(stager, "acme", "shop", 1, unlisted="report")
    with pytest.raises(Forbidden):
        token(world, "bob", "stage")


def test_a_token_of_one_project_sees_no_other(world: World) -> None:
    projects.create(world.actor("ada"), "acme", "other")
    reader = token(world, "bob", "read", "shop")
    assert [one.identifier for one in projects.listed(reader, "acme")] == ["shop"]
    with pytest.raises(NotFound):
        projects.read(reader, "acme", "other")


def test_a_token_of_one_organization_sees_no_other_of_its_account(world: World) -> None:
    organizations.create(world.actor("bob"), "bobs")
    reader = token(world, "bob")
    assert [one.identifier for one in organizations.listed(reader)] == ["acme"]
    with pytest.raises(NotFound):
        organizations.read(reader, "bobs")


def test_the_text_of_a_token_is_kept_nowhere(world: World) -> None:
    made = tokens.create(world.actor("bob"), "acme", "ci", "read", 30)
    assert made.text.startswith("lvp_")
    assert made.text not in str([vars(one) for one in ApiToken.objects.all()])


@pytest.mark.parametrize("how", ["cut", "swapped", "longer"])
def test_a_mistyped_token_is_told_from_a_revoked_one(world: World, how: str) -> None:
    made = tokens.create(world.actor("bob"), "acme", "ci", "read", 30)
    text = made.text
    swapped = text[:10] + ("1" if text[10] != "1" else "2") + text[11:]
    with pytest.raises(Unauthenticated, match="mistyped"):
        tokens.actor_of({"cut": text[:-1], "swapped": swapped, "longer": "x" + text}[how])
    tokens.revoke(world.actor("bob"), "acme", str(made.token.id))
    with pytest.raises(Unauthenticated, match="expired or revoked"):
        tokens.actor_of(text)


def test_a_token_expires(world: World) -> None:
    made = tokens.create(world.actor("bob"), "acme", "ci", "read", 30)
    tokens.actor_of(made.text, timezone.now() + timedelta(days=29))
    with pytest.raises(Unauthenticated):
        tokens.actor_of(made.text, timezone.now() + timedelta(days=30))


@pytest.mark.parametrize(("scope", "days"), [("manage", 30), ("account", 30), ("read", 0), ("read", 367)])
def test_what_is_no_scope_or_no_time_is_refused(world: World, scope: str, days: int) -> None:
    with pytest.raises(ValueInvalid):
        tokens.create(world.actor("alice"), "acme", "ci", scope, days)


def test_a_token_makes_no_tokens_and_sees_and_ends_only_itself(world: World) -> None:
    tokens.create(world.actor("alice"), "acme", "other", "read", 30)
    publisher = token(world, "alice", "publish")
    with pytest.raises(Forbidden):
        tokens.create(publisher, "acme", "more", "read", 30)
    assert publisher.token is not None
    assert tokens.listed(publisher, "acme") == [publisher.token]
    tokens.revoke(publisher, "acme", str(publisher.token.id))
    assert [one.name for one in tokens.listed(world.actor("alice"), "acme")] == ["other"]


def test_members_end_their_own_tokens_and_admins_end_all(world: World) -> None:
    bobs = tokens.create(world.actor("bob"), "acme", "bob's", "read", 30)
    assert tokens.listed(world.actor("carol"), "acme") == []
    with pytest.raises(NotFound):
        tokens.revoke(world.actor("carol"), "acme", str(bobs.token.id))
    with pytest.raises(NotFound):
        tokens.revoke(world.actor("mallory"), "malice", str(bobs.token.id))
    tokens.revoke(world.actor("ada"), "acme", str(bobs.token.id))
    assert tokens.listed(world.actor("ada"), "acme") == []


def test_an_account_does_not_hoard_tokens(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST", 2)
    for _ in range(2):
        token(world, "bob")
    with pytest.raises(LimitReached):
        token(world, "bob")
