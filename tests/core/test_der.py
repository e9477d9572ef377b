"""The key and the names of a certificate, found in its bytes."""

from __future__ import annotations

import base64
import textwrap

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from livepin.core.der import check_spki, pem_blocks, san_names, spki_of
from livepin.errors import CertificateInvalid
from livepin.testing.authority import CertificateAuthority, KeyKind
from tests.core.certificates import (
    KEY_USAGE,
    SAN,
    SERIAL,
    SPKI,
    VERSION,
    certificate,
    extension,
    extensions,
    needs_real_data,
    real_chains,
    sequence,
    tlv,
)
from tests.core.signing import ANCHOR

NAMES = sequence(
    tlv(0x82, b"*.example.com"), tlv(0x86, b"http://x"), tlv(0x87, bytes([192, 0, 2, 1])), tlv(0x87, b"12345")
)


@pytest.mark.parametrize("kind", KeyKind)
def test_the_key_and_the_names_of_an_issued_certificate_are_found(kind: KeyKind) -> None:
    issued = CertificateAuthority().issue("api.example.com", "*.example.com", "192.0.2.1", "2001:db8::1", key=kind)
    public = issued.certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert spki_of(issued.der) == public
    assert san_names(issued.der) == ("api.example.com", "*.example.com", "192.0.2.1", "2001:db8::1")


@needs_real_data
@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_key_and_names_of_real_certificates_are_what_cryptography_says() -> None:
    seen = 0
    for _, text in real_chains():
        for loaded in x509.load_pem_x509_certificates(text.encode("ascii")):
            data = loaded.public_bytes(Encoding.DER)
            assert spki_of(data) == loaded.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            assert san_names(data) == _names_by_cryptography(loaded)
            seen += 1
    assert seen > 200


def _names_by_cryptography(loaded: x509.Certificate) -> tuple[str, ...]:
    try:
        names = loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(name.value) for name in names if isinstance(name, x509.DNSName | x509.IPAddress))


@needs_real_data
@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_the_blocks_of_real_chains_are_what_cryptography_reads() -> None:
    for _, text in real_chains():
        loaded = x509.load_pem_x509_certificates(text.encode("ascii"))
        assert pem_blocks(text) == [("CERTIFICATE", one.public_bytes(Encoding.DER)) for one in loaded]


@pytest.mark.parametrize("before_key", [(VERSION, SERIAL), (SERIAL,)], ids=["version 3", "version 1"])
def test_the_key_is_copied_as_it_stands(before_key: tuple[bytes, ...]) -> None:
    assert spki_of(certificate(before_key=before_key)) == SPKI


@pytest.mark.parametrize("critical", [False, True])
def test_names_are_found_among_other_extensions(critical: bool) -> None:
    found = certificate(
        tlv(0x81, b"\0unique"),
        extensions(extension(KEY_USAGE, b"\3\1\0", critical=True), extension(SAN, NAMES, critical=critical)),
    )
    assert san_names(found) == ("*.example.com", "192.0.2.1")


@pytest.mark.parametrize("after_key", [(), (tlv(0x82, b"\0unique"),), (extensions(extension(KEY_USAGE, b"\3\1\0")),)])
def test_a_certificate_may_have_no_names(after_key: tuple[bytes, ...]) -> None:
    assert san_names(certificate(*after_key)) == ()


def test_a_name_that_is_not_ascii_is_no_reason_to_fail() -> None:
    names = sequence(tlv(0x82, "bücher.example".encode()), tlv(0x82, b"a.example"))
    assert san_names(certificate(extensions(extension(SAN, names))))[1:] == ("a.example",)


WHOLE = certificate(extensions(extension(SAN, NAMES)))


