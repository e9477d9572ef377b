"""Signed certificate timestamps: reading them, and verifying what a log signed (RFC 6962 section 3.2, rule J7).

The list is read here and not by a general parser, because that one gives up the whole list for one SCT that it does
not know. The signed bytes are the certificate's own, spliced (`der.logged_fields`): nothing is encoded again.

What is found holds at any time. The one thing that time changes, whether an SCT is from the future, is asked for apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from struct import Struct
from typing import NamedTuple

from livepin.core import der
from livepin.core.base64s import b64
from livepin.core.logs import ECDSA, RSA, Log, LogList
from livepin.core.pins import Certificate
from livepin.core.trust import CLOCK_TOLERANCE
from livepin.errors import CertificateInvalid

#: How many certificates are remembered per list of logs.
MAX_REMEMBERED = 1024

_V1, _SHA256 = b"\0", 4
_X509_ENTRY, _PRECERT_ENTRY = b"\0\0", b"\0\1"
#: Version, log ID, time, length of the extensions; and behind these, both algorithms and the signature's length.
_HEAD, _TAIL = Struct(">x32sQH"), Struct(">BBH")
#: The extension that says where in a static-CT log the entry is (c2sp.org/static-ct-api).
_LEAF_INDEX, _LEAF_INDEX_SIZE = 0, 5


class SctVerdict(StrEnum):
    """What became of one SCT."""

    OK = "ok"
    BAD_SIGNATURE = "bad_signature"
    UNKNOWN_LOG = "unknown_log"
    MALFORMED = "malformed"
    FUTURE = "future"


class Delivery(StrEnum):
    """How an SCT came along. Where it is not embedded, the log signed the whole certificate."""

    EMBEDDED = "embedded"
    TLS = "tls"
    OCSP = "ocsp"


@dataclass(frozen=True, slots=True)
class Delivered:
    """A list of SCTs (RFC 6962 section 3.3, as bytes) that a caller got from elsewhere than the certificate."""

    delivery: Delivery
    sct_list: bytes


class Sct(NamedTuple):
    """One SCT as it stands. `log_id` (Base64) and `timestamp` (milliseconds) are None where they cannot be read.

    `fault`: why it cannot be used; empty for one that can. `leaf_index` only from static-CT logs.
    """

    delivery: Delivery
    log_id: str | None = None
    timestamp: int | None = None
    extensions: bytes = b""
    leaf_index: int | None = None
    algorithm: int = 0
    signature: bytes = b""
    fault: str = ""

    def signed_data(self, entry: bytes) -> bytes:
        """What the log signed for a log entry: type, issuer's key hash and TBSCertificate, or certificate."""
        assert self.timestamp is not None
        extensions = len(self.extensions).to_bytes(2, "big") + self.extensions
        return b"\0\0" + self.timestamp.to_bytes(8, "big") + entry + extensions


def known_from(timestamp: int) -> float:
    """First moment (Unix seconds) at which an SCT of this time (milliseconds) is not from the future."""
    return timestamp / 1000 - CLOCK_TOLERANCE


def parse_list(data: bytes, delivery: Delivery) -> tuple[Sct, ...]:
    """The SCTs of a list. What cannot be used is in it with its `fault`; a list that is none gives one such entry."""
    try:
        entries = tuple(_entries(data))
    except ValueError as error:
        return (Sct(delivery, fault=str(error)),)
    return tuple(_sct(entry, delivery) for entry in entries)


def _entries(data: bytes) -> Iterator[bytes]:
    if len(data) < 3 or int.from_bytes(data[:2], "big") != len(data) - 2:
        raise ValueError("not a list of SCTs")
    position = 2
    while position < len(data):
        start = position + 2
        position = start + int.from_bytes(data[position:start], "big")
        if position > len(data):
            raise ValueError("an SCT goes beyond the end of the list")
        yield data[start:position]


def _sct(entry: bytes, delivery: Delivery) -> Sct:
    if entry[:1] != _V1:
        return Sct(delivery, fault="of an unknown version" if entry else "empty")
    if len(entry) < _HEAD.size:
        return Sct(delivery, fault="truncated")
    log_id, timestamp, size = _HEAD.unpack_from(entry)
    end = _HEAD.size + size
    extensions, signature = entry[_HEAD.size : end], entry[end + _TAIL.size :]
    leaf_index, fault = _leaf_index(extensions) if extensions else (None, "")
    algorithm = 0
    if len(entry) < end + _TAIL.size:
        fault = "truncated"
    else:
        digest, algorithm, length = _TAIL.unpack_from(entry, end)
        if length != len(signature):
            fault = "truncated, or followed by something"
        elif digest != _SHA256 or algorithm not in (RSA, ECDSA):
            fault = "signed with an algorithm that logs do not use"
    return Sct(delivery, b64(log_id), timestamp, extensions, leaf_index, algorithm, signature, fault)


