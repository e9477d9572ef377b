"""Key sets as an author makes them, held against what readers accept."""

from __future__ import annotations

from pathlib import Path

import pytest

from livepin.author import keyset
from livepin.author.keyset import DAY, Change, SignedKeySet
from livepin.author.signers import pem
from livepin.author.signers.pem import KeyKind, PemSigner
from livepin.core import jws
from livepin.core.document import TYP, serialize
from livepin.core.trust import Trust, verify
from livepin.errors import DocumentRefused, ProjectInvalid

NOW = 1_800_000_000
FIRST, SECOND, SIGNING, FRESH, STRANGER = (PemSigner(pem.generate(kind)) for kind in (*KeyKind, *KeyKind, KeyKind.P256))


def trust(*anchors: PemSigner, threshold: int = 1) -> Trust:
    return Trust("acme", "shop", tuple(one.public_key for one in anchors or (FIRST, SECOND)), threshold)


def payload(epoch: int = 1, refresh: tuple[PemSigner, ...] = (), revoked: tuple[str, ...] = ()) -> bytes:
    change = Change((SIGNING.public_key,), tuple(one.public_key for one in refresh), frozenset(revoked))
    return keyset.next_payload(trust(), epoch, change, NOW)


def document(signed: SignedKeySet, serial: int = 1) -> str:
    """A document under a key set, as `release` makes it."""
    content = {"format": 1, "organization": "acme", "project": "shop", "serial": serial, "hosts": []}
    data = serialize({**content, "issued_at": NOW, "expires_at": NOW + DAY})
    key = SIGNING.public_key
    wanted = jws.signing_input({"alg": key.alg, "kid": key.thumbprint, "typ": TYP, "keys": signed.header}, data)
    return jws.assemble(wanted, SIGNING.sign(wanted))


def test_one_anchor_signs_and_applications_accept_it() -> None:
    signed = keyset.combine((), [keyset.sign(payload(), FIRST)], trust())
    assert (signed.keyset.epoch, signed.keyset.expires_at) == (1, NOW + 180 * DAY)
    assert isinstance(signed.header, str)
    for application in (trust(), trust(FIRST)):
        assert verify(document(signed), application, NOW).adopted
    with pytest.raises(DocumentRefused) as raised:
        verify(document(signed), trust(SECOND), NOW)
    assert raised.value.code == "threshold_unmet"
    assert signed.missing(trust().anchors.values()) == (SECOND.public_key,)


def test_two_anchors_counter_sign_the_same_bytes_and_everybody_accepts_it() -> None:
    data = payload()
    one = keyset.combine((), [keyset.sign(data, FIRST)], trust())
    both = keyset.combine(one.texts, [keyset.sign(data, SECOND)], trust())
    assert len({keyset.payload_of(text) for text in both.texts}) == 1
    assert not both.missing(trust().anchors.values())
    for application in (trust(FIRST), trust(SECOND), trust(threshold=2)):
        assert verify(document(both), application, NOW).adopted
    again = keyset.combine(both.texts, [keyset.sign(data, FIRST)], trust())
    assert len(again.texts) == 2


def test_below_the_threshold_it_is_not_enough() -> None:
    two = trust(threshold=2)
    one = keyset.combine((), [keyset.sign(payload(), FIRST)], two)
    assert not keyset.enough(one, two)
    both = keyset.combine(one.texts, [keyset.sign(keyset.payload_of(one.texts[0]), SECOND)], two)
    assert keyset.enough(both, two)
    revoking = payload(2, revoked=(SECOND.public_key.thumbprint,))
    texts = [keyset.sign(revoking, FIRST), keyset.sign(revoking, SECOND)]
    assert not keyset.enough(keyset.combine((), texts, trust()), two)


@pytest.mark.parametrize("signer", [STRANGER, SIGNING], ids=["a stranger", "the signing key"])
def test_nobody_else_signs_a_key_set(signer: PemSigner) -> None:
    with pytest.raises(DocumentRefused) as raised:
        keyset.combine((), [keyset.sign(payload(), signer)], trust())
    assert raised.value.code == "threshold_unmet"


def test_copies_of_two_key_sets_are_not_mixed() -> None:
    with pytest.raises(DocumentRefused) as raised:
        keyset.combine([keyset.sign(payload(1), FIRST)], [keyset.sign(payload(2), SECOND)], trust())
    assert raised.value.code == "keyset_invalid"


def test_a_refresh_key_signs_nothing_else() -> None:
    assert keyset.combine((), [keyset.sign(payload(refresh=(FRESH,)), FIRST)], trust()).keyset.refresh_keys
    for wrong in (SIGNING, FIRST):
        with pytest.raises(DocumentRefused) as raised:
            payload(refresh=(wrong,))
        assert raised.value.code == "keyset_invalid"


def test_it_is_due_from_two_thirds_of_its_life_on() -> None:
    signed = keyset.combine((), [keyset.sign(payload(), FIRST)], trust())
    assert signed.warn_at == NOW + 120 * DAY


def test_in_a_file_and_back(tmp_path: Path) -> None:
    path = tmp_path / keyset.FILE_NAME
    with pytest.raises(ProjectInvalid) as missing:
        keyset.read(path, trust())
    assert missing.value.code == "keyset_missing"
    data = payload()
    signed = keyset.combine((), [keyset.sign(data, FIRST), keyset.sign(data, SECOND)], trust())
    keyset.write(path, signed)
    assert keyset.read(path, trust(threshold=2)) == signed
    path.write_text(path.read_text().replace(".", "", 1))
    with pytest.raises(DocumentRefused) as raised:
        keyset.read(path, trust())
    assert (raised.value.code, raised.value.where) == ("keyset_invalid", str(path))
    path.write_text("")
    with pytest.raises(DocumentRefused):
        keyset.read(path, trust())
