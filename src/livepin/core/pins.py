"""Pins and the digests that they are compared with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from livepin.core import der
from livepin.core.base64s import b64
from livepin.errors import CertificateInvalid

#: The members that name a digest, strongest habit first: a public key outlives its certificates.
DIGEST_MEMBERS = ("spki_sha256", "spki_sha512", "cert_sha256", "cert_sha512")


class Position(StrEnum):
    """Where in the validated chain a pin may match (J6)."""

    LEAF = "leaf"
    CA = "ca"
    ANY = "any"


def digest(member: str, spki: bytes, certificate: bytes) -> str:
    """Base64 of the digest that `member` names (one of `DIGEST_MEMBERS`)."""
    function = hashlib.sha256 if member.endswith("256") else hashlib.sha512
    return b64(function(spki if member.startswith("spki") else certificate).digest())


class Certificate:
    """A DER certificate whose digests are computed when asked for, once."""

    __slots__ = ("_digests", "_spki", "der")

    def __init__(self, certificate_der: bytes) -> None:
        self.der = certificate_der
        self._spki: bytes | None = None
        self._digests: dict[str, str] = {}

    @property
    def spki(self) -> bytes:
        """SubjectPublicKeyInfo as it stands. Raises `CertificateInvalid`."""
        if self._spki is None:
            self._spki = der.spki_of(self.der)
        return self._spki

    def digest(self, member: str) -> str:
        """Base64 digest of the kind `member`. Raises `CertificateInvalid`."""
        found = self._digests.get(member)
        if found is None:
            data = self.spki if member.startswith("spki") else b""
            found = self._digests[member] = digest(member, data, self.der)
        return found


@dataclass(frozen=True, slots=True)
class Pin:
    """One digest with its position and its half-open window in Unix seconds: `start` <= now < `end`."""

    member: str
    digest: str
    position: Position = Position.LEAF
    start: int | None = None
    end: int | None = None

    def active(self, now: float) -> bool:
        """Whether `now` (Unix seconds) lies in the window."""
        return (self.start is None or self.start <= now) and (self.end is None or now < self.end)


def certificates_of_pem(text: str) -> tuple[Certificate, ...]:
    """All certificates of a PEM text, in order. Raises `CertificateInvalid` when there is none."""
    found = tuple(Certificate(data) for label, data in der.pem_blocks(text) if label == "CERTIFICATE")
    if not found:
        raise CertificateInvalid("certificate_invalid", "the PEM text holds no certificate")
    return found


def digests_of_pem(text: str) -> dict[str, str]:
    """All digests of the first certificate in a PEM text; of a bare public key the SPKI digests alone.

    Raises `CertificateInvalid`.
    """
    blocks = der.pem_blocks(text)
    for label, data in blocks:
        if label == "CERTIFICATE":
            certificate = Certificate(data)
            return {member: certificate.digest(member) for member in DIGEST_MEMBERS}
    for label, data in blocks:
        if label == "PUBLIC KEY":
            spki = der.check_spki(data)
            return {member: digest(member, spki, b"") for member in DIGEST_MEMBERS[:2]}
    raise CertificateInvalid("certificate_invalid", "the PEM text holds neither a certificate nor a public key")
