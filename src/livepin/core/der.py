"""Just enough DER (X.690) to find a few fields in a certificate (RFC 5280 section 4.1): the key, the names, and what
Certificate Transparency needs.

The walk copies bytes exactly as they stand. It runs in every handshake that is not remembered, which is why a general
parser, thirty times slower, is not used here; the certificate was validated by the TLS library before.
"""

from __future__ import annotations

import binascii
import re
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from livepin.errors import CertificateInvalid

_INTEGER, _SEQUENCE, _VERSION, _EXTENSIONS = 0x02, 0x30, 0xA0, 0xA3
_OCTET_STRING, _BOOLEAN, _DNS_NAME, _IP_ADDRESS = 0x04, 0x01, 0x82, 0x87
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_SUBJECT_ALT_NAME = bytes.fromhex("0603551d11")
# 1.3.6.1.4.1.11129.2.4.2 and .3 (RFC 6962 sections 3.3 and 3.1)
_SCT_LIST = bytes.fromhex("060a2b06010401d679020402")
_POISON = bytes.fromhex("060a2b06010401d679020403")

_TIME = re.compile(r"[0-9]{14}Z")
_PEM_MARKER = re.compile(r"-----(BEGIN|END) ([A-Z0-9 ]+)-----")


def _element(data: bytes, start: int, end: int) -> tuple[int, int, int]:
    """Tag, start of content and end of the element at `start`; definite, minimal lengths only."""
    if start + 2 > end:
        raise _invalid("truncated")
    tag, length, content = data[start], data[start + 1], start + 2
    if length >= 0x80:
        size = length & 0x7F
        if not 1 <= size <= 4 or content + size > end:
            raise _invalid("bad length")
        length = int.from_bytes(data[content : content + size], "big")
        content += size
        if length < 0x80 or length >> (8 * (size - 1)) == 0:
            raise _invalid("length not in shortest form")
    if content + length > end:
        raise _invalid("truncated")
    return tag, content, content + length


def _expect(data: bytes, start: int, end: int, tag: int) -> tuple[int, int]:
    """Start of content and end of the element at `start`, which has this tag."""
    # Nearly every element has a short length; to spare one call makes finding the key a fifth faster.
    if start + 2 <= end and data[start] == tag and (stop := start + 2 + data[start + 1]) <= end and stop < start + 0x82:
        return start + 2, stop
    found, content, stop = _element(data, start, end)
    if found != tag:
        raise _invalid(f"tag {found:#04x} where {tag:#04x} belongs")
    return content, stop


def _invalid(why: str) -> CertificateInvalid:
    return CertificateInvalid("certificate_invalid", f"not an X.509 certificate in DER: {why}")


def _tbs(certificate: bytes) -> tuple[int, int]:
    content, end = _expect(certificate, 0, len(certificate), _SEQUENCE)
    if end != len(certificate):
        raise _invalid("bytes after its end")
    return _expect(certificate, content, end, _SEQUENCE)


def _after_serial(data: bytes) -> tuple[int, int, int]:
    """Where the content of the TBSCertificate starts, where its serial number ends, and where all of it ends."""
    start, end = _tbs(data)
    tag, _, stop = _element(data, start, end)
    return start, _expect(data, stop if tag == _VERSION else start, end, _INTEGER)[1], end


def _spki_place(data: bytes) -> tuple[int, int, int]:
    """Start and end of the SPKI, and the end of the TBSCertificate."""
    _, position, end = _after_serial(data)
    for _ in range(4):  # signature algorithm, issuer, validity, subject
        position = _expect(data, position, end, _SEQUENCE)[1]
    return position, _expect(data, position, end, _SEQUENCE)[1], end


def spki_of(certificate: bytes) -> bytes:
    """SubjectPublicKeyInfo of a DER certificate, byte for byte. Raises `CertificateInvalid`."""
    start, stop, _ = _spki_place(certificate)
    return certificate[start:stop]


