"""What is published is signed again before it expires, and says the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from livepin.author.signers import pem
from livepin.author.signers.pem import PemSigner
from livepin.core import jws
from livepin.core.base64s import b64
from livepin.core.document import serialize
from livepin.errors import Forbidden, NotFound
from livepin.publish.origins.folder import FolderOrigin
from livepin.server.actions import delivery, drafts, hosts, keys, projects, publishes, renewals, revisions
from livepin.server.models import Project, Publish, Revision
from livepin.server.settings import CONFIG
from tests.server.publishing import host, publish, published, rest, seen
from tests.server.world import World

pytestmark = pytest.mark.usefixtures("origin")
DAY = 86_400


def age(days: float) -> None:
    """Let everything that was published have been signed so many days ago, as far as this server remembers."""
    for row in Revision.objects.all():
        row.issued_at, row.expires_at = int(row.issued_at - days * DAY), int(row.expires_at - days * DAY)
        row.save()


def due() -> list[Publish]:
    """Let the server look for what has to be renewed; what it asked for."""
    before = set(Publish.objects.values_list("id", flat=True))
    count = renewals.start_due()
    found = list(Publish.objects.exclude(id__in=before))
    assert len(found) == count
    return found


def test_at_half_of_its_life_a_document_is_signed_again_and_says_the_same(world: World, origin: FolderOrigin) -> None:
    published(world)
    age(14.9)
    assert due() == []
    age(0.2)
    (asked,) = due()
    assert (asked.what, asked.asked_by) == ("renewal", None)
    done = rest(world, asked)
    assert done.state == "published"
    assert done.findings == [], "the guard was not asked: nothing new is said"
    after = seen(origin, world.project)
    assert after.serial == 2
    assert list(after.document.hosts) == ["api.example.com"]
    assert after.expires_at - after.issued_at == 30 * DAY
    assert due() == [], "once"


def test_a_renewal_publishes_nothing_of_the_draft_and_needs_nobodys_yes(world: World, origin: FolderOrigin) -> None:
    published(world)
    Project.objects.filter(id=world.project.id).update(approvals_required=3)
    hosts.put(world.actor("bob"), "acme", "shop", None, host("staged.example.com"))
    drafts.set_settings(world.actor("bob"), "acme", "shop", None, life_days=7)
    age(16)
    (asked,) = due()
    assert rest(world, asked).state == "published"
    after = seen(origin, world.project)
    assert list(after.document.hosts) == ["api.example.com"]
    assert after.expires_at - after.issued_at == 30 * DAY, "its life is its own, not the draft's"


def test_nothing_is_renewed_that_was_never_published_or_belongs_to_nobody_any_more(world: World) -> None:
    hosts.put(world.actor("bob"), "acme", "shop", None, host())
    assert due() == []
    publish(world)
    age(20)
    type(world.organization).objects.filter(id=world.organization.id).update(deletion_requested_at=timezone.now())
    assert due() == []


@pytest.mark.parametrize(
    ("life", "pause"), [(30, timedelta(days=1)), (7, timedelta(days=7 / 8)), (1, timedelta(hours=3))]
)
def test_a_renewal_that_failed_is_asked_for_again_in_time(world: World, life: int, pause: timedelta) -> None:
    drafts.set_settings(world.actor("bob"), "acme", "shop", None, life_days=life)
    published(world)
    row = Revision.objects.get()
    half = revisions.sign_again_at(row)
    tries = 0
    for step in range(200):
        moment = half + pause * step / 10 + timedelta(seconds=1)
        if moment.timestamp() >= row.expires_at:
            break
        tries += renewals.start_due(moment)
        Publish.objects.filter(what="renewal").update(state="failed")
    assert tries >= 4, "several times before the document expires"
    assert tries <= (timedelta(days=life / 2) / pause) + 1, "and not all the time"


def test_a_failed_renewal_of_one_project_does_not_hold_up_another(world: World, origin: FolderOrigin) -> None:
    published(world)
    other = projects.create(world.actor("alice"), "acme", "other")
    hosts.put(world.actor("bob"), "acme", "other", None, host())
    asked = publishes.start(world.actor("paul"), "acme", "other")
    publishes.wait(world.actor("paul"), "acme", "other", str(asked.id))
    age(16)
    # The first one's stored document does not verify any more, as after a meddler was in the database.
    Project.objects.filter(id=world.project.id).update(anchors=other.anchors)
    (renewal,) = due()
    assert renewal.project_id == other.id


def test_an_own_key_is_asked_once_for_a_renewal(world: World) -> None:
    key = pem.generate(pem.KeyKind("p256"))
    projects.create(world.actor("alice"), "acme", "own", public_key=b64(pem.public_der(key)))
    hosts.put(world.actor("bob"), "acme", "own", None, host())
    paul = world.actor("paul")
    asked = publishes.start(paul, "acme", "own")
    publishes.wait(paul, "acme", "own", str(asked.id))
    wanted = publishes.signing_input(paul, "acme", "own", str(asked.id))
    publishes.bring(paul, "acme", "own", str(asked.id), PemSigner(key).sign(wanted.encode()))
    assert publishes.wait(paul, "acme", "own", str(asked.id)).state == "published"
    age(16)
    (renewal,) = due()
    delivery.run(str(renewal.id))
    renewal.refresh_from_db()
    assert renewal.state == "unsigned"
    age(10)
    assert due() == []


def test_who_may_publish_can_have_it_signed_again_now(world: World, origin: FolderOrigin) -> None:
    paul = world.actor("paul")
    with pytest.raises(NotFound):
        renewals.start(paul, "acme", "shop")
    published(world)
    first = renewals.start(paul, "acme", "shop", "once")
    assert renewals.start(paul, "acme", "shop", "once").id == first.id
    assert rest(world, first).state == "published"
    assert seen(origin, world.project).serial == 2
    with pytest.raises(Forbidden):
        renewals.start(world.actor("bob"), "acme", "shop")


def test_a_serial_that_a_thief_drove_to_its_end_is_told_of(world: World, origin: FolderOrigin) -> None:
    published(world)
    Revision.objects.update(serial=2**53 - 1)
    asked = rest(world, renewals.start(world.actor("paul"), "acme", "shop"))
    assert (asked.state, (asked.problem or {})["code"]) == ("failed", "serials_exhausted")
    assert "key set" in (asked.problem or {})["hint"]
    assert CONFIG.origin_folder.is_dir()


def made_elsewhere(world: World, origin: FolderOrigin, host_name: str) -> None:
    """A revision that this database knows nothing of: published from files in an emergency, or before a restore."""
    before = seen(origin, world.project)
    key = keys.signing_key(world.project)
    payload = {**before.document.payload, "serial": before.serial + 1, "hosts": [{"host": host_name, "action": "off"}]}
    wanted = jws.signing_input(keys.header_of(world.project, key), serialize(payload))
    text = jws.assemble(wanted, keys.signer_of(world.project, key).sign(wanted)).encode()
    origin.create(f"acme/shop/0.{before.serial + 1}.jws", text)
    origin.replace("acme/shop/pins.jws", text, lambda _: None)


def test_what_was_made_elsewhere_is_renewed_and_not_undone(world: World, origin: FolderOrigin) -> None:
    published(world, "a.example.com")
    made_elsewhere(world, origin, "emergency.example.com")
    age(16)
    (asked,) = due()
    assert rest(world, asked).state == "published"
    after = seen(origin, world.project)
    assert (after.serial, list(after.document.hosts)) == (3, ["emergency.example.com"])


def test_who_publishes_without_knowing_of_it_is_told_first(world: World, origin: FolderOrigin) -> None:
    published(world, "a.example.com")
    made_elsewhere(world, origin, "emergency.example.com")
    first = publish(world)
    assert (first.state, (first.problem or {})["code"]) == ("failed", "superseded")
    assert seen(origin, world.project).serial == 2
    assert publish(world).state == "published"
    assert list(seen(origin, world.project).document.hosts) == ["a.example.com"]
