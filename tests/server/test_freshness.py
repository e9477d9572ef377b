"""Documents that live for a day, kept in force by statements of the server, while the key that signs them rests."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from livepin.author import keyset as authoring
from livepin.author.keyset import Change
from livepin.author.signers import pem
from livepin.author.signers.detached import SigningInput, sign_input
from livepin.author.signers.pem import PemSigner
from livepin.core import freshness as statements
from livepin.core.base64s import b64
from livepin.core.jws import PublicKey
from livepin.core.trust import Trust
from livepin.errors import Forbidden, NotFound, ValueInvalid
from livepin.publish.origins.folder import FolderOrigin
from livepin.server import queue
from livepin.server.actions import drafts, freshness, hosts, keys, publishes, renewals, warnings
from livepin.server.jobs import tasks
from livepin.server.models import Look, Project, Publish
from tests.server.publishing import host, publish, seen
from tests.server.world import World

pytestmark = pytest.mark.usefixtures("origin")
HOUR, DAY = 3600, 86_400
FRESH = "acme/shop/fresh.jws"


class Owner:
    """Somebody whose anchor and signing key are at home, and whose refresh key is the server's."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.anchor, self.signing = (PemSigner(pem.generate(pem.KeyKind.P256)) for _ in range(2))
        alice = world.actor("alice")
        keys.add(alice, "acme", "shop", public_key=b64(self.signing.public_key.spki))
        self.refresh = keys.add(alice, "acme", "shop", use="refresh")
        drafts.set_settings(alice, "acme", "shop", None, life_days=1, extendable_days=20)
        hosts.put(alice, "acme", "shop", None, host())
        self.put_keyset(1)

    def put_keyset(self, epoch: int, *, refresh: bool = True, life: int = 180 * DAY) -> None:
        public = PublicKey.from_text(self.refresh.public_key)
        change = Change((self.signing.public_key,), (public,) if refresh else (), life=life)
        trust = Trust("acme", "shop", (self.anchor.public_key,))
        payload = authoring.next_payload(trust, epoch, change, int(time.time()))
        text = authoring.sign(payload, self.anchor)
        keys.put_keyset(self.world.actor("alice"), "acme", "shop", [text], [b64(self.anchor.public_key.spki)])

    def publish(self) -> None:
        asked = publish(self.world)
        assert asked.state == "unsigned", asked.problem
        self.sign(asked)

    def sign(self, asked: Publish) -> None:
        paul = self.world.actor("paul")
        wanted = publishes.signing_input(paul, "acme", "shop", str(asked.id))
        answer = sign_input(SigningInput.parse(wanted.encode()), self.signing)
        publishes.bring(paul, "acme", "shop", str(asked.id), answer.encode())
        assert publishes.wait(paul, "acme", "shop", str(asked.id)).state == "published"


@pytest.fixture
def owner(world: World) -> Owner:
    return Owner(world)


def prolonged(owner: Owner, now: float | None = None) -> bool:
    return freshness.prolong(str(owner.world.project.id), now)


def test_a_document_of_a_day_is_in_force_for_weeks_while_its_key_rests(owner: Owner, origin: FolderOrigin) -> None:
    owner.publish()
    revision = seen(origin, owner.world.project)
    assert revision.expires_at == revision.issued_at + DAY
    assert prolonged(owner)
    assert not prolonged(owner), "what is good for hours is not signed again"
    later = revision.issued_at + DAY - HOUR
    assert prolonged(owner, later)
    text = origin.read(FRESH)
    assert text is not None
    assert statements.verify(text, revision, later).until == later + freshness.LIFE
    # To the end, and no further.
    end = revision.issued_at + 20 * DAY
    assert prolonged(owner, end - HOUR)
    assert not prolonged(owner, end + 1)
    assert statements.verify(origin.read(FRESH) or b"", revision, end - HOUR).until == end


def test_the_server_does_it_by_itself(owner: Owner, origin: FolderOrigin, monkeypatch: pytest.MonkeyPatch) -> None:
    owner.publish()
    assert tasks.PERIODIC["freshness"] <= timedelta(seconds=freshness.LIFE - freshness.LEAST)
    asked: list[dict[str, str]] = []
    monkeypatch.setattr(queue, "enqueue", lambda task, arguments, name: asked.append({"task": task, **arguments}))
    tasks.TASKS["freshness"]()
    assert asked == [{"task": "prolong", "project_id": str(owner.world.project.id)}]
    tasks.TASKS["prolong"](project_id=asked[0]["project_id"])
    assert origin.read(FRESH) is not None