def check_spki(der: bytes) -> bytes:
    """`der` if it is shaped as a SubjectPublicKeyInfo, SEQUENCE { SEQUENCE, BIT STRING }.

    Raises `CertificateInvalid`.
    """
    content, end = _expect(der, 0, len(der), _SEQUENCE)
    position = _expect(der, content, end, _SEQUENCE)[1]
    if _expect(der, position, end, 0x03)[1] != end or end != len(der):
        raise _invalid("not a SubjectPublicKeyInfo")
    return der


def san_names(certificate: bytes) -> tuple[str, ...]:
    """DNS names (as written, wildcards too) and IP addresses of the subjectAltName extension (RFC 5280 4.2.1.6).

    Raises `CertificateInvalid`.
    """
    _, position, end = _spki_place(certificate)
    while position < end:
        tag, content, stop = _element(certificate, position, end)
        if tag == _EXTENSIONS:
            return _names_in_extensions(certificate, *_expect(certificate, content, stop, _SEQUENCE))
        position = stop
    return ()


def _names_in_extensions(data: bytes, position: int, end: int) -> tuple[str, ...]:
    while position < end:
        content, stop = _expect(data, position, end, _SEQUENCE)
        if data.startswith(_SUBJECT_ALT_NAME, content):
            content += len(_SUBJECT_ALT_NAME)
            tag, _, after = _element(data, content, stop)
            if tag == _BOOLEAN:
                content = after
            value, value_end = _expect(data, content, stop, _OCTET_STRING)
            return tuple(_names(data, *_expect(data, value, value_end, _SEQUENCE)))
        position = stop
    return ()


def _names(data: bytes, position: int, end: int) -> list[str]:
    names = []
    while position < end:
        tag, content, stop = _element(data, position, end)
        value = data[content:stop]
        if tag == _DNS_NAME:
            names.append(value.decode("ascii", "replace"))
        elif tag == _IP_ADDRESS and len(value) == 4:
            names.append(str(IPv4Address(value)))
        elif tag == _IP_ADDRESS and len(value) == 16:
            names.append(str(IPv6Address(value)))
        position = stop
    return names


class LoggedFields(NamedTuple):
    """What Certificate Transparency needs of a certificate.

    `tbs`: the TBSCertificate that the logs signed (RFC 6962 section 3.2). `sct_list`: value of the SCT list extension,
    None without one. `poisoned`: it is a precertificate, which no server may use. `not_before` and `not_after` in Unix
    seconds, both inclusive.
    """

    tbs: bytes
    sct_list: bytes | None
    poisoned: bool
    not_before: int
    not_after: int


def logged_fields(certificate: bytes) -> LoggedFields:
    """What Certificate Transparency needs of a DER certificate.

    `tbs` is spliced together from the bytes as they stand, without the SCT list: encoding anything again would lose
    the log's signature wherever a CA encodes in its own way. Raises `CertificateInvalid`.
    """
    start, position, end = _after_serial(certificate)
    position = _skip_sequences(certificate, position, end)  # signature algorithm, issuer
    not_before, not_after, position = _validity(certificate, position, end)
    position = _skip_sequences(certificate, position, end)  # subject, key
    kept, sct_list, poisoned = b"", None, False
    while position < end:  # the unique identifiers may come before the extensions
        first = position
        tag, content, position = _element(certificate, first, end)
        if tag == _EXTENSIONS:
            if position != end:
                raise _invalid("bytes after its extensions")
            end = first
            kept, sct_list, poisoned = _without_sct_list(certificate, content, position)
    return LoggedFields(_wrap(_SEQUENCE, certificate[start:end] + kept), sct_list, poisoned, not_before, not_after)


def _skip_sequences(data: bytes, position: int, end: int) -> int:
    """Where the second of two SEQUENCEs ends."""
    return _expect(data, _expect(data, position, end, _SEQUENCE)[1], end, _SEQUENCE)[1]


def _validity(data: bytes, position: int, end: int) -> tuple[int, int, int]:
    """`notBefore` and `notAfter` in Unix seconds, and where they end."""
    content, stop = _expect(data, position, end, _SEQUENCE)
    not_before, content = _time(data, content, stop)
    not_after, content = _time(data, content, stop)
    if content != stop:
        raise _invalid("more than two times in its validity")
    first, last = _seconds(not_before, not_after)
    return first, last, stop


