"""A log of Certificate Transparency for tests: what it is shown it has logged, and it says so in an SCT.

It keeps no tree: an SCT is a promise, and promises are all that a TLS client ever checks. Everything here follows
RFC 6962 section 3.2 and the static-CT API with `cryptography` alone, so it can be held against Livepin's own reading.
"""

from __future__ import annotations

import copy
import hashlib
import itertools
import time
from base64 import b64encode
from collections.abc import Iterator
from enum import Enum
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from livepin.testing.authority import CertificateAuthority, KeyKind, ServerCertificate
from livepin.testing.clock import Clock

_DAY = 86_400
_SCT_LIST = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_X509_ENTRY, _PRECERT_ENTRY = b"\0\0", b"\0\1"
_SHA256, _RSA, _ECDSA = 4, 1, 3


class SctFault(Enum):
    """The one thing that is wrong with the SCTs of a faulty log."""

    #: Signed, but something else was.
    BAD_SIGNATURE = "bad_signature"
    #: From a day ahead.
    FUTURE = "future"
    #: By a log that nobody lists.
    UNKNOWN_LOG = "unknown_log"
    #: Of a version that nobody knows.
    MALFORMED = "malformed"


class CtLog:
    """One log with its key. `static`: its SCTs carry the place of the entry, as those of static-CT logs do."""

    def __init__(
        self,
        operator: str = "Example",
        *,
        static: bool = False,
        key: KeyKind = KeyKind.P256,
        clock: Clock | None = None,
    ) -> None:
        """`key`: P-256 or RSA. `clock`: where the times of SCTs come from; default the computer's.

        Raises `ValueError` for another kind of key.
        """
        private = key.generate()
        if not isinstance(private, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
            raise ValueError("logs have a P-256 or an RSA key")
        self.operator = operator
        self.static = static
        self._clock = clock
        self._key = private
        self._places: Iterator[int] = itertools.count()
        self._fault: SctFault | None = None

    @property
    def key_der(self) -> bytes:
        """SubjectPublicKeyInfo in DER."""
        return self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    @property
    def id(self) -> str:
        """Log ID: Base64 of SHA-256 over the key, as a rule's `logs` names it."""
        return b64encode(hashlib.sha256(self.key_der).digest()).decode("ascii")

    def entry(self, state: str = "usable", **members: object) -> dict[str, Any]:
        """The log as it stands in a document's `ct_logs`; `members` adds or replaces some, such as `retired_at`."""
        kind = "static" if self.static else "rfc6962"
        key = b64encode(self.key_der).decode("ascii")
        return {"id": self.id, "key": key, "operator": self.operator, "kind": kind, "state": state, **members}

    def faulty(self, fault: SctFault) -> CtLog:
        """The same log, the same key, with something wrong about every SCT."""
        other = copy.copy(self)
        other._fault = fault
        if fault is SctFault.UNKNOWN_LOG:
            other._key = ec.generate_private_key(ec.SECP256R1())
        return other

    def sct_of_precertificate(self, tbs: bytes, issuer_spki: bytes) -> bytes:
        """An SCT to be embedded: over a TBSCertificate without SCTs, and the key (DER) that will sign it."""
        return self._sct(_PRECERT_ENTRY + hashlib.sha256(issuer_spki).digest() + _sized(tbs, 3))

    def sct_of_certificate(self, der: bytes) -> bytes:
        """An SCT over a finished certificate: what a server hands over by TLS or OCSP."""
        return self._sct(_X509_ENTRY + _sized(der, 3))

    def _sct(self, entry: bytes) -> bytes:
        ahead = _DAY if self._fault is SctFault.FUTURE else 0
        now = self._clock.now() if self._clock else time.time()
        moment = int((now + ahead) * 1000).to_bytes(8, "big")
        extensions = _sized(self._extensions(), 2)
        signature = self._sign(b"\0\0" + moment + entry + extensions)
        version = 7 if self._fault is SctFault.MALFORMED else 0
        algorithm = _ECDSA if isinstance(self._key, ec.EllipticCurvePrivateKey) else _RSA
        own = hashlib.sha256(self.key_der).digest()
        return bytes([version]) + own + moment + extensions + bytes([_SHA256, algorithm]) + _sized(signature, 2)

    def _extensions(self) -> bytes:
        """`leaf_index`, a number of 40 bits; logs of the older kind have none."""
        return b"\0" + _sized(next(self._places).to_bytes(5, "big"), 2) if self.static else b""

    def _sign(self, data: bytes) -> bytes:
        if self._fault is SctFault.BAD_SIGNATURE:
            data = b"not what it should be" + data
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return self._key.sign(data, ec.ECDSA(hashes.SHA256()))


def _sized(content: bytes, octets: int) -> bytes:
    return len(content).to_bytes(octets, "big") + content


def sct_list(*scts: bytes) -> bytes:
    """A SignedCertificateTimestampList (RFC 6962 section 3.3) of SCTs."""
    return _sized(b"".join(_sized(sct, 2) for sct in scts), 2)


def logged(authority: CertificateAuthority, old: ServerCertificate, *logs: CtLog) -> ServerCertificate:
    """`old`, which this authority issued, once more with SCTs of these logs embedded, in this order."""
    issuer = (*old.chain, old.root)[1]
    spki = issuer.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    scts = [log.sct_of_precertificate(old.certificate.tbs_certificate_bytes, spki) for log in logs]
    return authority.extended(old, sct_extension(sct_list(*scts)))


def sct_extension(value: bytes) -> x509.UnrecognizedExtension:
    """The X.509 extension that carries a list of SCTs, or any other bytes in its place."""
    size = len(value)
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    length = bytes([size]) if size < 128 else bytes([128 + len(octets)]) + octets
    return x509.UnrecognizedExtension(_SCT_LIST, b"\x04" + length + value)


def ct_logs(*logs: CtLog, issued_at: float | None = None) -> dict[str, Any]:
    """The member `ct_logs` of a document with these logs, all usable; `issued_at` in Unix seconds, default now."""
    return {
        "issued_at": int(time.time() if issued_at is None else issued_at),
        "logs": [log.entry() for log in logs],
    }
