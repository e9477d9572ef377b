"""Members come by invitation, change roles, and go; what they kept is worth nothing afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from livepin.errors import Conflict, Forbidden, LivepinError, NotFound, Unauthenticated, ValueInvalid
from livepin.server.actions import accounts, audit, invitations, memberships, tokens
from livepin.server.actions.actor import Actor
from livepin.server.models import Account, Invitation, Membership
from livepin.testing.ports import free_port
from tests.server.world import World


def role(world: World, name: str) -> str | None:
    found = Membership.objects.filter(organization=world.organization, account=world.accounts[name]).first()
    return found.role if found else None


def change(world: World, who: str, whom: str, new: str) -> None:
    memberships.change_role(world.actor(who), "acme", str(world.accounts[whom].id), new)


def remove(world: World, who: str, whom: str) -> None:
    memberships.remove(world.actor(who), "acme", str(world.accounts[whom].id))


def newcomer(name: str = "nora") -> Actor:
    return Actor(Account.objects.create_user(f"{name}@example.com"))


def test_an_admin_invites_and_the_invited_becomes_a_member(world: World) -> None:
    made = invitations.create(world.actor("ada"), "acme", " Nora@Example.com", "editor")
    nora = newcomer()
    assert invitations.find(made.secret).organization == world.organization
    assert invitations.accept(nora, made.secret).role == "editor"
    assert [one.account.email for one in memberships.listed(nora, "acme")] == [
        f"{name}@example.com" for name in ("ada", "alice", "bob", "carol", "nora", "paul")
    ]


def test_an_invitation_works_once(world: World) -> None:
    made = invitations.create(world.actor("ada"), "acme", "nora@example.com", "editor")
    invitations.accept(newcomer(), made.secret)
    with pytest.raises(NotFound):
        invitations.accept(world.actor("mallory"), made.secret)
    assert role(world, "mallory") is None


def test_an_invitation_is_kept_as_a_hash_and_ends_after_a_week(world: World) -> None:
    made = invitations.create(world.actor("ada"), "acme", "nora@example.com", "editor")
    row = Invitation.objects.get(id=made.invitation.id)
    assert made.secret not in str(vars(row))
    week = timedelta(days=7)
    assert abs(row.expires_at - timezone.now() - week) < timedelta(minutes=1)
    row.expires_at = timezone.now() - timedelta(seconds=1)
    row.save()
    with pytest.raises(NotFound):
        invitations.accept(newcomer(), made.secret)


def test_a_newer_invitation_or_a_revocation_ends_an_older_one(world: World) -> None:
    ada, nora = world.actor("ada"), newcomer()
    first = invitations.create(ada, "acme", "nora@example.com", "publisher")
    second = invitations.create(ada, "acme", "nora@example.com", "viewer")
    assert [one.id for one in invitations.listed(ada, "acme")] == [second.invitation.id]
    invitations.revoke(ada, "acme", str(second.invitation.id))
    for made in (first, second):
        with pytest.raises(NotFound):
            invitations.accept(nora, made.secret)


def test_a_member_cannot_be_invited_again_nor_accept(world: World) -> None:
    with pytest.raises(Conflict):
        invitations.create(world.actor("ada"), "acme", "bob@example.com", "admin")
    made = invitations.create(world.actor("ada"), "acme", "nora@example.com", "admin")
    with pytest.raises(Conflict):
        invitations.accept(world.actor("bob"), made.secret)
    assert role(world, "bob") == "editor"


@pytest.mark.parametrize("name", ["paul", "bob", "carol"])
def test_only_who_manages_invites_removes_or_changes_roles(world: World, name: str) -> None:
    with pytest.raises(Forbidden):
        invitations.create(world.actor(name), "acme", "nora@example.com", "viewer")
    with pytest.raises(Forbidden):
        change(world, name, name, "admin")
    with pytest.raises(Forbidden):
        remove(world, name, "ada")


def test_an_admin_cannot_make_unmake_invite_or_remove_an_owner(world: World) -> None:
    acts: tuple[Callable[[], object], ...] = (
        lambda: change(world, "ada", "ada", "owner"),
        lambda: change(world, "ada", "alice", "viewer"),
        lambda: remove(world, "ada", "alice"),
        lambda: invitations.create(world.actor("ada"), "acme", "nora@example.com", "owner"),
    )
    for act in acts:
        with pytest.raises(Forbidden):
            act()
    assert (role(world, "ada"), role(world, "alice")) == ("admin", "owner")


def test_the_last_owner_neither_leaves_nor_steps_down(world: World) -> None:
    with pytest.raises(Conflict, match="last_owner"):
        remove(world, "alice", "alice")
    with pytest.raises(Conflict, match="last_owner"):
        change(world, "alice", "alice", "admin")
    change(world, "alice", "bob", "owner")
    remove(world, "alice", "alice")
    assert (role(world, "alice"), role(world, "bob")) == (None, "owner")


def test_anybody_else_leaves_as_they_please(world: World) -> None:
    remove(world, "carol", "carol")
    assert role(world, "carol") is None
    with pytest.raises(NotFound):
        memberships.listed(world.actor("carol"), "acme")


def test_tokens_die_with_the_membership_even_if_the_member_comes_back(world: World) -> None:
    token = tokens.create(world.actor("bob"), "acme", "ci", "stage", 30)
    remove(world, "ada", "bob")
    Membership.objects.create(organization=world.organization, account=world.accounts["bob"], role="editor")
    with pytest.raises(Unauthenticated):
        tokens.actor_of(token.text)


@pytest.mark.parametrize("how", ["removed", "demoted"])
def test_who_was_an_admin_does_not_come_back_by_an_invitation_of_their_own(world: World, how: str) -> None:
    made = invitations.create(world.actor("ada"), "acme", "other@example.com", "admin")
    if how == "removed":
        remove(world, "alice", "ada")
    else:
        change(world, "alice", "ada", "viewer")
    with pytest.raises(NotFound):
        invitations.accept(newcomer(), made.secret)


def test_a_token_does_not_make_its_account_leave(world: World) -> None:
    bob = tokens.actor_of(tokens.create(world.actor("bob"), "acme", "ci", "stage", 30).text)
    with pytest.raises(Forbidden):
        memberships.remove(bob, "acme", str(world.accounts["bob"].id))


def test_a_token_of_one_project_does_not_see_who_the_members_are(world: World) -> None:
    text = tokens.create(world.actor("bob"), "acme", "ci", "read", 30, "shop").text
    with pytest.raises(Forbidden):
        memberships.listed(tokens.actor_of(text), "acme")


def test_strangers_learn_nothing(world: World) -> None:
    for act in (
        lambda: memberships.listed(world.actor("mallory"), "acme"),
        lambda: remove(world, "mallory", "bob"),
        lambda: invitations.create(world.actor("mallory"), "acme", "m@example.com", "viewer"),
        # An account of another organization is no member of hers.
        lambda: memberships.remove(world.actor("mallory"), "malice", str(world.accounts["bob"].id)),
    ):
        with pytest.raises(NotFound):
            act()


@pytest.mark.parametrize(("email", "wanted"), [("nobody", "viewer"), ("nora@example.com", "king")])
def test_what_is_no_address_or_no_role_is_refused(world: World, email: str, wanted: str) -> None:
    with pytest.raises(ValueInvalid):
        invitations.create(world.actor("ada"), "acme", email, wanted)


def test_the_audit_trail_tells_of_members_without_addresses(world: World) -> None:
    made = invitations.create(world.actor("ada"), "acme", "nora@example.com", "editor")
    nora = newcomer()
    invitations.accept(nora, made.secret)
    memberships.change_role(world.actor("ada"), "acme", str(accounts.read(nora).id), "viewer")
    memberships.remove(world.actor("ada"), "acme", str(accounts.read(nora).id))
    with pytest.raises(LivepinError):
        remove(world, "ada", "alice")
    trail = list(audit.export(world.actor("ada"), "acme"))
    said = [one["what"] for one in trail][-4:]
    assert said == ["member invited", "invitation accepted", "role changed", "member removed"]
    assert "nora" not in str(trail)
    assert audit.first_broken(trail) is None


def test_whoever_is_invited_gets_the_code_by_mail(world: World) -> None:
    made = invitations.create(world.actor("alice"), "acme", "nora@example.com", "editor")
    (letter,) = mail.outbox
    assert made.mailed
    assert letter.to == ["nora@example.com"]
    assert made.secret in letter.body


def test_a_mail_server_that_is_away_costs_no_invitation(world: World, settings: Any) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", "127.0.0.1"
    settings.EMAIL_PORT = free_port()
    made = invitations.create(world.actor("alice"), "acme", "nora@example.com", "editor")
    assert not made.mailed
    assert invitations.find(made.secret).email == "nora@example.com"
