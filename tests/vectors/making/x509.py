"""Certificates, written byte by byte (X.690, RFC 5280): the SPKI in them is known without reading them again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives.asymmetric import rsa

from tests.vectors.making.cases import Json
from tests.vectors.making.keys import Ed25519Key, P256Key, b64, pem, sha256

_SEQUENCE, _SET, _INTEGER, _BIT_STRING, _OCTETS = 0x30, 0x31, 0x02, 0x03, 0x04
_OID, _NULL, _UTF8, _UTC_TIME, _GENERALIZED_TIME, _TRUE = 0x06, 0x05, 0x0C, 0x17, 0x18, b"\x01\x01\xff"


def tlv(tag: int, *parts: bytes) -> bytes:
    """Tag, length in the shortest form, contents."""
    content = b"".join(parts)
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 128 + len(octets)]) + octets + content


def integer(number: int) -> bytes:
    return tlv(_INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))


def bits(content: bytes) -> bytes:
    return tlv(_BIT_STRING, b"\0", content)


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    octets = bytearray()
    for arc in (40 * first + second, *rest):
        groups = [arc & 127]
        while arc := arc >> 7:
            groups.append(arc & 127 | 128)
        octets += bytes(reversed(groups))
    return tlv(_OID, bytes(octets))


ECDSA_WITH_SHA256 = tlv(_SEQUENCE, oid("1.2.840.10045.4.3.2"))
ED25519 = tlv(_SEQUENCE, oid("1.3.101.112"))


def name(common_name: str) -> bytes:
    """A distinguished name of one common name."""
    attribute = tlv(_SEQUENCE, oid("2.5.4.3"), tlv(_UTF8, common_name.encode("utf-8")))
    return tlv(_SEQUENCE, tlv(_SET, attribute))


def _time(text: str) -> bytes:
    """`YYMMDDHHMMSSZ` as UTCTime, the longer form with the century as GeneralizedTime."""
    return tlv(_UTC_TIME if len(text) == 13 else _GENERALIZED_TIME, text.encode("ascii"))


def extension(dotted: str, value: bytes, *, critical: bool = False) -> bytes:
    return tlv(_SEQUENCE, oid(dotted), _TRUE if critical else b"", tlv(_OCTETS, value))


def _extensions(names: Sequence[str], more: Sequence[bytes], *, authority: bool) -> bytes:
    found = [extension("2.5.29.19", tlv(_SEQUENCE, _TRUE if authority else b""), critical=True)]
    if names:
        general = [tlv(0x82, host.encode("ascii")) for host in names]
        found.append(extension("2.5.29.17", tlv(_SEQUENCE, *general)))
    return tlv(0xA3, tlv(_SEQUENCE, *found, *more))


@dataclass(frozen=True)
class Certificate:
    """The bytes of a certificate, of the SPKI that was put into it, and of its TBSCertificate."""

    der: bytes
    spki: bytes
    tbs: bytes

    @property
    def pem(self) -> str:
        return pem("CERTIFICATE", self.der)

    @property
    def spki_sha256(self) -> str:
        return b64(hashlib.sha256(self.spki).digest())

    @property
    def digests(self) -> Json:
        """All four digests, as pins spell them."""
        return spki_digests(self.spki) | {
            "cert_sha256": b64(hashlib.sha256(self.der).digest()),
            "cert_sha512": b64(hashlib.sha512(self.der).digest()),
        }


def spki_digests(spki: bytes) -> Json:
    """Both digests of a public key."""
    return {"spki_sha256": b64(hashlib.sha256(spki).digest()), "spki_sha512": b64(hashlib.sha512(spki).digest())}


def certificate(
    subject: str,
    spki: bytes,
    issuer: str,
    issuer_key: P256Key | Ed25519Key,
    *,
    names: Sequence[str] = (),
    authority: bool = False,
    life: tuple[str, str] = ("260101000000Z", "270101000000Z"),
    serial: int | None = None,
    version_1: bool = False,
    extensions: Sequence[bytes] = (),
) -> Certificate:
    """A certificate; its serial number, unless one is given, belongs to its subject. `extensions` come last."""
    number = int.from_bytes(sha256(f"serial of {subject}")[:8], "big") if serial is None else serial
    algorithm = ED25519 if isinstance(issuer_key, Ed25519Key) else ECDSA_WITH_SHA256
    signed = tlv(
        _SEQUENCE,
        b"" if version_1 else tlv(0xA0, integer(2)),
        integer(number),
        algorithm,
        name(issuer),
        tlv(_SEQUENCE, *map(_time, life)),
        name(subject),
        spki,
        b"" if version_1 else _extensions(names, extensions, authority=authority),
    )
    signature = issuer_key.sign(signed) if isinstance(issuer_key, Ed25519Key) else issuer_key.sign_der(signed)
    return Certificate(tlv(_SEQUENCE, signed, algorithm, bits(signature)), spki, signed)


def _is_prime(number: int) -> bool:
    """Miller-Rabin with fixed bases: enough for numbers that nobody chose to deceive."""
    if any(number % small == 0 for small in range(3, 2000, 2)):
        return False
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    return all(_passes(number, base, odd, twos) for base in (2, 3, 5, 7, 11, 13))


def _passes(number: int, base: int, odd: int, twos: int) -> bool:
    power = pow(base, odd, number)
    return power in (1, number - 1) or any(pow(base, odd << shift, number) == number - 1 for shift in range(1, twos))


@cache
def _prime(label: str) -> int:
    """The first prime of 1,024 bits at or after a number that belongs to the label."""
    stream = b"".join(sha256(f"{label} {block}") for block in range(4))
    number = int.from_bytes(stream, "big") | 3 << 1022 | 1
    while not _is_prime(number):
        number += 2
    return number


@cache
def rsa_key(label: str) -> rsa.RSAPrivateKey:
    """The private key of `rsa_spki`."""
    p, q, e = _prime(f"{label} p"), _prime(f"{label} q"), 65_537
    d = pow(e, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPublicNumbers(e, p * q)
    return rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), numbers
    ).private_key()


def rsa_spki(label: str, *, with_null: bool = True) -> bytes:
    """SPKI of an RSA-2048 key. RFC 3279 wants NULL parameters; some writers leave them out."""
    modulus = _prime(f"{label} p") * _prime(f"{label} q")
    parameters = tlv(_NULL) if with_null else b""
    algorithm = tlv(_SEQUENCE, oid("1.2.840.113549.1.1.1"), parameters)
    return tlv(_SEQUENCE, algorithm, bits(tlv(_SEQUENCE, integer(modulus), integer(65_537))))


def compressed_spki(key: P256Key) -> bytes:
    """SPKI of a P-256 key with its point in the compressed form (RFC 5480 section 2.2)."""
    algorithm = tlv(_SEQUENCE, oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7"))
    return tlv(_SEQUENCE, algorithm, bits(bytes([2 + key.point[-1] % 2]) + key.point[1:33]))


def lattice_spki() -> bytes:
    """SPKI in the shape of an ML-DSA-44 key: an algorithm that a reader of keys need not know."""
    key_bits = b"".join(sha256(f"lattice {block}") for block in range(41))
    return tlv(_SEQUENCE, tlv(_SEQUENCE, oid("2.16.840.1.101.3.4.3.17")), bits(key_bits))


_ROOT_KEY, _ISSUING_KEY, _MALLORY_ROOT_KEY = P256Key("root"), P256Key("issuing"), P256Key("Mallory's root")
LEAF_KEY = P256Key("api.example.com")
_ROOT_NAME, _ISSUING_NAME, _MALLORY_NAME = "Vectors Root", "Vectors Issuing", "Vectors Corporate Proxy"
_LONG_LIFE = ("200101000000Z", "400101000000Z")

#: The chain of the honest service, and the one that an attacker in between shows.
ROOT = certificate(_ROOT_NAME, _ROOT_KEY.spki, _ROOT_NAME, _ROOT_KEY, authority=True, life=_LONG_LIFE)
ISSUING = certificate(_ISSUING_NAME, _ISSUING_KEY.spki, _ROOT_NAME, _ROOT_KEY, authority=True, life=_LONG_LIFE)
LEAF = certificate("api.example.com", LEAF_KEY.spki, _ISSUING_NAME, _ISSUING_KEY, names=["api.example.com"])
MALLORY_ROOT = certificate(
    _MALLORY_NAME, _MALLORY_ROOT_KEY.spki, _MALLORY_NAME, _MALLORY_ROOT_KEY, authority=True, life=_LONG_LIFE
)
MALLORY_LEAF = certificate(
    "api.example.com",
    P256Key("Mallory's leaf").spki,
    _MALLORY_NAME,
    _MALLORY_ROOT_KEY,
    names=["api.example.com"],
    serial=7,
)
HONEST = (LEAF, ISSUING, ROOT)
INTERCEPTED = (MALLORY_LEAF, MALLORY_ROOT)