def test_a_certificate_that_ends_early_or_late_is_refused() -> None:
    for end in range(len(WHOLE)):
        with pytest.raises(CertificateInvalid):
            spki_of(WHOLE[:end])
    with pytest.raises(CertificateInvalid, match="bytes after its end"):
        spki_of(WHOLE + b"\0")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "truncated"),
        (b"\x31\0", "tag 0x31 where 0x30 belongs"),
        (b"\x30\x80\0\0", "bad length"),
        (b"\x30\x85\0\0\0\0\1\0", "bad length"),
        (b"\x30\x82\1", "bad length"),
        (b"\x30\x81\x7f" + bytes(127), "shortest form"),
        (b"\x30\x82\0\xff" + bytes(255), "shortest form"),
        (b"\x30\x05\x30\x09\2\1\1", "truncated"),
        (certificate(before_key=(VERSION,)), "tag 0x30 where 0x02 belongs"),
        (certificate(spki=tlv(0x03, b"\0")), "tag 0x03 where 0x30 belongs"),
        (sequence(sequence(VERSION, SERIAL, sequence(), sequence(), sequence())), "truncated"),
    ],
)
def test_what_is_no_certificate_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(CertificateInvalid, match=why) as refused:
        spki_of(data)
    assert refused.value.code == "certificate_invalid"


@pytest.mark.parametrize(
    "after_key",
    [
        (b"\x82",),
        (tlv(0xA3, tlv(0x31)),),
        (extensions(tlv(0x31)),),
        (extensions(sequence(SAN)),),
        (extensions(sequence(SAN, tlv(0x05))),),
        (extensions(extension(SAN, tlv(0x31))),),
        (extensions(extension(SAN, b"\x30\x7f")),),
        (extensions(extension(SAN, sequence(b"\x82\x7f"))),),
    ],
)
def test_extensions_that_are_damaged_are_refused(after_key: tuple[bytes, ...]) -> None:
    broken = certificate(*after_key)
    assert spki_of(broken) == SPKI
    with pytest.raises(CertificateInvalid):
        san_names(broken)


def test_a_bare_public_key_has_the_shape_of_one() -> None:
    assert check_spki(ANCHOR.spki) == ANCHOR.spki
    assert check_spki(SPKI) == SPKI
    for broken in (b"", SPKI + b"\0", sequence(sequence()), sequence(sequence(), tlv(3), tlv(3)), WHOLE, tlv(0x31)):
        with pytest.raises(CertificateInvalid):
            check_spki(broken)


def pem(label: str, data: bytes, end: str = "") -> str:
    body = "\n".join(textwrap.wrap(base64.b64encode(data).decode(), 64))
    return f"-----BEGIN {label}-----\n{body}\n-----END {end or label}-----\n"


def test_text_around_blocks_and_strange_line_breaks_are_ignored() -> None:
    text = f"subject: x\r\n{pem('CERTIFICATE', WHOLE)}and\n{pem('PUBLIC KEY', SPKI)}".replace("\n", "\r\n \t")
    assert pem_blocks(text) == [("CERTIFICATE", WHOLE), ("PUBLIC KEY", SPKI)]
    assert pem_blocks("no block\n-----BEGIN nothing-----") == []


def test_a_block_of_another_kind_may_hold_anything() -> None:
    key = "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END EC PRIVATE KEY-----\n"
    assert pem_blocks(key + pem("CERTIFICATE", WHOLE)) == [("EC PRIVATE KEY", b""), ("CERTIFICATE", WHOLE)]


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN CERTIFICATE-----\nAAAA\n",
        "AAAA\n-----END CERTIFICATE-----\n",
        pem("CERTIFICATE", WHOLE, end="PUBLIC KEY"),
        pem("CERTIFICATE", WHOLE) + "-----BEGIN CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n" + pem("CERTIFICATE", WHOLE),
        "-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN PUBLIC KEY-----\nAA*A\n-----END PUBLIC KEY-----\n",
        "-----BEGIN CERTIFICATE-----\nAAéA\n-----END CERTIFICATE-----\n",
    ],
)
def test_a_damaged_block_is_refused_and_not_skipped(text: str) -> None:
    with pytest.raises(CertificateInvalid, match="is damaged"):
        pem_blocks(text)


def test_a_megabyte_of_markers_or_spaces_takes_no_time() -> None:
    assert pem_blocks("-----BEGIN a" * 100_000) == []
    assert pem_blocks("-----BEGIN A-----" + " " * 1_000_000 + "-----END A-----") == [("A", b"")]
