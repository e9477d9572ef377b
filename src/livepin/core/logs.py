"""The logs of Certificate Transparency that a document names in `ct_logs`: what each is worth (rule J7).

A log that can never count is left out when the list is read, so nothing later has to remember why: one of unknown
kind, one whose ID is not the digest of its key, one that is named twice, and the two mimics.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from livepin.core.base64s import b64, b64_decode

#: How old a list may be, in seconds: after that nobody can say which of its logs have been found out (J7).
MAX_AGE = 70 * 86_400

#: Logs whose private keys are public: they were made to stop programs from using a list that is not meant for them.
#: Anyone can sign for them, so no document can make them count.
MIMICS = frozenset({"9EGV1vAOLbVUNcrdV3iS5T4VrUFwWPh44U/2uRh0FYk=", "si9+3rWvav5QPeBAgbLXTBJThJL+3yyypSZQPO9TztI="})

#: SignatureAlgorithm of TLS 1.2 (RFC 5246 section 7.4.1.4.1), as SCTs name it.
RSA, ECDSA = 1, 3
#: RFC 6962 section 2.1.4.
_LEAST_RSA_BITS = 2048


class Kind(StrEnum):
    """The interface of a log."""

    RFC6962 = "rfc6962"
    STATIC = "static"


class Standing(StrEnum):
    """What a log is worth at one moment."""

    CURRENT = "current"
    RETIRED = "retired"
    NEVER = "never"


_CURRENT_STATES = frozenset({"qualified", "usable", "readonly"})


class _Verifier(NamedTuple):
    """A loaded key. `algorithm` is None for one that no log may have; then nothing is asked of it."""

    algorithm: int | None
    verifies: Callable[[bytes, bytes], bool]


@dataclass(frozen=True, slots=True)
class Log:
    """One log. `key` is its SPKI in DER; `start`, `end` (`from` and `until`) and `retired_at` are Unix seconds."""

    id: str
    key: bytes
    operator: str
    kind: Kind = Kind.RFC6962
    state: str = "usable"
    start: int | None = None
    end: int | None = None
    retired_at: int | None = None
    _loaded: dict[int, _Verifier] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Log:
        """Log of an entry of `ct_logs` that passed V5."""
        return cls(
            entry["id"],
            b64_decode(entry["key"]),
            entry["operator"],
            Kind(entry["kind"]),
            entry["state"],
            entry.get("from"),
            entry.get("until"),
            entry.get("retired_at"),
        )

    def standing(self, now: float) -> Standing:
        """What the log is worth at `now` (Unix seconds).

        Retirements are announced ahead: until that moment the log is current, whatever its state says already. Of a
        log that retired nobody knows when, no SCT can be shown to be from before.
        """
        if self.state not in _CURRENT_STATES and (self.state != "retired" or self.retired_at is None):
            return Standing.NEVER
        return Standing.CURRENT if self.retired_at is None or now < self.retired_at else Standing.RETIRED

    def issued_before_retirement(self, timestamp: int) -> bool:
        """Whether an SCT with this `timestamp` (milliseconds) is older than the retirement."""
        return self.retired_at is None or timestamp < self.retired_at * 1000

    def covers(self, not_after: int) -> bool:
        """Whether the log takes certificates that end then (Unix seconds)."""
        return (self.start is None or self.start <= not_after) and (self.end is None or not_after < self.end)

    @property
    def has_usable_key(self) -> bool:
        """Whether the key is of a kind that logs may have."""
        return self._verifier().algorithm is not None

    def verify(self, algorithm: int, signature: bytes, data: bytes) -> bool:
        """Whether `signature` (DER for ECDSA), said to be made with `algorithm`, is this log's over `data`."""
        own = self._verifier()
        return algorithm == own.algorithm and own.verifies(signature, data)

    def _verifier(self) -> _Verifier:
        found = self._loaded.get(0)
        if found is None:
            found = self._loaded[0] = _load(self.key)
        return found


def _load(spki: bytes) -> _Verifier:
    """RFC 6962 section 2.1.4: ECDSA on P-256 or RSA of 2048 bits and more, both with SHA-256."""
    # Imported here: loading it costs more than everything else an application loads of Livepin.
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key: Any = load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    how: tuple[Any, ...] = ()
    algorithm = None
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        algorithm, how = ECDSA, (ec.ECDSA(hashes.SHA256()),)
    elif isinstance(key, rsa.RSAPublicKey) and key.key_size >= _LEAST_RSA_BITS:
        algorithm, how = RSA, (padding.PKCS1v15(), hashes.SHA256())

    def verifies(signature: bytes, data: bytes) -> bool:
        try:
            key.verify(signature, data, *how)
        except InvalidSignature:
            return False
        return True

    return _Verifier(algorithm, verifies)


class LogList:
    """The logs of one document that can count. `issued_at`: the moment (Unix seconds) that it describes."""

    __slots__ = ("_logs", "checked", "issued_at")

    def __init__(self, issued_at: int, logs: Iterable[Log]) -> None:
        """Of two different entries with one ID neither counts: nobody can say which the author meant."""
        self.issued_at = issued_at
        #: What was verified against these logs already. It dies with them, so a new document starts afresh.
        self.checked: dict[tuple[object, ...], Any] = {}
        self._logs: dict[str, Log | None] = {}
        for log in logs:
            known = self._logs.setdefault(log.id, log)
            if known != log or log.id in MIMICS or b64(hashlib.sha256(log.key).digest()) != log.id:
                self._logs[log.id] = None

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> LogList:
        """List of the member `ct_logs` of a payload that passed V5. Entries of unknown kind are skipped."""
        kinds = frozenset(Kind)
        return cls(members["issued_at"], (Log.of(entry) for entry in members["logs"] if entry["kind"] in kinds))

    def find(self, log_id: str) -> Log | None:
        """The log of an ID (Base64), or None where it is not known or can never count."""
        return self._logs.get(log_id)

    @property
    def logs(self) -> tuple[Log, ...]:
        """All logs that can count, in the document's order."""
        return tuple(log for log in self._logs.values() if log is not None)

    @property
    def usable_until(self) -> float:
        """First moment (Unix seconds) at which the list is too old. At 70 days exactly it is not *older* than that."""
        return math.nextafter(self.issued_at + MAX_AGE, math.inf)
