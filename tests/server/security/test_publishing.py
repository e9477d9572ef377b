"""Mallory at the publishing of her own project, of somebody else's, and with a stolen anchor at an origin."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.utils import timezone

from livepin.author import keyset as author
from livepin.author.draft import HostEntry, PinEntry
from livepin.author.signers import pem
from livepin.author.signers.detached import SigningInput, sign_input
from livepin.author.signers.pem import PemSigner
from livepin.core import jws
from livepin.core.base64s import b64
from livepin.core.document import serialize
from livepin.core.jws import PublicKey
from livepin.errors import Conflict, Forbidden, ValueInvalid
from livepin.publish.origins.folder import FolderOrigin
from livepin.server import queue
from livepin.server.actions import delivery, hosts, keys, projects, publishes, renewals, revisions, tokens
from livepin.server.actions.publishes import Wish
from livepin.server.models import Key, Project, Publish, Revision
from livepin.server.settings import CONFIG
from tests.server.world import World

DIGESTS = ["".join((letter * 42, "A=")) for letter in "ABCDEFGH"]
DAY = 86_400


@pytest.fixture(autouse=True)
def origin(tmp_path: Path) -> Iterator[FolderOrigin]:
    """An origin of this test's own."""
    before = CONFIG.origin_folder
    object.__setattr__(CONFIG, "origin_folder", tmp_path / "origin")
    yield FolderOrigin(tmp_path / "origin")
    object.__setattr__(CONFIG, "origin_folder", before)


def host(pattern: str = "api.example.com") -> HostEntry:
    return HostEntry(pattern, "report", tuple(PinEntry("spki_sha256", one) for one in DIGESTS[:2]))


def publish(world: World, name: str = "paul", organization: str = "acme", project: str = "shop") -> Publish:
    """Ask, and wait until it is at rest."""
    asked = publishes.start(world.actor(name), organization, project)
    return publishes.wait(world.actor(name), organization, project, str(asked.id))


def private_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public(key: ec.EllipticCurvePrivateKey) -> str:
    return b64(pem.public_der(key))


def document(signer: PemSigner, organization: str, project: str, serial: int, **given: object) -> str:
    """A document that nobody but the holder of a key makes."""
    now = int(time.time())
    header: dict[str, object] = {
        "alg": signer.public_key.alg,
        "kid": signer.public_key.thumbprint,
        "typ": "livepin+jws",
    }
    header |= {"keys": given.pop("keys")} if "keys" in given else {}
    payload = {
        "format": 1,
        "organization": organization,
        "project": project,
        "serial": serial,
        "issued_at": now,
        "expires_at": now + DAY,
        "hosts": [],
    }
    wanted = jws.signing_input(header, serialize({**payload, **given}))
    return jws.assemble(wanted, signer.sign(wanted))


def test_where_the_operator_keeps_documents_is_told_to_nobody(world: World, origin: FolderOrigin) -> None:
    hosts.put(world.actor("bob"), "acme", "shop", None, host())
    done = publish(world)
    assert {one.where for one in done.steps.all()} == {"", "folder"}
    Path(origin.name).rename(Path(origin.name).with_name("away"))
    Path(origin.name).write_text("a file where a folder was")
    asked = publishes.start(world.actor("paul"), "acme", "shop")
    with pytest.raises(queue.Again):
        delivery.run(str(asked.id))
    asked.refresh_from_db()
    assert asked.problem is not None
    assert asked.problem["where"].startswith("folder/acme/shop/")


def left_at(origin: FolderOrigin, organization: str, project: str, text: str) -> None:
    """Somebody who can write to the origin puts a document there."""
    origin.replace(f"{organization}/{project}/pins.jws", text.encode(), lambda present: None)


def test_a_document_that_never_ends_stops_the_renewals_of_nobody_else(world: World, origin: FolderOrigin) -> None:
    hosts.put(world.actor("bob"), "acme", "shop", None, host())
    assert publish(world).state == "published"
    # Mallory's own project, whose key is hers: she signs what no server would, and has it adopted.
    key = private_key()
    trap = projects.create(world.actor("mallory"), "malice", "a-trap", public_key=public(key))
    left_at(origin, "malice", "a-trap", document(PemSigner(key), "malice", "a-trap", 7, expires_at=2**53 - 1))
    assert [str(one) for one in revisions.adopt(trap)] == ["0.7"]
    later = timezone.now() + timedelta(days=29)
    assert renewals.start_due(later) == 1
    assert Publish.objects.filter(project=world.project, what="renewal").count() == 1


