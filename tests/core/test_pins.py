"""Pins and the digests that they are compared with."""

from __future__ import annotations

import base64
import hashlib

import pytest

from livepin.core.pins import DIGEST_MEMBERS, Certificate, Pin, Position, certificates_of_pem, digest, digests_of_pem
from livepin.errors import CertificateInvalid
from livepin.testing.authority import CertificateAuthority
from tests.core.certificates import needs_real_data, real_chains
from tests.core.signing import ANCHOR, DIGEST

ISSUED = CertificateAuthority(intermediates=1).issue("api.example.com")


def by_hand(function: str, data: bytes) -> str:
    return base64.b64encode(hashlib.new(function, data).digest()).decode()


def test_the_four_digests_of_a_certificate() -> None:
    found = digests_of_pem(ISSUED.chain_pem)
    assert list(found) == list(DIGEST_MEMBERS)
    assert found["spki_sha256"] == ISSUED.spki_sha256
    assert found["cert_sha256"] == by_hand("sha256", ISSUED.der)
    assert found["cert_sha512"] == by_hand("sha512", ISSUED.der)
    assert found["spki_sha512"] == by_hand("sha512", Certificate(ISSUED.der).spki)


def test_a_certificate_computes_a_digest_once_and_remembers_it() -> None:
    certificate = Certificate(ISSUED.der)
    first = certificate.digest("spki_sha256")
    assert certificate.digest("spki_sha256") is first
    assert certificate.spki is certificate.spki


def test_a_pin_of_the_certificate_asks_nothing_of_what_is_in_it() -> None:
    certificate = Certificate(b"not DER")
    assert certificate.digest("cert_sha256") == by_hand("sha256", b"not DER")
    with pytest.raises(CertificateInvalid):
        certificate.digest("spki_sha256")


def test_a_bare_public_key_has_two_digests() -> None:
    expected = {"spki_sha256": by_hand("sha256", ANCHOR.spki), "spki_sha512": by_hand("sha512", ANCHOR.spki)}
    assert digests_of_pem(ANCHOR.pem) == expected
    assert digests_of_pem(ANCHOR.pem + ISSUED.chain_pem)["spki_sha256"] == ISSUED.spki_sha256


def test_a_private_key_in_the_same_file_is_no_hindrance() -> None:
    assert digests_of_pem(ISSUED.key_pem + ISSUED.chain_pem)["spki_sha256"] == ISSUED.spki_sha256
    with pytest.raises(CertificateInvalid, match="neither a certificate nor a public key"):
        digests_of_pem(ISSUED.key_pem)


def test_a_chain_is_read_in_its_order() -> None:
    assert [one.digest("spki_sha256") for one in certificates_of_pem(ISSUED.chain_pem)] == list(
        ISSUED.chain_spki_sha256[:2]
    )
    with pytest.raises(CertificateInvalid, match="holds no certificate"):
        certificates_of_pem(ANCHOR.pem)


@needs_real_data
def test_the_digests_of_real_chains_are_the_ones_recorded() -> None:
    recorded = real_chains()
    assert len(recorded) > 80
    for chain, text in recorded:
        leaf, issuer = certificates_of_pem(text)[:2]
        assert leaf.digest("spki_sha256") == chain["leaf_spki_sha256"]
        assert issuer.digest("spki_sha256") == chain["issuer_spki_sha256"]
        assert leaf.digest("cert_sha256") == base64.b64encode(bytes.fromhex(chain["leaf_sha256"])).decode()


@pytest.mark.parametrize("member", DIGEST_MEMBERS)
def test_a_digest_is_that_of_its_member(member: str) -> None:
    data = b"key" if member.startswith("spki") else b"certificate"
    assert digest(member, b"key", b"certificate") == by_hand(member.partition("_")[2], data)


@pytest.mark.parametrize(
    ("start", "end", "active"),
    [
        (None, None, [9, 10, 19, 20]),
        (10, None, [10, 19, 20]),
        (None, 20, [9, 10, 19]),
        (10, 20, [10, 19]),
        (20, 10, []),
        (10, 10, []),
    ],
)
def test_a_window_is_half_open(start: int | None, end: int | None, active: list[int]) -> None:
    pin = Pin("spki_sha256", DIGEST, Position.LEAF, start, end)
    assert [now for now in (9, 10, 19, 20) if pin.active(now)] == active
