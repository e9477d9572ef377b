"""Private keys that sign documents in tests: anchors and signing keys."""

from __future__ import annotations

from typing import Literal

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils

from livepin.core.base64s import b64
from livepin.core.jws import PublicKey

Algorithm = Literal["ES256", "EdDSA"]


class SigningKey:
    """A private key for ES256 (P-256) or EdDSA (Ed25519), in memory."""

    def __init__(self, private: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> None:
        self._private = private
        spki = private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        #: The public half, as Livepin's core sees it: `alg`, `thumbprint`, `spki`, `jwk()`.
        self.public = PublicKey.from_spki(spki)

    @classmethod
    def generate(cls, alg: Algorithm = "ES256") -> SigningKey:
        """A new key."""
        return cls(ec.generate_private_key(ec.SECP256R1()) if alg == "ES256" else ed25519.Ed25519PrivateKey.generate())

    def __repr__(self) -> str:
        return f"SigningKey({self.public.alg} {self.thumbprint})"

    @property
    def alg(self) -> str:
        """``ES256`` or ``EdDSA``."""
        return self.public.alg

    @property
    def thumbprint(self) -> str:
        """The RFC 7638 thumbprint, which is the `kid` of what this key signs."""
        return self.public.thumbprint

    @property
    def public_key(self) -> str:
        """Base64 of the SPKI in DER: what an application embeds."""
        return b64(self.public.spki)

    @property
    def pem(self) -> str:
        """The private key as PKCS#8 PEM, not encrypted: it is worth nothing outside a test."""
        return self._private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode("ascii")

    def sign(self, data: bytes) -> bytes:
        """The raw signature: r‖s of 64 bytes for ES256 (RFC 7518 section 3.4), 64 bytes for EdDSA."""
        if isinstance(self._private, ed25519.Ed25519PrivateKey):
            return self._private.sign(data)
        r, s = utils.decode_dss_signature(self._private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