def test_nobody_takes_the_keys_under_which_the_server_signs_again(world: World, origin: FolderOrigin) -> None:
    hosts.put(world.actor("bob"), "acme", "shop", None, host())
    publish(world)
    later = timezone.now() + timedelta(days=29)
    key = f"renewal of 0.1 {later:%Y-%m-%d}"
    with pytest.raises(ValueInvalid):
        publishes.start(world.actor("paul"), "acme", "shop", Wish(key=key))
    with pytest.raises(ValueInvalid):
        renewals.start(world.actor("paul"), "acme", "shop", key)
    assert renewals.start_due(later) == 1


def test_one_key_for_two_different_wishes_is_refused_and_nothing_else_happens(world: World) -> None:
    paul = world.actor("paul")
    for name in "abc":
        hosts.put(world.actor("bob"), "acme", "shop", None, host(f"{name}.example.com"))
        assert publish(world).state == "published"
    first = publishes.rollback(paul, "acme", "shop", 0, 1, Wish(key="back"))
    assert publishes.rollback(paul, "acme", "shop", 0, 1, Wish(key="back")).id == first.id
    with pytest.raises(Conflict) as caught:
        publishes.rollback(paul, "acme", "shop", 0, 2, Wish(key="back"))
    assert caught.value.code == "key_reused"
    version = Project.objects.get(id=world.project.id).draft_version
    publishes.start(paul, "acme", "shop", Wish(version=version, key="draft"))
    hosts.put(world.actor("bob"), "acme", "shop", None, host("d.example.com"))
    publishes.start(paul, "acme", "shop", Wish(version=version, key="draft"))
    with pytest.raises(Conflict) as caught:
        publishes.start(paul, "acme", "shop", Wish(version=version + 1, key="draft"))
    assert caught.value.code == "key_reused"


def test_a_renewal_that_waited_for_its_signature_does_not_bring_old_content_back(
    world: World, origin: FolderOrigin
) -> None:
    key, paul = private_key(), world.actor("paul")
    own = projects.create(world.actor("alice"), "acme", "own", public_key=public(key))

    def sign(publish_id: object) -> Publish:
        wanted = SigningInput.parse(publishes.signing_input(paul, "acme", "own", str(publish_id)).encode())
        publishes.bring(paul, "acme", "own", str(publish_id), sign_input(wanted, PemSigner(key)).encode())
        return publishes.wait(paul, "acme", "own", str(publish_id))

    hosts.put(world.actor("bob"), "acme", "own", None, host("old.example.com"))
    assert sign(publish(world, project="own").id).state == "published"
    Project.objects.filter(id=own.id).update(approvals_required=2)
    hosts.put(world.actor("bob"), "acme", "own", None, host("new.example.com"))
    newer = publish(world, project="own")
    assert newer.state == "waiting"
    # Asked for after it, with what is published now; it needs nobody's approval, and its signature takes a while.
    renewal = renewals.start(paul, "acme", "own")
    assert publishes.wait(paul, "acme", "own", str(renewal.id)).state == "unsigned"
    publishes.approve(world.actor("ada"), "acme", "own", str(newer.id))
    delivery.run(str(newer.id))
    assert sign(newer.id).state == "published"
    assert sign(renewal.id).state == "failed"
    payload = revisions.payload_of(own, revisions.current(own)) or {}
    assert [one["host"] for one in payload["hosts"]] == ["new.example.com", "old.example.com"]


def test_a_signature_of_one_publish_is_none_of_another(world: World, origin: FolderOrigin) -> None:
    key, paul = private_key(), world.actor("paul")
    for name in ("one", "two"):
        projects.create(world.actor("alice"), "acme", name, public_key=public(key))
        hosts.put(world.actor("bob"), "acme", name, None, host())
    first, second = publish(world, project="one"), publish(world, project="two")
    wanted = SigningInput.parse(publishes.signing_input(paul, "acme", "one", str(first.id)).encode())
    signed = sign_input(wanted, PemSigner(key)).encode()
    for answer in (signed, signed.rpartition(b".")[2]):
        with pytest.raises(ValueInvalid) as caught:
            publishes.bring(paul, "acme", "two", str(second.id), answer)
        assert caught.value.code == "signature_refused"
    publishes.bring(paul, "acme", "one", str(first.id), signed)
    assert publishes.wait(paul, "acme", "one", str(first.id)).state == "published"
    with pytest.raises(Conflict):
        publishes.bring(paul, "acme", "one", str(first.id), signed)