def _without_sct_list(data: bytes, position: int, end: int) -> tuple[bytes, bytes | None, bool]:
    """The extensions but the SCT list, as they stand in a TBSCertificate; the SCT list; whether there is a poison."""
    position, stop = _expect(data, position, end, _SEQUENCE)
    if stop != end:
        raise _invalid("bytes after its extensions")
    kept, sct_list, poisoned = data[position:end], None, False
    first = position
    while position < end:
        content, stop = _expect(data, position, end, _SEQUENCE)
        if data.startswith(_SCT_LIST, content):
            if sct_list is not None:
                raise _invalid("two SCT lists")
            sct_list = _extension_value(data, content + len(_SCT_LIST), stop)
            kept = data[first:position] + data[stop:end]
        elif data.startswith(_POISON, content):
            poisoned = True
        position = stop
    # `Extensions` is never empty (RFC 5280 section 4.1): with the last one the member goes.
    return _wrap(_EXTENSIONS, _wrap(_SEQUENCE, kept)) if kept else b"", sct_list, poisoned


def _extension_value(data: bytes, position: int, end: int) -> bytes:
    """What is in the OCTET STRING of an extension, from behind its name."""
    tag, _, stop = _element(data, position, end)
    return _octets(data, stop if tag == _BOOLEAN else position, end)


def _octets(data: bytes, position: int, end: int) -> bytes:
    content, stop = _expect(data, position, end, _OCTET_STRING)
    if stop != end:
        raise _invalid("bytes after an OCTET STRING")
    return data[content:stop]


def octets(value: bytes) -> bytes:
    """What is in a DER OCTET STRING. Raises `CertificateInvalid`."""
    return _octets(value, 0, len(value))


def _time(data: bytes, position: int, end: int) -> tuple[str, int]:
    """A time of RFC 5280 section 4.1.2.5 as `YYYYMMDDHHMMSSZ`, and where it ends."""
    tag, content, stop = _element(data, position, end)
    text = data[content:stop].decode("ascii", "replace")
    if tag == _UTC_TIME:
        text = ("19" if text >= "50" else "20") + text
    if tag not in (_UTC_TIME, _GENERALIZED_TIME) or not _TIME.fullmatch(text):
        raise _invalid("a time that is none")
    return text, stop


def _seconds(*texts: str) -> list[int]:
    """Unix seconds of times as `_time` writes them."""
    from datetime import datetime  # here, because only Certificate Transparency asks for times

    try:
        moments = [datetime.fromisoformat(f"{text[:8]}T{text[8:14]}+00:00") for text in texts]
    except ValueError:
        raise _invalid("a time that is none") from None
    return [int(moment.timestamp()) for moment in moments]


def _wrap(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    octets_of_size = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets_of_size))) + octets_of_size + content


def pem_blocks(text: str) -> list[tuple[str, bytes]]:
    """(label, DER) of every block of a PEM text (RFC 7468), in order; text around blocks is ignored.

    A block that is no certificate or public key may hold anything, and is empty where it is not Base64.
    Raises `CertificateInvalid` for damaged blocks.
    """
    blocks = []
    opened, start = "", 0
    for marker in _PEM_MARKER.finditer(text):
        kind, label = marker.groups()
        if (kind == "END" and label != opened) or (kind == "BEGIN" and opened):
            raise _damaged(label)
        if kind == "END":
            blocks.append((label, _pem_content(label, text[start : marker.start()])))
        opened, start = (label, marker.end()) if kind == "BEGIN" else ("", 0)
    if opened:
        raise _damaged(opened)
    return blocks


def _pem_content(label: str, body: str) -> bytes:
    try:
        return binascii.a2b_base64("".join(body.split()).encode("ascii"), strict_mode=True)
    except ValueError:
        if label in ("CERTIFICATE", "PUBLIC KEY"):
            raise _damaged(label) from None
        return b""


def _damaged(label: str) -> CertificateInvalid:
    return CertificateInvalid("certificate_invalid", f"the PEM block {label} is damaged")
