"""What Certificate Transparency needs of a certificate, found in its bytes."""

from __future__ import annotations

import calendar
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from livepin.core.der import LoggedFields, logged_fields, octets
from livepin.core.pins import certificates_of_pem
from livepin.errors import CertificateInvalid
from livepin.testing import CertificateAuthority, CtLog, logged
from tests.core.certificates import (
    KEY_USAGE,
    SERIAL,
    SPKI,
    VERSION,
    extension,
    needs_real_data,
    real_chains,
    sequence,
    tlv,
)

SCT_LIST = bytes.fromhex("060a2b06010401d679020402")
POISON = bytes.fromhex("060a2b06010401d679020403")
USAGE = extension(KEY_USAGE, b"\3\1\0", critical=True)
LIFE = (tlv(0x17, b"260101000000Z"), tlv(0x17, b"260401000000Z"))


def tbs(*after_key: bytes, life: tuple[bytes, ...] = LIFE, front: tuple[bytes, ...] = (VERSION, SERIAL)) -> bytes:
    return sequence(*front, sequence(), sequence(), sequence(*life), sequence(), SPKI, *after_key)


def whole(*after_key: bytes, life: tuple[bytes, ...] = LIFE) -> bytes:
    return sequence(tbs(*after_key, life=life), sequence(), tlv(0x03, b"\0"))


def extensions(*items: bytes) -> bytes:
    return tlv(0xA3, sequence(*items))


@needs_real_data
@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_the_precertificates_of_real_certificates_are_what_cryptography_says() -> None:
    seen = 0
    for _, text in real_chains():
        leaf = certificates_of_pem(text)[0].der
        theirs = x509.load_der_x509_certificate(leaf)
        found = logged_fields(leaf)
        assert found.tbs == theirs.tbs_precertificate_bytes
        assert found.not_before == theirs.not_valid_before_utc.timestamp()
        assert found.not_after == theirs.not_valid_after_utc.timestamp()
        assert found.sct_list is not None
        assert not found.poisoned
        seen += 1
    assert seen > 80


@needs_real_data
@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_a_real_certificate_without_scts_stays_as_it_is() -> None:
    for _, text in real_chains():
        for authority in x509.load_pem_x509_certificates(text.encode("ascii"))[1:]:
            found = logged_fields(authority.public_bytes(Encoding.DER))
            assert (found.tbs, found.sct_list) == (authority.tbs_certificate_bytes, None)


def test_what_our_log_signed_is_what_is_left_when_the_scts_are_taken_out() -> None:
    authority, logs = CertificateAuthority(), [CtLog(str(number)) for number in range(6)]
    plain = authority.issue("api.example.com", "*.example.com")
    for number in range(1, len(logs) + 1):
        issued = logged(authority, plain, *logs[:number])
        assert logged_fields(issued.der).tbs == plain.certificate.tbs_certificate_bytes
        assert issued.certificate.tbs_precertificate_bytes == plain.certificate.tbs_certificate_bytes


@pytest.mark.parametrize("padding", [0, 60, 110, 120, 200, 240, 60_000])
def test_lengths_are_written_in_the_shortest_form(padding: int) -> None:
    # Wherever a length crosses a boundary, taking the list out changes how many bytes say so.
    other = extension(KEY_USAGE, bytes(padding))
    found = logged_fields(whole(extensions(other, extension(SCT_LIST, tlv(0x04, bytes(119))), USAGE)))
    assert found.tbs == tbs(extensions(other, USAGE))


@pytest.mark.parametrize("critical", [False, True])
@pytest.mark.parametrize("before", [(), (tlv(0x81, b"\0issuer"), tlv(0x82, b"\0subject"))])
def test_everything_but_the_list_is_kept_in_its_place(critical: bool, before: tuple[bytes, ...]) -> None:
    listed = extension(SCT_LIST, b"value", critical=critical)
    for place in range(3):
        items = [USAGE, extension(POISON[:-1] + b"\5", b"")]
        found = logged_fields(whole(*before, extensions(*items[:place], listed, *items[place:])))
        assert found == LoggedFields(tbs(*before, extensions(*items)), b"value", False, 1767225600, 1775001600)