@pytest.mark.parametrize("why", ["not named", "retired", "not extendable", "withdrawn", "nothing published"])
def test_where_there_is_nothing_to_say_nothing_is_said(owner: Owner, origin: FolderOrigin, why: str) -> None:
    alice = owner.world.actor("alice")
    if why == "not named":
        owner.put_keyset(2, refresh=False)
    elif why == "retired":
        keys.retire(alice, "acme", "shop", owner.refresh.thumbprint)
    elif why == "not extendable":
        drafts.set_settings(alice, "acme", "shop", None, extendable_days=None)
    if why != "nothing published":
        owner.publish()
    if why == "withdrawn":
        Project.objects.update(state="withdrawn")
    assert not prolonged(owner)
    assert origin.read(FRESH) is None


def test_a_statement_never_stands_beside_another_revision(owner: Owner, origin: FolderOrigin) -> None:
    """Between reading what is published and writing, somebody else moves the pointer."""
    owner.publish()
    before = origin.read("acme/shop/pins.jws")
    owner.publish()
    origin.replace("acme/shop/pins.jws", before or b"", lambda _: None)
    assert not prolonged(owner)
    assert origin.read(FRESH) is None


def test_an_own_key_is_asked_for_at_half_of_what_statements_can_do_and_not_every_day(
    owner: Owner, origin: FolderOrigin
) -> None:
    owner.publish()
    now = timezone.now()
    assert renewals.start_due(now + timedelta(days=9)) == 0
    assert renewals.start_due(now + timedelta(days=11)) == 1
    asked = Publish.objects.get(what="renewal")
    publishes.wait(owner.world.actor("paul"), "acme", "shop", str(asked.id))
    owner.sign(asked)
    revision = seen(origin, owner.world.project)
    assert revision.serial == 2
    assert revision.document.extendable_until - revision.issued_at == 20 * DAY


def test_nobody_is_warned_of_a_short_life_while_statements_come_and_everybody_when_they_stop(owner: Owner) -> None:
    owner.publish()
    prolonged(owner)
    now = timezone.now()

    def told(after: timedelta) -> list[str]:
        return [str(one.kind) for one in warnings.current(owner.world.project, now + after)]

    owner.world.project.refresh_from_db()
    Look.objects.all().delete()  # nobody of that name answers here
    assert told(timedelta(minutes=5)) == []
    assert told(timedelta(hours=20)) == ["document"]
    assert prolonged(owner, (now + timedelta(hours=20)).timestamp())
    assert told(timedelta(hours=20)) == []


def test_how_long_it_is_good_is_told_to_whoever_may_read(owner: Owner) -> None:
    carol, mallory = owner.world.actor("carol"), owner.world.actor("mallory")
    with pytest.raises(NotFound):
        freshness.read(carol, "acme", "shop")
    owner.publish()
    found = freshness.read(carol, "acme", "shop")
    assert (found.until, found.statement, found.by_server) == (found.revision.expires_at, None, True)
    prolonged(owner, found.revision.issued_at + DAY - HOUR)
    found = freshness.read(carol, "acme", "shop")
    assert found.limit == found.revision.issued_at + 20 * DAY
    with pytest.raises(NotFound):
        freshness.read(mallory, "acme", "shop")


def test_a_refresh_key_is_the_servers_own_and_signs_no_document(owner: Owner) -> None:
    alice = owner.world.actor("alice")
    with pytest.raises(ValueInvalid):
        keys.add(alice, "acme", "shop", public_key=b64(owner.anchor.public_key.spki), use="refresh")
    with pytest.raises(ValueInvalid):
        keys.add(alice, "acme", "shop", use="everything")
    with pytest.raises(Forbidden):
        keys.add(owner.world.actor("paul"), "acme", "shop", use="refresh")
    owner.world.project.refresh_from_db()
    assert keys.signing_key(owner.world.project).thumbprint == owner.signing.public_key.thumbprint
