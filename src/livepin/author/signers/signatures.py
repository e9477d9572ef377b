"""Signatures as other programs give them, and as a JWS carries them."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import utils

from livepin.core.jws import PublicKey
from livepin.errors import KeyUnusable


def raw_of_der(signature: bytes) -> bytes:
    """r‖s, 64 bytes (RFC 7518 section 3.4), of an ECDSA signature in DER. Raises `ValueError`."""
    r, s = utils.decode_dss_signature(signature)
    try:
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    except OverflowError:
        raise ValueError("r or s does not fit P-256") from None


def checked(signature: bytes, signing_input: bytes, key: PublicKey, where: str) -> bytes:
    """The signature, if `key` verifies it over `signing_input`. Raises `KeyUnusable` (`signature_refused`).

    Whatever signed is outside this process: a label or an alias may have come to name another key.
    """
    if key.verify(signing_input, signature):
        return signature
    message = "what came back is not a signature over this text by the key that was asked for"
    raise KeyUnusable("signature_refused", message, where=where)
