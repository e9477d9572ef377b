"""What was published elsewhere is taken over when somebody asks, and the draft can say it, too."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from livepin.author import staging
from livepin.core import jws
from livepin.errors import Conflict, Forbidden, LimitReached, NotFound
from livepin.publish.origins.folder import FolderOrigin
from livepin.server.actions import adoptions, checks, drafts, hosts, keys, limits, publishes, revisions, signing
from livepin.server.models import AuditEntry, Publish
from tests.server.publishing import DIGESTS, publish, published, rest, seen
from tests.server.world import World

SHOP = ("acme", "shop")


def elsewhere(world: World, origin: FolderOrigin, serial: int, **members: Any) -> None:
    """Somebody with the key publishes without the server."""
    world.project.refresh_from_db()
    payload = staging.payload_of(drafts.draft_of(world.project), serial, int(timezone.now().timestamp()))
    key = keys.signing_key(world.project)
    signed = signing.signing_input(world.project, key, payload | members)
    text = jws.assemble(signed, keys.signer_of(world.project, key).sign(signed)).encode()
    origin.create(f"acme/shop/0.{serial}.jws", text)
    origin.replace("acme/shop/pins.jws", text, lambda before: None)


def numbers(world: World) -> list[tuple[str, str]]:
    return [(str(one), one.source) for one in world.project.revisions.order_by("epoch", "serial")]


@pytest.fixture
def emergency(world: World, origin: FolderOrigin) -> World:
    """0.1 was published by the server; 0.5 was made without it, and says that a host is off."""
    published(world)
    elsewhere(world, origin, 5, hosts=[{"host": "emergency.example.com", "action": "off"}], deny=[DIGESTS[3]])
    return world


def test_it_is_known_at_once_and_the_next_publish_goes_above_it(emergency: World, origin: FolderOrigin) -> None:
    paul = emergency.actor("paul")
    shown = adoptions.adopt(paul, *SHOP, dry_run=True)
    assert [str(one) for one in shown.revisions] == ["0.5"]
    assert numbers(emergency) == [("0.1", "server")]
    found = adoptions.adopt(paul, *SHOP)
    assert ([str(one) for one in found.revisions], found.unanswered) == (["0.5"], ())
    assert numbers(emergency) == [("0.1", "server"), ("0.5", "adopted")]
    entry = AuditEntry.objects.filter(what="revision adopted").get()
    assert (entry.target, entry.actor) == ("0.5", f"account {emergency.accounts['paul'].id}")
    assert adoptions.adopt(paul, *SHOP).revisions == adoptions.adopt(paul, *SHOP, dry_run=True).revisions == ()
    # Nobody is refused for what was known when they asked.
    assert publish(emergency).state == "published"
    assert seen(origin, emergency.project).serial == 6


def test_what_was_asked_for_before_it_was_known_is_superseded(emergency: World) -> None:
    asked = publishes.start(emergency.actor("paul"), *SHOP)
    adoptions.adopt(emergency.actor("ada"), *SHOP)
    done = rest(emergency, asked)
    assert (done.state, (done.problem or {})["code"]) == ("failed", "superseded")


def test_the_draft_says_what_was_published_elsewhere(emergency: World, origin: FolderOrigin) -> None:
    bob = emergency.actor("bob")
    with pytest.raises(NotFound):
        adoptions.take(bob, *SHOP, None, 0, 5)
    adoptions.adopt(emergency.actor("paul"), *SHOP)
    before = drafts.version(bob, *SHOP)
    with pytest.raises(Conflict):
        adoptions.take(bob, *SHOP, before - 1, 0, 5)
    assert adoptions.take(bob, *SHOP, before, 0, 5).draft_version == before + 1
    draft, _ = drafts.read(bob, *SHOP)
    assert [one.host for one in draft.hosts] == ["emergency.example.com"]
    assert draft.deny == (DIGESTS[3],)
    assert checks.diff(bob, *SHOP) == ()
    assert AuditEntry.objects.filter(what="draft taken from 0.5").exists()
    # An older one, too: what 0.1 said.
    adoptions.take(bob, *SHOP, None, 0, 1)
    draft, _ = drafts.read(bob, *SHOP)
    assert [(one.host, [pin.digest for pin in one.pins or ()]) for one in draft.hosts] == [
        ("api.example.com", DIGESTS[:2])
    ]


def test_the_plan_limits_what_a_draft_takes(
    emergency: World, origin: FolderOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    adoptions.adopt(emergency.actor("paul"), *SHOP)
    hosts.remove(emergency.actor("bob"), *SHOP, None, "api.example.com")

    def refuse(*_: Any) -> None:
        raise LimitReached("limit_reached", "no more hosts")

    monkeypatch.setattr(limits, "check_hosts", refuse)
    with pytest.raises(LimitReached):
        adoptions.take(emergency.actor("bob"), *SHOP, None, 0, 5)


@pytest.mark.parametrize("name", ["bob", "carol"])
def test_who_may_not_publish_adopts_nothing(emergency: World, name: str) -> None:
    with pytest.raises(Forbidden):
        adoptions.adopt(emergency.actor(name), *SHOP)
    assert numbers(emergency) == [("0.1", "server")]


def test_what_the_anchors_did_not_sign_is_not_taken_over(world: World, origin: FolderOrigin) -> None:
    published(world)
    before = origin.read("acme/shop/pins.jws") or b""
    payload = before.split(b".")
    forged = b".".join((payload[0], payload[1], b"A" * len(payload[2])))
    origin.replace("acme/shop/pins.jws", forged, lambda one: None)
    assert adoptions.adopt(world.actor("paul"), *SHOP).revisions == ()


def test_what_cannot_be_asked_is_said(emergency: World, origin: FolderOrigin) -> None:
    emergency.project.url = "http://127.0.0.1:9/"
    emergency.project.save()
    found = adoptions.adopt(emergency.actor("paul"), *SHOP)
    assert [str(one) for one in found.revisions] == ["0.5"]
    (one,) = found.unanswered
    assert one.where == "http://127.0.0.1:9/acme/shop/pins.jws"


def test_a_fork_of_what_was_published_is_not_taken_over(world: World, origin: FolderOrigin) -> None:
    published(world)
    elsewhere(world, origin, 1, hosts=[])
    paul = world.actor("paul")
    assert adoptions.adopt(paul, *SHOP, dry_run=True).revisions == adoptions.adopt(paul, *SHOP).revisions == ()
    assert numbers(world) == [("0.1", "server")]


def test_a_project_that_ended_takes_nothing_over_and_neither_does_one_that_publishes(emergency: World) -> None:
    paul = emergency.actor("paul")
    asked = publishes.start(paul, *SHOP)
    Publish.objects.filter(id=asked.id).update(leased_until=timezone.now() + timedelta(seconds=60))
    with pytest.raises(Conflict, match="under way"):
        adoptions.adopt(paul, *SHOP)
    Publish.objects.filter(id=asked.id).update(leased_until=None)
    emergency.project.state = "withdrawn"
    emergency.project.save()
    with pytest.raises(Conflict, match="withdrawn"):
        adoptions.adopt(paul, *SHOP)
    assert revisions.current(emergency.project) is not None
