"""The worked example of docs/format.md: verified with `cryptography` alone, then with our own reader."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from livepin.core.jws import PublicKey
from livepin.core.pins import digests_of_pem
from livepin.core.trust import Revision, Trust, verify, verify_held
from livepin.errors import DocumentRefused
from tests.docs import format_example as example

PAGE = example.PAGE.read_text(encoding="utf-8")
SHOWN = example.shown(PAGE)


def unfenced(name: str) -> str:
    """The text inside the code block of a marked part."""
    return "\n".join(line for line in SHOWN[name].splitlines() if not line.startswith("```"))


def rows(name: str) -> list[list[str]]:
    """The cells of the table in a marked part, without code marks."""
    lines = [line for line in SHOWN[name].splitlines() if line.startswith("|")][2:]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


# ------------------------------------------------------------------ cryptography alone


def decode(segment: str) -> bytes:
    data = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    assert base64.urlsafe_b64encode(data).decode("ascii").rstrip("=") == segment
    return data


def spki_on_page(sentence: str) -> bytes:
    """The public key that the page prints beside a sentence."""
    [found] = [row[2] for row in rows("keys") if row[1] == sentence]
    return base64.b64decode(found)


def thumbprint(spki: bytes) -> str:
    key = load_der_public_key(spki)
    if isinstance(key, ed25519.Ed25519PublicKey):
        raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
        members = {"crv": "Ed25519", "kty": "OKP", "x": example.b64url(raw)}
    else:
        assert isinstance(key, ec.EllipticCurvePublicKey)
        numbers = key.public_numbers()
        x, y = (example.b64url(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
        members = {"crv": "P-256", "kty": "EC", "x": x, "y": y}
    return example.b64url(hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest())


def opened(text: str, spki: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and payload of a JWS that `spki` signed."""
    segments = text.split(".")
    header_bytes, payload, signature = map(decode, segments)
    header: dict[str, Any] = json.loads(header_bytes)
    assert header["kid"] == thumbprint(spki)
    signed = f"{segments[0]}.{segments[1]}".encode("ascii")
    key = load_der_public_key(spki)
    if isinstance(key, ed25519.Ed25519PublicKey):
        assert header["alg"] == "EdDSA"
        key.verify(signature, signed)
    else:
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert header["alg"] == "ES256"
        assert len(signature) == 64
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        key.verify(utils.encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    return header, payload


def test_a_stranger_verifies_example_1_from_the_page_alone() -> None:
    header, payload = opened(unfenced("direct jws"), spki_on_page("livepin example: anchor"))
    assert header.keys() == {"alg", "kid", "typ"}
    assert payload.decode("ascii") == unfenced("direct payload bytes")
    assert json.loads(payload) == json.loads(unfenced("direct payload"))


def test_a_stranger_verifies_example_2_from_the_page_alone() -> None:
    text = unfenced("counter-signed jws")
    header, payload = opened(text, spki_on_page("livepin example: signing key"))
    assert json.loads(payload) == json.loads(unfenced("counter-signed payload"))
    printed = [line for line in unfenced("keyset jws").splitlines() if line]
    assert header["keys"] == printed
    _, keyset = opened(printed[0], spki_on_page("livepin example: anchor"))
    _, again = opened(printed[1], spki_on_page("livepin example: second anchor"))
    assert keyset == again
    assert json.loads(keyset) == json.loads(unfenced("keyset payload"))
    [jwk] = json.loads(keyset)["signing_keys"]
    assert jwk["x"] == example.b64url(spki_on_page("livepin example: signing key")[-32:])


def test_a_stranger_computes_the_keys_thumbprints_and_digests_of_the_page() -> None:
    for _, sentence, spki, kid in rows("keys"):
        [key] = [key for key in example.KEYS if key.sentence == sentence]
        assert base64.b64encode(key.spki).decode() == spki
        assert thumbprint(base64.b64decode(spki)) == kid
    certificate = x509.load_pem_x509_certificate(unfenced("certificate").encode())
    assert dict(rows("digests")) == example.digests(certificate)
    assert dict(rows("direct parts"))["digest of the revision"] == base64.b64encode(
        hashlib.sha256(unfenced("direct payload bytes").encode()).digest()
    ).decode("ascii")


def test_whoever_repeats_the_steps_gets_the_bytes_of_the_page() -> None:
    assert {name: text.strip() for name, text in example.parts().items()} == SHOWN


@pytest.mark.parametrize("name", sorted(example.files()))
def test_the_files_to_download_are_those_of_the_page(name: str) -> None:
    assert (example.DOCS / "examples" / name).read_text(encoding="ascii") == example.files()[name]


# ------------------------------------------------------------------ our own reader


def trust(*keys: example.ExampleKey, threshold: int = 1, project: str = example.PROJECT) -> Trust:
    anchors = tuple(PublicKey.from_spki(key.spki) for key in keys)
    return Trust(example.ORGANIZATION, project, anchors, threshold)


def test_livepin_reads_example_1() -> None:
    arrival = verify(unfenced("direct jws"), trust(example.ANCHOR), example.NOW)
    assert (arrival.revision.epoch, arrival.revision.serial, arrival.fresh, arrival.adopted) == (0, 7, True, True)
    assert arrival.revision.digest == dict(rows("direct parts"))["digest of the revision"]


def test_livepin_computes_the_digests_of_the_page() -> None:
    assert digests_of_pem(unfenced("certificate")) == dict(rows("digests"))


def held(epoch: int, serial: int) -> Revision:
    """A revision that somebody who trusts the first anchor may hold."""
    payload = example.compact({**example.DIRECT_PAYLOAD, "serial": serial})
    if epoch == 0:
        return verify_held(example.signed(example.ANCHOR, "livepin+jws", payload).text, trust(example.ANCHOR))
    keyset = example.compact({**example.KEYSET_PAYLOAD, "epoch": epoch})
    keys = example.signed(example.ANCHOR, "livepin-keys+jws", keyset).text
    text = example.signed(example.SIGNING_KEY, "livepin+jws", payload, keys=keys).text
    return verify_held(text, trust(example.ANCHOR))


READERS: list[tuple[str, Callable[[], object], str]] = [
    ("| anchor | 1 |", lambda: trust(example.ANCHOR), ""),
    ("| second anchor | 1 |", lambda: trust(example.SECOND_ANCHOR), ""),
    ("| anchor, second anchor | 2 |", lambda: trust(example.ANCHOR, example.SECOND_ANCHOR, threshold=2), ""),
    ("| anchor, backup key | 2 |", lambda: trust(example.ANCHOR, example.BACKUP_KEY, threshold=2), "threshold_unmet"),
    ("| backup key | 1 |", lambda: trust(example.BACKUP_KEY), "threshold_unmet"),
]


def row_on_page(start: str) -> str:
    [line] = [line for line in PAGE.splitlines() if line.startswith(start)]
    return line


@pytest.mark.parametrize(("start", "make_trust", "code"), READERS, ids=[start for start, _, _ in READERS])
def test_readers_with_different_set_ups_answer_as_the_page_says(
    start: str, make_trust: Callable[[], Trust], code: str
) -> None:
    text = unfenced("counter-signed jws")
    if not code:
        assert verify(text, make_trust(), example.NOW).adopted
        assert row_on_page(start).endswith("| valid |")
        return
    with pytest.raises(DocumentRefused) as refused:
        verify(text, make_trust(), example.NOW)
    assert refused.value.code == code
    assert row_on_page(start).endswith(f"refused in {refused.value.step}: `{code}` |")


def test_a_reader_that_holds_a_later_epoch_refuses_example_2() -> None:
    with pytest.raises(DocumentRefused) as refused:
        verify(unfenced("counter-signed jws"), trust(example.ANCHOR), example.NOW, held(4, 1))
    row = row_on_page("| anchor, holding a document of epoch 4 |")
    assert row.endswith(f"refused in {refused.value.step}: `{refused.value.code}` |")


def resigned(header: dict[str, Any] | None = None, payload: bytes | None = None) -> str:
    """Example 1 with another header or payload, signed again by the anchor."""
    first = example.direct()
    changed = {**first.header, **(header or {})}
    body = payload if payload is not None else first.payload
    signing_input = f"{example.b64url(example.compact(changed))}.{example.b64url(body)}"
    return f"{signing_input}.{example.b64url(example.ANCHOR.sign(signing_input.encode()))}"


def with_der_signature() -> str:
    first = example.direct()
    r, s = (int.from_bytes(first.signature[n : n + 32], "big") for n in (0, 32))
    return f"{first.signing_input}.{example.b64url(utils.encode_dss_signature(r, s))}"


TEXT = example.direct().text
PAYLOAD = example.direct().payload
MISTAKES: list[tuple[str, str, dict[str, Any]]] = [
    ("`=` added", TEXT + "=", {}),
    ("a line feed added", TEXT + "\n", {}),
    ('`"b64":true` added', resigned({"b64": True}), {}),
    ("`alg` changed to `EdDSA`", resigned({"alg": "EdDSA"}), {}),
    ("signed with the backup key", example.signed(example.BACKUP_KEY, "livepin+jws", PAYLOAD).text, {}),
    ("the same r and s", with_der_signature(), {}),
    ('`"serial":7.0`', resigned(payload=PAYLOAD.replace(b'"serial":7', b'"serial":7.0')), {}),
    ('`"critical":["dane"]`', resigned(payload=PAYLOAD[:-1] + b',"critical":["dane"]}'), {}),
    ("the reader is set up for project `Shop`", TEXT, {"trust": trust(example.ANCHOR, project="Shop")}),
    ("the reader's clock is 301", TEXT, {"now": example.ISSUED_AT - 301}),
    ("the reader holds (0, 8)", TEXT, {"held": held(0, 8)}),
]


@pytest.mark.parametrize(("start", "text", "reader"), MISTAKES, ids=[start for start, _, _ in MISTAKES])
def test_ways_to_get_it_wrong_are_answered_as_the_page_says(start: str, text: str, reader: dict[str, Any]) -> None:
    with pytest.raises(DocumentRefused) as refused:
        verify(text, **{"trust": trust(example.ANCHOR), "now": example.NOW, **reader})
    assert row_on_page(f"| {start}").endswith(f"| {refused.value.step} `{refused.value.code}` |")


def test_no_bit_of_example_1_can_be_changed() -> None:
    for place in range(len(TEXT)):
        changed = bytearray(TEXT, "ascii")
        changed[place] ^= 1
        with pytest.raises(DocumentRefused) as refused:
            verify(bytes(changed), trust(example.ANCHOR), example.NOW)
        assert refused.value.step in {"V1", "V2", "V3", "V4"}
