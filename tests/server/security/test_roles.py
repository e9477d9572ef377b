"""Mallory as a member who is on the way out: what she kept, prepared or raced for is worth nothing afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from livepin.author.draft import HostEntry, PinEntry
from livepin.errors import Conflict, Forbidden, LivepinError, NotFound
from livepin.publish.origins.folder import FolderOrigin
from livepin.server.actions import delivery, hosts, invitations, memberships, publishes
from livepin.server.actions.actor import Actor
from livepin.server.actions.publishes import Wish
from livepin.server.models import Account, Invitation, Membership, Organization, Publish
from livepin.server.settings import CONFIG
from tests.server.world import World


@pytest.fixture(autouse=True)
def origin(tmp_path: Path) -> Iterator[FolderOrigin]:
    """An origin of this test's own."""
    before = CONFIG.origin_folder
    object.__setattr__(CONFIG, "origin_folder", tmp_path / "origin")
    yield FolderOrigin(tmp_path / "origin")
    object.__setattr__(CONFIG, "origin_folder", before)


def second_owner(world: World, name: str = "ada") -> Actor:
    world.accounts[name].memberships.filter(organization=world.organization).update(role="owner")
    return world.actor(name)


@pytest.mark.parametrize("role", ["admin", "publisher", "editor", "viewer"])
def test_an_owner_who_is_demoted_does_not_climb_back_by_an_invitation_to_their_own_mail(
    world: World, role: str
) -> None:
    mallory = second_owner(world)
    made = invitations.create(mallory, "acme", "mallory.again@example.com", "owner")
    memberships.change_role(world.actor("alice"), "acme", str(world.accounts["ada"].id), role)
    with pytest.raises(NotFound):
        invitations.accept(Actor(Account.objects.create_user("mallory.again@example.com")), made.secret)


def test_who_climbs_keeps_their_invitations(world: World) -> None:
    invitations.create(world.actor("ada"), "acme", "nora@example.com", "editor")
    memberships.change_role(world.actor("alice"), "acme", str(world.accounts["ada"].id), "owner")
    assert Invitation.objects.filter(email="nora@example.com").exists()


def test_who_is_removed_while_they_invite_leaves_no_invitation_behind(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    mallory = world.actor("ada")
    locking = Organization.objects.select_for_update

    def meanwhile(**how: Any) -> object:
        # Between the question what she may do and the lock, Alice removes her.
        world.accounts["ada"].memberships.all().delete()
        return locking(**how)

    monkeypatch.setattr(Organization.objects, "select_for_update", meanwhile)
    with pytest.raises(LivepinError):
        invitations.create(mallory, "acme", "mallory.again@example.com", "admin")
    assert not Invitation.objects.exists()


def scheduled(world: World, name: str = "paul") -> Publish:
    """Asked for by somebody, for tomorrow."""
    pins = tuple(PinEntry("spki_sha256", letter * 42 + "A=") for letter in "AB")
    hosts.put(world.actor("bob"), "acme", "shop", None, HostEntry("api.example.com", "report", pins))
    asked = publishes.start(world.actor(name), "acme", "shop", Wish(scheduled_for=timezone.now() + timedelta(days=1)))
    return publishes.wait(world.actor(name), "acme", "shop", str(asked.id))


def its_hour_comes(publish: Publish) -> Publish:
    Publish.objects.filter(id=publish.id).update(scheduled_for=timezone.now())
    delivery.run(str(publish.id))
    return Publish.objects.get(id=publish.id)


@pytest.mark.parametrize("how", ["removed", "demoted", "closed"])
def test_what_a_member_scheduled_does_not_go_out_once_they_may_publish_no_longer(
    world: World, origin: FolderOrigin, how: str
) -> None:
    asked, paul = scheduled(world), str(world.accounts["paul"].id)
    if how == "removed":
        memberships.remove(world.actor("ada"), "acme", paul)
    elif how == "demoted":
        memberships.change_role(world.actor("ada"), "acme", paul, "editor")
    else:
        Account.objects.filter(id=paul).update(is_active=False)
    after = its_hour_comes(asked)
    assert (after.state, (after.problem or {})["code"]) == ("failed", "forbidden")
    assert origin.read("acme/shop/pins.jws") is None


def test_what_a_member_scheduled_goes_out_when_they_rose_meanwhile(world: World, origin: FolderOrigin) -> None:
    asked = scheduled(world)
    memberships.change_role(world.actor("alice"), "acme", str(world.accounts["paul"].id), "owner")
    assert its_hour_comes(asked).state == "published"
    assert origin.read("acme/shop/pins.jws") is not None


def test_nothing_goes_out_of_an_organization_that_is_to_be_deleted(world: World, origin: FolderOrigin) -> None:
    asked = scheduled(world)
    Organization.objects.filter(id=world.organization.id).update(deletion_requested_at=timezone.now())
    after = its_hour_comes(asked)
    assert (after.state, (after.problem or {})["code"]) == ("failed", "state_wrong")
    assert origin.read("acme/shop/pins.jws") is None


def test_an_invitation_is_nothing_to_somebody_of_another_organization(world: World) -> None:
    made = invitations.create(world.actor("ada"), "acme", "nora@example.com", "editor")
    for act in (
        lambda: invitations.revoke(world.actor("mallory"), "malice", str(made.invitation.id)),
        lambda: memberships.change_role(world.actor("mallory"), "malice", str(world.accounts["bob"].id), "viewer"),
    ):
        with pytest.raises(NotFound):
            act()
    assert Invitation.objects.filter(id=made.invitation.id).exists()


@pytest.mark.skipif(not CONFIG.on_postgres, reason="SQLite lets one transaction begin at a time")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["leave", "step down", "remove each other"])
def test_two_owners_who_go_at_once_leave_one_behind(how: str) -> None:
    world = World.make()
    second_owner(world)
    both = ("alice", "ada")
    start = Barrier(2, timeout=10)

    def go(name: str) -> str:
        other = both[1 - both.index(name)]
        whom = str(world.accounts[other if how == "remove each other" else name].id)
        start.wait()
        try:
            if how == "step down":
                memberships.change_role(world.actor(name), "acme", whom, "viewer")
            else:
                memberships.remove(world.actor(name), "acme", whom)
        except (Conflict, NotFound, Forbidden) as error:
            return error.code
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(go, both))
    assert outcomes.count("done") == 1, outcomes
    assert Membership.objects.filter(organization=world.organization, role="owner").count() == 1
