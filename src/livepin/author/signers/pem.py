"""Signing with a key in an encrypted PEM file (P-256 or Ed25519)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from livepin.author.files import PRIVATE, read_text, write_once
from livepin.author.signers.pkcs8 import ROUNDS, encrypt
from livepin.author.signers.signatures import raw_of_der
from livepin.core import der
from livepin.core.jws import PublicKey
from livepin.errors import CertificateInvalid, KeyUnusable

MIN_PASSPHRASE = 8

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class KeyKind(StrEnum):
    """The kinds of key that sign documents."""

    P256 = "p256"
    ED25519 = "ed25519"


class PemSigner:
    """A `Signer` whose key was read from a file and lives in this process's memory."""

    def __init__(self, key: PrivateKey, name: str = "") -> None:
        self._key = key
        self._name = name
        self._public_key = PublicKey.from_spki(public_der(key))

    @property
    def public_key(self) -> PublicKey:
        """The public half."""
        return self._public_key

    @property
    def properties(self) -> Mapping[str, str]:
        """The file, and what protects it."""
        made_here = f"PKCS#8, encrypted with a passphrase ({ROUNDS:,} rounds where Livepin made it)"
        return {"kind": "pem", "file": self._name, "at rest": made_here, "in use": "in the memory of this process"}

    def sign(self, signing_input: bytes) -> bytes:
        """The raw JWS signature."""
        return sign_with(self._key, signing_input)


def sign_with(key: PrivateKey, signing_input: bytes) -> bytes:
    """The raw JWS signature of a key in memory."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(signing_input)
    return raw_of_der(key.sign(signing_input, ec.ECDSA(hashes.SHA256())))


def generate(kind: KeyKind) -> PrivateKey:
    """A new key."""
    if kind is KeyKind.ED25519:
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP256R1())


def public_der(key: PrivateKey) -> bytes:
    """SubjectPublicKeyInfo of a key."""
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def private_der(key: PrivateKey) -> bytes:
    """PKCS#8 of a key, unencrypted."""
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def private_of_der(data: bytes) -> PrivateKey:
    """Key of unencrypted PKCS#8. Raises `KeyUnusable` (`key_unusable`) for one that cannot sign documents."""
    key = serialization.load_der_private_key(data, None)
    return _fit_to_sign(key, "")


def write(path: Path, key: PrivateKey, passphrase: str) -> None:
    """Write a key encrypted, mode 0600. Raises `KeyUnusable` when the file exists: a key is never overwritten."""
    check_strength(passphrase)
    if not write_once(path, encrypt(private_der(key), passphrase), PRIVATE):
        raise KeyUnusable("key_exists", "there is a key of this name already", where=str(path))


def check_strength(passphrase: str) -> None:
    """Refuse a passphrase that can be guessed by counting. Raises `KeyUnusable` (`passphrase_weak`)."""
    if len(passphrase) < MIN_PASSPHRASE:
        raise KeyUnusable("passphrase_weak", f"the passphrase has fewer than {MIN_PASSPHRASE} characters")


def load(path: Path, passphrase: str) -> PrivateKey:
    """Read a key. Raises `KeyUnusable` (`key_missing`, `key_unusable`, `passphrase_wrong`)."""
    return load_text(_encrypted_text(path), passphrase, str(path))


def load_text(text: str, passphrase: str, where: str) -> PrivateKey:
    """Key of encrypted PEM text. Raises `KeyUnusable` (`key_unusable`, `passphrase_wrong`)."""
    try:
        key = serialization.load_pem_private_key(text.encode("ascii"), passphrase.encode())
    except ValueError:
        # Padding that does not fit is all that a wrong passphrase leaves behind.
        raise KeyUnusable("passphrase_wrong", "the passphrase does not open the key", where=where) from None
    return _fit_to_sign(key, where)


def _fit_to_sign(key: object, where: str) -> PrivateKey:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise KeyUnusable("key_unusable", "the key is neither P-256 nor Ed25519", where=where)


def _encrypted_text(path: Path) -> str:
    """PEM text with exactly one encrypted key: an unencrypted one is refused, it would stay so unnoticed."""
    if not path.exists():
        raise KeyUnusable("key_missing", "there is no such key file", where=str(path))
    text = read_text(path)
    try:
        labels = [label for label, _ in der.pem_blocks(text)]
    except CertificateInvalid as error:
        raise KeyUnusable("key_unusable", error.message, where=str(path)) from None
    if labels != ["ENCRYPTED PRIVATE KEY"] or not text.isascii():
        found = ", ".join(labels) or "no PEM block"
        raise KeyUnusable("key_unusable", f"not one ENCRYPTED PRIVATE KEY, but {found}", where=str(path))
    return text


def open_signer(path: Path, passphrase: str) -> PemSigner:
    """Signer of a key file. Raises `KeyUnusable`."""
    return PemSigner(load(path, passphrase), str(path))
