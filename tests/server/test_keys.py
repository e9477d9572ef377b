"""Keys of a project: made, retired, sealed anew, and named by key sets that offline anchors sign."""

from __future__ import annotations

import time

import pytest
from django.utils import timezone

from livepin.author import keyset as authoring
from livepin.author.keyset import Change
from livepin.author.signers import managed, pem
from livepin.author.signers.managed import MasterKey
from livepin.author.signers.pem import PemSigner
from livepin.core.base64s import b64, b64url_decode
from livepin.core.jws import PublicKey
from livepin.core.trust import Trust, verify
from livepin.errors import Conflict, Forbidden, KeyUnusable, NotFound, ValueInvalid
from livepin.publish.origins.folder import FolderOrigin
from livepin.server import checks, keyring
from livepin.server.actions import hosts, keys, publishes, renewals
from livepin.server.models import AuditEntry, Key, Project, Publish
from livepin.server.settings import CONFIG
from tests.server.publishing import host, publish, published, rest, seen
from tests.server.world import World

pytestmark = pytest.mark.usefixtures("origin")
DAY = 86_400


class Anchor:
    """A key in somebody's safe."""

    def __init__(self) -> None:
        self.signer = PemSigner(pem.generate(pem.KeyKind("ed25519")))
        self.public = self.signer.public_key

    @property
    def text(self) -> str:
        return b64(self.public.spki)

    def signs(
        self,
        epoch: int,
        *named: PublicKey,
        revoked: frozenset[str] = frozenset(),
        life: int = 180 * DAY,
        began: int = 0,
    ) -> str:
        """A key set that names signing keys."""
        trust = Trust("acme", "shop", (self.public,))
        change = Change(signing_keys=named, revoked=revoked, life=life)
        payload = authoring.next_payload(trust, epoch, change, int(time.time()) + began)
        return authoring.sign(payload, self.signer)


@pytest.fixture
def anchor() -> Anchor:
    return Anchor()


def managed_key(world: World) -> PublicKey:
    return PublicKey.from_text(world.project.signing_keys.get().public_key)


def put(world: World, text: str, *anchors: str, name: str = "ada", threshold: int | None = None) -> Publish | None:
    given = list(anchors) or None
    return renewals.take_keyset(world.actor(name), "acme", "shop", [text], given, threshold)[1]


def anchored(world: World, anchor: Anchor) -> None:
    """The project's anchor rests in a safe now; the server's key is named by its key set."""
    assert put(world, anchor.signs(1, managed_key(world)), anchor.text) is None, "nothing is published yet"


# ---------------------------------------------------------------- key sets


def test_a_key_set_reaches_applications_with_the_first_publish(
    world: World, origin: FolderOrigin, anchor: Anchor
) -> None:
    anchored(world, anchor)
    published(world)
    found = seen(origin, world.project)
    assert (found.epoch, found.serial) == (1, 1)
    assert keys.read(world.actor("carol"), "acme", "shop").anchors == (anchor.public,)


def test_a_new_key_set_is_published_at_once(world: World, origin: FolderOrigin, anchor: Anchor) -> None:
    """A stolen key is trusted until applications get a document that revokes it: nobody has to remember to publish."""
    anchored(world, anchor)
    published(world)
    stolen = managed_key(world)
    fresh = PublicKey.from_text(keys.add(world.actor("ada"), "acme", "shop").public_key)
    asked = put(world, anchor.signs(2, fresh, revoked=frozenset({stolen.thumbprint})))
    assert asked is not None
    assert (asked.what, asked.asked_by) == ("renewal", world.accounts["ada"])
    assert rest(world, asked).state == "published"
    found = seen(origin, world.project)
    assert (found.epoch, found.serial) == (2, 1)
    assert found.keyset is not None
    assert stolen.thumbprint in found.keyset.revoked
    assert list(found.document.hosts) == ["api.example.com"]