def test_without_other_extensions_there_are_none() -> None:
    assert logged_fields(whole(extensions(extension(SCT_LIST, b"value")))).tbs == tbs()
    assert logged_fields(whole()) == LoggedFields(tbs(), None, False, 1767225600, 1775001600)


@pytest.mark.parametrize("value", [b"\5\0", b""])
def test_a_precertificate_is_recognized(value: bytes) -> None:
    for items in ([POISON, SCT_LIST], [SCT_LIST, POISON], [POISON]):
        assert logged_fields(whole(extensions(*(extension(kind, value, critical=True) for kind in items)))).poisoned


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        (b"491231235959Z", (2049, 12, 31, 23, 59, 59)),
        (b"500101000000Z", (1950, 1, 1, 0, 0, 0)),
        (b"000229120000Z", (2000, 2, 29, 12, 0, 0)),
        (b"20500101000000Z", (2050, 1, 1, 0, 0, 0)),
        (b"99991231235959Z", (9999, 12, 31, 23, 59, 59)),
    ],
)
def test_times_are_read_in_both_forms(text: bytes, moment: tuple[int, ...]) -> None:
    found = logged_fields(whole(life=(LIFE[0], tlv(0x17 if len(text) == 13 else 0x18, text))))
    assert found.not_after == calendar.timegm(moment)
    assert time.gmtime(found.not_before)[:6] == (2026, 1, 1, 0, 0, 0)


@pytest.mark.parametrize(
    "life",
    [
        (),
        LIFE[:1],
        (*LIFE, LIFE[0]),
        *(
            (LIFE[0], tlv(tag, text))
            for tag, text in (
                (0x17, b"2601010000Z"),
                (0x17, b"260101000000+0000"),
                (0x17, b"261301000000Z"),
                (0x17, b"260230000000Z"),
                (0x17, b"260101240000Z"),
                (0x17, b"260101000060Z"),
                (0x17, b"20260101000000Z"),
                (0x17, b"26010100000\xb2Z"),
                (0x17, b"26W011000000Z"),
                (0x17, b""),
                (0x18, b"20260101000000.5Z"),
                (0x18, b"00000101000000Z"),
                (0x18, b"260101000000Z"),
                (0x16, b"260101000000Z"),
            )
        ),
    ],
)
def test_a_life_that_is_none_is_refused(life: tuple[bytes, ...]) -> None:
    with pytest.raises(CertificateInvalid):
        logged_fields(whole(life=life))


@pytest.mark.parametrize(
    ("after_key", "why"),
    [
        ((b"\x82",), "truncated"),
        ((tlv(0xA3, tlv(0x31)),), "tag 0x31"),
        ((extensions(USAGE), tlv(0x82, b"")), "bytes after its extensions"),
        ((extensions(USAGE), extensions(USAGE)), "bytes after its extensions"),
        ((tlv(0xA3, sequence(USAGE), b"\0"),), "bytes after its extensions"),
        ((extensions(extension(SCT_LIST, b""), extension(SCT_LIST, b"")),), "two SCT lists"),
        ((extensions(sequence(SCT_LIST)),), "truncated"),
        ((extensions(sequence(SCT_LIST, tlv(0x05))),), "tag 0x05"),
        ((extensions(sequence(SCT_LIST, tlv(0x04), b"\0")),), "bytes after an OCTET STRING"),
    ],
)
def test_what_is_damaged_is_refused(after_key: tuple[bytes, ...], why: str) -> None:
    with pytest.raises(CertificateInvalid, match=why):
        logged_fields(whole(*after_key))


def test_a_certificate_that_ends_early_or_late_is_refused() -> None:
    complete = whole(extensions(USAGE, extension(SCT_LIST, tlv(0x04, bytes(119)))))
    logged_fields(complete)
    for broken in (*(complete[:end] for end in range(len(complete))), complete + b"\0"):
        with pytest.raises(CertificateInvalid):
            logged_fields(broken)


def test_octets_are_taken_out_of_their_wrapping() -> None:
    assert octets(tlv(0x04, bytes(300))) == bytes(300)
    for broken in (b"", tlv(0x05), tlv(0x04) + b"\0", tlv(0x04, b"abc")[:-1], tlv(0x01, b"\xff") + tlv(0x04)):
        with pytest.raises(CertificateInvalid):
            octets(broken)