def test_a_sealed_key_that_was_moved_to_another_project_signs_nothing(world: World, origin: FolderOrigin) -> None:
    victim, mallory = world.project.signing_keys.get(), Key.objects.get(project__organization__identifier="malice")
    # Whoever can write to the database, and has no master key, gives Mallory's project the victim's key.
    thief = Project.objects.get(organization__identifier="malice")
    mallory.delete()
    Key.objects.create(
        project=thief,
        thumbprint=victim.thumbprint,
        public_key=victim.public_key,
        kind="managed",
        sealed=victim.sealed,
    )
    Project.objects.filter(id=thief.id).update(anchors=[victim.public_key])
    hosts.put(world.actor("mallory"), "malice", "shop", None, host())
    after = publish(world, "mallory", "malice")
    assert (after.state, (after.problem or {})["code"]) == ("failed", "seal_broken")
    assert not Revision.objects.filter(project=thief).exists()
    assert origin.read("malice/shop/pins.jws") is None


@pytest.mark.parametrize("organization", ["acme", "malice"])
def test_what_another_key_or_another_project_signed_is_not_adopted(
    world: World, origin: FolderOrigin, organization: str
) -> None:
    key = private_key()
    projects.create(world.actor("mallory"), "malice", "own", public_key=public(key))
    # Under her own key with the victim's name, and under her own name at the victim's place.
    left_at(origin, "acme", "shop", document(PemSigner(key), organization, "shop", 9))
    assert revisions.adopt(world.project) == []


def key_set(project: Project, anchor: PemSigner, epoch: int, signing: PublicKey, *revoked: str) -> str:
    """A key set that one anchor signed."""
    change = author.Change(signing_keys=(signing,), revoked=frozenset(revoked))
    return author.sign(author.next_payload(keys.trust_of(project), epoch, change, int(time.time())), anchor)


def test_a_revoked_anchor_puts_no_key_set_into_force(world: World, origin: FolderOrigin) -> None:
    good, stolen, thief = (PemSigner(private_key()) for _ in range(3))
    alice, shop = world.actor("alice"), world.project
    signing = PublicKey.from_text(keys.signing_key(shop).public_key)
    anchors = [b64(one.public_key.spki) for one in (good, stolen)]
    Project.objects.filter(id=shop.id).update(anchors=anchors)
    shop.refresh_from_db()
    ours = key_set(shop, good, 5, signing, stolen.public_key.thumbprint)
    keys.put_keyset(alice, "acme", "shop", [ours])
    # The thief has the other anchor, and can write to the origin.
    theirs = key_set(shop, stolen, 6, thief.public_key)
    left_at(origin, "acme", "shop", document(thief, "acme", "shop", 1, keys=theirs))
    with pytest.raises(ValueInvalid) as caught:
        keys.put_keyset(alice, "acme", "shop", [theirs])
    assert caught.value.code == "threshold_unmet"
    shop.refresh_from_db()
    assert revisions.adopt(shop) == []
    # Nor does it stand in the way: applications that hold epoch 5 get what is published under it.
    hosts.put(world.actor("bob"), "acme", "shop", None, host())
    assert publish(world).state == "published"
    shop.refresh_from_db()
    assert keys.keyset_of(shop).epoch == 5  # type: ignore[union-attr]
    assert revisions.opened(shop, revisions.current(shop)).number == (5, 1)  # type: ignore[union-attr]


def test_one_does_not_approve_ones_own_publish_through_a_token(world: World, origin: FolderOrigin) -> None:
    Project.objects.filter(id=world.project.id).update(approvals_required=2)
    hosts.put(world.actor("bob"), "acme", "shop", None, host())
    asked, paul = publish(world), world.actor("paul")
    robot = tokens.actor_of(tokens.create(paul, "acme", "ci", "publish", 30).text)
    command_line = tokens.actor_of(tokens.sign_in(world.accounts["paul"], "laptop").text)
    for actor in (robot, command_line):
        with pytest.raises(Forbidden):
            publishes.approve(actor, "acme", "shop", str(asked.id))
    delivery.run(str(asked.id))
    assert Publish.objects.get(id=asked.id).state == "waiting"
