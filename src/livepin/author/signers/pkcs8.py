"""Encrypted private keys: PKCS#8 under PBES2 (RFC 8018, RFC 5958), as `openssl pkcs8 -topk8` writes them.

`cryptography` writes this form too, with 2,048 rounds of PBKDF2 that cannot be raised. This file is all that stands
between a stolen laptop and an application's pins, so it is written here with 600,000; any reader of PBES2 opens it.
"""

from __future__ import annotations

import hashlib
import os

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from livepin.core.base64s import b64

ROUNDS = 600_000

_INTEGER, _OCTETS, _SEQUENCE = 0x02, 0x04, 0x30
# Object identifiers in DER: PBES2, PBKDF2, HMAC with SHA-256, AES-256-CBC.
_PBES2 = bytes.fromhex("06092a864886f70d01050d")
_PBKDF2 = bytes.fromhex("06092a864886f70d01050c")
_HMAC_SHA256 = bytes.fromhex("06082a864886f70d0209")
_AES256_CBC = bytes.fromhex("060960864801650304012a")
_NULL = bytes.fromhex("0500")


def encrypt(private_key_info: bytes, passphrase: str) -> str:
    """PEM (ENCRYPTED PRIVATE KEY) of an unencrypted PKCS#8 DER."""
    salt, vector = os.urandom(16), os.urandom(16)
    key = hashlib.pbkdf2_hmac("sha256", passphrase.encode(), salt, ROUNDS, 32)
    padder = padding.PKCS7(128).padder()
    padded = padder.update(private_key_info) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
    encrypted = encryptor.update(padded) + encryptor.finalize()
    rounds = _der(_INTEGER, ROUNDS.to_bytes(3, "big"))
    derivation = _sequence(_PBKDF2, _sequence(_der(_OCTETS, salt), rounds, _sequence(_HMAC_SHA256, _NULL)))
    scheme = _sequence(_PBES2, _sequence(derivation, _sequence(_AES256_CBC, _der(_OCTETS, vector))))
    return _pem(_sequence(scheme, _der(_OCTETS, encrypted)))


def _sequence(*parts: bytes) -> bytes:
    return _der(_SEQUENCE, b"".join(parts))


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _pem(der: bytes) -> str:
    text = b64(der)
    lines = "\n".join(text[start : start + 64] for start in range(0, len(text), 64))
    return f"-----BEGIN ENCRYPTED PRIVATE KEY-----\n{lines}\n-----END ENCRYPTED PRIVATE KEY-----\n"
