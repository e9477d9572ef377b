"""Keys and key sets in the dashboard: the anchor stays where it is, and what it signed is brought here."""

from __future__ import annotations

import time

from cryptography.hazmat.primitives.asymmetric import ec
from django.core.files.uploadedfile import SimpleUploadedFile

from livepin.author import keyset
from livepin.author.keyset import DAY, Change
from livepin.author.signers.pem import PemSigner
from livepin.core.base64s import b64
from livepin.core.jws import PublicKey
from livepin.core.trust import Trust
from livepin.server.actions import keys
from livepin.server.models import AuditEntry, Key, Project
from tests.server.web.test_hosts import visit
from tests.server.web.test_members import PASSWORD, proved
from tests.server.world import World

KEYS = "/o/acme/p/shop/keys/"
BRING = f"{KEYS}keyset/"


class Drawer:
    """Where an anchor rests: a machine that this server never sees."""

    def __init__(self) -> None:
        self._anchor = PemSigner(ec.generate_private_key(ec.SECP256R1()))

    @property
    def public_key(self) -> str:
        return b64(self._anchor.public_key.spki)

    def signs(self, epoch: int, *public_keys: str, issued_at: float | None = None) -> str:
        """A key set that names these keys, as `keyset.jws` holds it."""
        trust = Trust("acme", "shop", (self._anchor.public_key,))
        change = Change(tuple(map(PublicKey.from_text, public_keys)))
        payload = keyset.next_payload(trust, epoch, change, int(issued_at or time.time()))
        return keyset.sign(payload, self._anchor) + "\n"


def first_key(world: World) -> Key:
    return world.project.signing_keys.get()


def test_a_key_set_is_brought_by_an_admin_and_the_anchor_stays_in_its_drawer(world: World) -> None:
    drawer, ada = Drawer(), proved(visit(world, "ada"))
    assert first_key(world).public_key in ada.get(BRING).content.decode()
    text = drawer.signs(1, first_key(world).public_key)
    assert ada.post(BRING, {"texts": text, "anchors": drawer.public_key}).status_code == 302
    trusted = keys.read(world.actor("carol"), "acme", "shop")
    assert trusted.keyset is not None
    assert trusted.keyset.epoch == 1
    shown = ada.get(KEYS).content.decode()
    assert "named by the key set" in shown
    assert PublicKey.from_text(drawer.public_key).thumbprint in shown
    assert AuditEntry.objects.filter(what="key set changed").count() == 1


def test_a_key_set_comes_as_a_file_too(world: World) -> None:
    drawer = Drawer()
    file = SimpleUploadedFile("keyset.jws", drawer.signs(1, first_key(world).public_key).encode())
    answer = proved(visit(world, "ada")).post(BRING, {"file": file, "anchors": drawer.public_key})
    assert answer.status_code == 302
    assert keys.read(world.actor("carol"), "acme", "shop").keyset is not None


def test_a_key_set_that_applications_would_refuse_is_refused_and_nothing_typed_is_lost(world: World) -> None:
    text = Drawer().signs(1, first_key(world).public_key)
    shown = proved(visit(world, "ada")).post(BRING, {"texts": text, "anchors": ""}).content.decode()
    assert 'role="alert"' in shown
    assert text.strip() in shown
    assert keys.read(world.actor("carol"), "acme", "shop").keyset is None
    nothing = proved(visit(world, "ada")).post(BRING, {"texts": ""}).content.decode()
    assert "Paste the key set, or name its file." in nothing


def test_a_key_set_takes_the_right_to_manage_and_a_fresh_proof(world: World) -> None:
    drawer = Drawer()
    form = {"texts": drawer.signs(1, first_key(world).public_key), "anchors": drawer.public_key}
    assert "right to manage" in proved(visit(world, "paul")).post(BRING, form).content.decode()
    world.accounts["ada"].set_password(PASSWORD)
    world.accounts["ada"].save()
    assert "reauthenticate" in visit(world, "ada").post(BRING, form).headers["Location"]
    assert keys.read(world.actor("carol"), "acme", "shop").keyset is None


def test_a_key_set_is_warned_about_from_two_thirds_of_its_life(world: World) -> None:
    drawer = Drawer()
    for days, warned in ((119, False), (121, True)):
        text = drawer.signs(days, first_key(world).public_key, issued_at=time.time() - days * DAY)
        keys.put_keyset(world.actor("ada"), "acme", "shop", [text.strip()], [drawer.public_key])
        assert ("Two thirds of its life are over" in visit(world, "carol").get(KEYS).content.decode()) is warned


def test_a_key_that_no_key_set_names_says_so_and_the_one_that_signs_cannot_be_retired(world: World) -> None:
    ada = proved(visit(world, "ada"))
    assert ada.post(f"{KEYS}new/", {"kind": "ed25519"}).status_code == 302
    assert "no key set names it" in ada.get(KEYS).content.decode()
    signing, spare = first_and_second(world)
    assert ada.post(f"{KEYS}{signing.thumbprint}/retire/").status_code == 409
    assert ada.post(f"{KEYS}{spare.thumbprint}/retire/").status_code == 302
    spare.refresh_from_db()
    assert (spare.sealed, spare.retired_at is None) == ("", False)


def first_and_second(world: World) -> tuple[Key, Key]:
    first, second = Project.objects.get(id=world.project.id).signing_keys.order_by("created_at")
    return first, second