def _leaf_index(extensions: bytes) -> tuple[int | None, str]:
    """The index, and what is wrong. To RFC 6962 the extensions are bytes of any kind; unknown ones are ignored."""
    found: dict[int, bytes] = {}
    position = 0
    while position < len(extensions):
        start = position + 3
        end = start + int.from_bytes(extensions[position + 1 : start], "big")
        if end > len(extensions):
            return None, ""
        if extensions[position] in found:
            return None, "one extension stands in it twice"
        found[extensions[position]] = extensions[start:end]
        position = end
    index = found.get(_LEAF_INDEX, b"")
    return (int.from_bytes(index, "big") if len(index) == _LEAF_INDEX_SIZE else None), ""


class CheckedSct(NamedTuple):
    """An SCT and what holds of it at any time. `log` is None where the list does not know it."""

    sct: Sct
    verdict: SctVerdict
    log: Log | None

    def at(self, now: float | None) -> SctVerdict:
        """The verdict at `now` (Unix seconds); None: nobody asks for the time."""
        ahead = now is not None and self.sct.timestamp is not None and now < known_from(self.sct.timestamp)
        return SctVerdict.FUTURE if self.verdict is SctVerdict.OK and ahead else self.verdict


class Checked(NamedTuple):
    """All SCTs of a certificate, and what CT asks of the certificate besides. Times in Unix seconds, inclusive."""

    scts: tuple[CheckedSct, ...]
    not_before: int
    not_after: int
    poisoned: bool


def check(leaf: Certificate, issuer: Certificate | None, logs: LogList, delivered: Iterable[Delivered] = ()) -> Checked:
    """Verify the SCTs of a certificate, each once for these logs.

    `issuer`: the next certificate of the validated chain; None where it is not known, and then no embedded SCT
    verifies. A precertificate's SCTs are all malformed. Raises `CertificateInvalid`.
    """
    key = (leaf.der, issuer and issuer.spki, *delivered)
    found: Checked | None = logs.checked.get(key)
    if found is None:
        if len(logs.checked) >= MAX_REMEMBERED:
            logs.checked.clear()
        found = logs.checked[key] = _check(leaf, issuer, logs, delivered)
    return found


def _check(leaf: Certificate, issuer: Certificate | None, logs: LogList, delivered: Iterable[Delivered]) -> Checked:
    fields = der.logged_fields(leaf.der)
    logged = b""
    if issuer is not None:
        key_hash = hashlib.sha256(issuer.spki).digest()
        logged = b"".join((_PRECERT_ENTRY, key_hash, len(fields.tbs).to_bytes(3, "big"), fields.tbs))
    found = [_verified(sct, logged, logs, fields.poisoned) for sct in _embedded(fields.sct_list)]
    whole = b"".join((_X509_ENTRY, len(leaf.der).to_bytes(3, "big"), leaf.der))
    for one in delivered:
        found += [_verified(sct, whole, logs, fields.poisoned) for sct in parse_list(one.sct_list, one.delivery)]
    return Checked(tuple(found), fields.not_before, fields.not_after, fields.poisoned)


def _embedded(sct_list: bytes | None) -> tuple[Sct, ...]:
    if sct_list is None:
        return ()
    try:
        return parse_list(der.octets(sct_list), Delivery.EMBEDDED)
    except CertificateInvalid as error:
        return (Sct(Delivery.EMBEDDED, fault=error.message),)


def _verified(sct: Sct, entry: bytes, logs: LogList, poisoned: bool) -> CheckedSct:
    log = logs.find(sct.log_id) if sct.log_id is not None else None
    if sct.fault or poisoned:
        return CheckedSct(sct, SctVerdict.MALFORMED, log)
    if log is None or not log.has_usable_key:
        return CheckedSct(sct, SctVerdict.UNKNOWN_LOG, None)
    good = bool(entry) and log.verify(sct.algorithm, sct.signature, sct.signed_data(entry))
    return CheckedSct(sct, SctVerdict.OK if good else SctVerdict.BAD_SIGNATURE, log)
