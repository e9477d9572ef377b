"""Key material that is the same on every run: private keys are derived from labels, never stored."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Protocol

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

#: Order of the base points of P-256 and Ed25519: signatures in which a number is replaced by another one need them.
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493

#: P-256's point with x = 0; written with x = the curve's prime it is no canonical coordinate any more.
_P256_PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
_Y_AT_ZERO = "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4"

# The fixed DER in front of the key bits (RFC 5480, RFC 8410): SEQUENCE, algorithm, BIT STRING header.
_P256_SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
_ED25519_SPKI = bytes.fromhex("302a300506032b6570032100")


def b64(data: bytes) -> str:
    """Padded standard Base64."""
    return base64.b64encode(data).decode("ascii")


def b64url(data: bytes) -> str:
    """Unpadded base64url (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def sha256(label: str) -> bytes:
    """32 bytes that belong to a label."""
    return hashlib.sha256(label.encode("utf-8")).digest()


def thumbprint(jwk: dict[str, str]) -> str:
    """RFC 7638: SHA-256 over the required members in lexical order, without white space."""
    canonical = json.dumps(jwk, sort_keys=True, separators=(",", ":"))
    return b64url(hashlib.sha256(canonical.encode("ascii")).digest())


class Key(Protocol):
    """What signs documents and key sets."""

    alg: str
    jwk: dict[str, str]
    spki: bytes
    kid: str

    def sign(self, data: bytes) -> bytes:
        """The signature as it stands in a JWS: 64 bytes for both kinds of key."""


class P256Key:
    """A P-256 key; ECDSA with the nonce of RFC 6979, so that a signature is always the same."""

    alg = "ES256"

    def __init__(self, label: str) -> None:
        scalar = int.from_bytes(sha256(f"livepin vectors P-256 {label}"), "big") % (P256_ORDER - 1) + 1
        self.private = ec.derive_private_key(scalar, ec.SECP256R1())
        self.point = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.spki = _P256_SPKI + self.point
        self.jwk = {"kty": "EC", "crv": "P-256", "x": b64url(self.point[1:33]), "y": b64url(self.point[33:])}
        self.kid = thumbprint(self.jwk)

    def sign_der(self, data: bytes) -> bytes:
        """The signature as X.509 carries it (and as a JWS must not)."""
        return self.private.sign(data, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))

    def numbers(self, data: bytes) -> tuple[int, int]:
        """The signature's r and s."""
        return decode_dss_signature(self.sign_der(data))

    def sign(self, data: bytes) -> bytes:
        return raw(*self.numbers(data))


class Ed25519Key:
    """An Ed25519 key; its signatures are deterministic by themselves."""

    alg = "EdDSA"

    def __init__(self, label: str) -> None:
        seed = sha256(f"livepin vectors Ed25519 {label}")
        self.private = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
        self.point = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.spki = _ED25519_SPKI + self.point
        self.jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64url(self.point)}
        self.kid = thumbprint(self.jwk)

    def sign(self, data: bytes) -> bytes:
        return self.private.sign(data)


def raw(r: int, s: int) -> bytes:
    """r and s as a JWS carries them (RFC 7518 section 3.4)."""
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def jwk_above_the_prime() -> dict[str, str]:
    """A point of P-256 whose x is written as 0 plus the prime."""
    x, y = _P256_PRIME.to_bytes(32, "big"), bytes.fromhex(_Y_AT_ZERO)
    return {"kty": "EC", "crv": "P-256", "x": b64url(x), "y": b64url(y)}


def pem(label: str, der: bytes) -> str:
    """RFC 7468 text, lines of 64 characters."""
    text = b64(der)
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


#: The anchors that applications of these vectors embed. EDDA is the one that is an Ed25519 key.
ANNA = P256Key("anchor Anna")
BERT = P256Key("anchor Bert")
CARL = P256Key("anchor Carl")
EDDA = Ed25519Key("anchor Edda")
#: The keys that key sets name.
SIGNER = P256Key("signer")
NEXT_SIGNER = P256Key("next signer")
EDDA_SIGNER = Ed25519Key("signer")
#: Somebody who is trusted by nobody.
MALLORY = P256Key("Mallory")
EDDA_MALLORY = Ed25519Key("Mallory")