def test_a_key_set_and_its_publish_are_there_both_or_not_at_all(
    world: World, anchor: Anchor, monkeypatch: pytest.MonkeyPatch
) -> None:
    anchored(world, anchor)
    published(world)
    monkeypatch.setattr(publishes, "enqueue", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        put(world, anchor.signs(2, managed_key(world)))
    assert keys.read(world.actor("carol"), "acme", "shop").keyset.epoch == 1  # type: ignore[union-attr]


def test_the_same_key_set_again_changes_nothing(world: World, anchor: Anchor) -> None:
    anchored(world, anchor)
    published(world)
    text = anchor.signs(2, managed_key(world))
    assert put(world, text) is not None
    assert put(world, text) is None


def test_another_signature_on_the_same_key_set_is_published_too(world: World, origin: FolderOrigin) -> None:
    """For applications that embed the other anchor."""
    first, second = Anchor(), Anchor()
    trust = Trust("acme", "shop", (first.public, second.public))
    payload = authoring.next_payload(trust, 1, Change(signing_keys=(managed_key(world),)), int(time.time()))
    one, two = (authoring.sign(payload, anchor.signer) for anchor in (first, second))
    renewals.take_keyset(world.actor("ada"), "acme", "shop", [one], [first.text, second.text], 1)
    published(world)
    _, asked = renewals.take_keyset(world.actor("ada"), "acme", "shop", [one, two])
    assert asked is not None
    assert rest(world, asked).state == "published"
    text = origin.read("acme/shop/pins.jws") or b""
    assert verify(text, Trust("acme", "shop", (second.public,)), time.time()).adopted


def test_old_anchors_rest_and_what_they_signed_is_signed_anew(
    world: World, origin: FolderOrigin, anchor: Anchor
) -> None:
    """The first key was its own anchor; the same content goes on under the new one."""
    published(world)
    asked = put(world, anchor.signs(1, managed_key(world)), anchor.text)
    assert asked is not None
    assert rest(world, asked).state == "published"
    found = seen(origin, world.project)
    assert (found.epoch, list(found.document.hosts)) == (1, ["api.example.com"])


def test_a_key_set_that_applications_would_refuse_is_refused(world: World, anchor: Anchor) -> None:
    anchored(world, anchor)
    ours, strange = managed_key(world), Anchor()
    refused = {
        "by a stranger": strange.signs(2, ours),
        "out of date": anchor.signs(2, ours, life=DAY, began=-2 * DAY),
        "no key set": "no key set",
        "of the future": anchor.signs(2, ours, began=DAY),
    }
    for what, text in refused.items():
        with pytest.raises(ValueInvalid) as caught:
            put(world, text)
        assert caught.value.where == "keys", what
    assert keys.read(world.actor("carol"), "acme", "shop").keyset.epoch == 1  # type: ignore[union-attr]


def test_a_key_set_takes_a_higher_epoch_and_names_a_key_of_the_project(world: World, anchor: Anchor) -> None:
    anchored(world, anchor)
    put(world, anchor.signs(5, managed_key(world)))
    for epoch in (4, 5):
        with pytest.raises(Conflict, match="epoch 5 is in force"):
            put(world, anchor.signs(epoch, managed_key(world), Anchor().public))
    with pytest.raises(Conflict, match="no signing key of this project"):
        put(world, anchor.signs(6, Anchor().public))


def test_two_anchors_have_to_sign_where_applications_ask_for_two(world: World, origin: FolderOrigin) -> None:
    first, second = Anchor(), Anchor()
    trust = Trust("acme", "shop", (first.public, second.public))
    payload = authoring.next_payload(trust, 1, Change(signing_keys=(managed_key(world),)), int(time.time()))
    copies = [authoring.sign(payload, one.signer) for one in (first, second)]
    embedded = [first.text, second.text]
    for threshold in (0, 3):
        with pytest.raises(ValueInvalid):
            renewals.take_keyset(world.actor("ada"), "acme", "shop", copies, embedded, threshold)
    with pytest.raises(ValueInvalid) as caught:
        renewals.take_keyset(world.actor("ada"), "acme", "shop", copies[:1], embedded, 2)
    assert caught.value.code == "threshold_unmet"
    renewals.take_keyset(world.actor("ada"), "acme", "shop", copies, embedded, 2)
    published(world)
    assert seen(origin, world.project).epoch == 1


def test_who_may_not_manage_changes_no_keys(world: World, anchor: Anchor) -> None:
    text = anchor.signs(1, managed_key(world))
    for name, error in (("paul", Forbidden), ("bob", Forbidden), ("mallory", NotFound)):
        with pytest.raises(error):
            put(world, text, anchor.text, name=name)
        with pytest.raises(error):
            keys.add(world.actor(name), "acme", "shop")
    assert Project.objects.get(id=world.project.id).keys == []


# ---------------------------------------------------------------- retiring


def test_a_retired_key_signs_nothing_and_its_private_half_is_gone(
    world: World, origin: FolderOrigin, anchor: Anchor
) -> None:
    anchored(world, anchor)
    published(world)
    old = managed_key(world)
    fresh = PublicKey.from_text(keys.add(world.actor("ada"), "acme", "shop").public_key)
    rest(world, put(world, anchor.signs(2, fresh, old)))  # type: ignore[arg-type]
    before = origin.read("acme/shop/1.1.jws") or b""
    retired = keys.retire(world.actor("ada"), "acme", "shop", old.thumbprint)
    assert (retired.sealed, retired.retired_at is None) == ("", False)
    again = keys.retire(world.actor("ada"), "acme", "shop", old.thumbprint)
    assert again.retired_at == retired.retired_at
    hosts.put(world.actor("bob"), "acme", "shop", None, host("more.example.com"))
    assert publish(world).state == "published"
    assert f'"kid":"{fresh.thumbprint}"'.encode() in _header(origin.read("acme/shop/pins.jws") or b"")
    world.project.refresh_from_db()
    assert verify(before, keys.trust_of(world.project), timezone.now().timestamp()).adopted, (
        "what it signed is valid still"
    )


def _header(text: bytes) -> bytes:
    return b64url_decode(text.split(b".")[0].decode())


def test_the_key_that_signs_now_is_not_retired(world: World) -> None:
    thumbprint = managed_key(world).thumbprint
    with pytest.raises(Conflict):
        keys.retire(world.actor("ada"), "acme", "shop", thumbprint)
    with pytest.raises(NotFound):
        keys.retire(world.actor("ada"), "acme", "shop", "nothing")
    assert Key.objects.get(thumbprint=thumbprint).sealed


def test_a_key_that_no_key_set_names_does_not_sign(world: World, origin: FolderOrigin) -> None:
    added = keys.add(world.actor("ada"), "acme", "shop")
    published(world)
    assert added.thumbprint.encode() not in _header(origin.read("acme/shop/pins.jws") or b"")


def test_a_key_is_added_once(world: World) -> None:
    own = Anchor()
    keys.add(world.actor("ada"), "acme", "shop", public_key=own.text)
    with pytest.raises(Conflict) as caught:
        keys.add(world.actor("ada"), "acme", "shop", public_key=own.text)
    assert caught.value.code == "key_exists"
    with pytest.raises(ValueInvalid):
        keys.add(world.actor("ada"), "acme", "shop", public_key="no key")
    with pytest.raises(ValueInvalid):
        keys.add(world.actor("ada"), "acme", "shop", kind="rsa")
    what = AuditEntry.objects.filter(organization=world.organization).order_by("-number")[0].what
    assert what == "own key made"


# ---------------------------------------------------------------- master keys


def masters(*secrets: str) -> None:
    object.__setattr__(CONFIG, "master_keys", secrets)


@pytest.fixture
def old_and_new() -> tuple[str, str]:
    return CONFIG.master_keys[0], "2a" * 32


def test_keys_are_sealed_under_a_new_master_key_and_the_old_one_is_not_needed_any_more(
    world: World, origin: FolderOrigin, old_and_new: tuple[str, str]
) -> None:
    old, new = old_and_new
    keys.add(world.actor("ada"), "acme", "shop")
    sealed = Key.objects.exclude(sealed="").count()
    try:
        masters(new, old)
        published(world)
        assert keys.reseal() == sealed
        assert keys.reseal() == 0, "safe to repeat"
        masters(new)
        hosts.put(world.actor("bob"), "acme", "shop", None, host("after.example.com"))
        assert publish(world).state == "published"
        assert {managed.master_id(one.sealed) for one in Key.objects.exclude(sealed="")} == {
            keyring.masters(CONFIG)[0].id
        }
        masters(old)
        hosts.put(world.actor("bob"), "acme", "shop", None, host("stale.example.com"))
        assert publish(world).state == "failed", "the old master key opens nothing any more"
    finally:
        masters(old)


def test_a_key_that_was_made_under_the_wrong_master_key_does_not_hide_that_the_right_one_is_missing(
    world: World, old_and_new: tuple[str, str]
) -> None:
    def problem() -> str:
        return next(one.problem for one in checks.all_checks() if one.name == "master key")

    old, new = old_and_new
    assert not problem()
    try:
        masters(new)
        keys.add(world.actor("ada"), "acme", "shop")
        assert "is not given" in problem()
        masters(new, old)
        assert not problem()
    finally:
        masters(old)


def test_without_the_old_master_key_nothing_is_sealed_anew_and_nothing_is_lost(world: World) -> None:
    before = set(Key.objects.values_list("id", "sealed"))
    stranger = MasterKey.generate("another")
    with pytest.raises(KeyUnusable):
        keys.reseal([stranger])
    assert set(Key.objects.values_list("id", "sealed")) == before


def test_a_sealed_key_of_another_project_signs_nothing_here(world: World) -> None:
    """Whoever can write to the database moves a sealed key to a project of their own."""
    theirs = Key.objects.exclude(project=world.project).exclude(sealed="").first()
    assert theirs is not None
    Key.objects.filter(project=world.project).update(sealed=theirs.sealed)
    hosts.put(world.actor("bob"), "acme", "shop", None, host())
    done = publish(world)
    assert (done.state, done.revision) == ("failed", None)
