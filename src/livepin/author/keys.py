"""The key files of a project: signing keys under `keys/`, and TLS backup keys with their CSR under `backup/`.

The public half of a signing key lies beside it (`NAME.pub.pem`): listing keys, and embedding them, needs no passphrase.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import count
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from livepin.author.files import PUBLIC, read_text, write_once
from livepin.author.signers import pem
from livepin.core.base64s import b64
from livepin.core.hosts import is_address, parse_pattern
from livepin.core.jws import PublicKey
from livepin.core.pins import digests_of_pem
from livepin.errors import InputInvalid, KeyUnusable

KEYS, BACKUP = "keys", "backup"


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A signing key by name. `public_key` in Base64 of its SPKI DER, as applications embed it."""

    name: str
    path: Path
    kind: str
    public_key: str
    thumbprint: str


def new_key(directory: Path, name: str, kind: pem.KeyKind, passphrase: str) -> KeyFile:
    """Make `keys/NAME.pem`. Raises `KeyUnusable` when there is one."""
    _check_name(name)
    key = pem.generate(kind)
    path = directory / KEYS / f"{name}.pem"
    pem.write(path, key, passphrase)
    public = PublicKey.from_spki(pem.public_der(key))
    write_once(public_path(path), _public_pem(public.spki), PUBLIC)
    return _key_file(path, public)


def public_path(path: Path) -> Path:
    """Where the public half of a signing key lies."""
    return path.with_suffix(".pub.pem")


def list_keys(directory: Path) -> tuple[KeyFile, ...]:
    """Signing keys by name. Raises `InputInvalid` for a public half that cannot be read."""
    found = sorted((directory / KEYS).glob("*.pub.pem"))
    return tuple(
        _key_file(path.with_name(path.name.removesuffix(".pub.pem") + ".pem"), PublicKey.from_text(read_text(path)))
        for path in found
    )


def embedded_text(key: PublicKey) -> str:
    """A public key as applications embed it: Base64 of its SPKI DER."""
    return b64(key.spki)


def _key_file(path: Path, public: PublicKey) -> KeyFile:
    kind = pem.KeyKind.P256 if public.alg == "ES256" else pem.KeyKind.ED25519
    return KeyFile(path.stem, path, kind.value, embedded_text(public), public.thumbprint)


def _check_name(name: str) -> None:
    if not name or not all(one.isascii() and (one.isalnum() or one in "-_") for one in name):
        message = "a key's name is made of letters, digits, hyphens and underscores"
        raise InputInvalid("usage", message, where=repr(name[:64]))


def _public_pem(spki: bytes) -> str:
    key = serialization.load_der_public_key(spki)
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode("ascii")


@dataclass(frozen=True, slots=True)
class BackupKey:
    """A TLS key that is not in use yet, and the request for its certificate. `spki_sha256` is what is pinned."""

    key: Path
    csr: Path
    spki_sha256: str


def new_backup(directory: Path, pattern: str, passphrase: str, pinned: Collection[str] = ()) -> BackupKey:
    """Make a P-256 TLS key and a CSR for a host pattern under `backup/`.

    One that exists and is not among `pinned` (SPKI SHA-256 digests) is used again: an earlier try was interrupted.
    Raises `KeyUnusable`, `PatternInvalid`.
    """
    parsed = parse_pattern(pattern)
    stem = pattern.replace("*", "any").replace(":", "_")
    for number in count(1):
        name = stem if number == 1 else f"{stem}.{number}"
        paths = directory / BACKUP / f"{name}.key.pem", directory / BACKUP / f"{name}.csr.pem"
        if not paths[1].exists():
            key = pem.load(paths[0], passphrase) if paths[0].exists() else pem.generate(pem.KeyKind.P256)
            if not paths[0].exists():
                pem.write(paths[0], key, passphrase)
            write_once(paths[1], _csr(key, parsed.name, wildcard=bool(parsed.wildcard)), PUBLIC)
        found = BackupKey(*paths, _spki_of_csr(paths[1]))
        if found.spki_sha256 not in pinned:
            return found
    raise AssertionError("count() never ends")


def _spki_of_csr(path: Path) -> str:
    try:
        request = x509.load_pem_x509_csr(read_text(path).encode("ascii", "replace"))
    except ValueError:
        raise KeyUnusable("key_unusable", "not a certificate request", where=str(path)) from None
    public = request.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return digests_of_pem(public.decode("ascii"))["spki_sha256"]


def _csr(key: pem.PrivateKey, name: str, *, wildcard: bool) -> str:
    """A request without a subject: CAs take the names from the extension, and a common name holds 64 characters."""
    names: list[x509.GeneralName] = [_general_name(name)]
    if wildcard:
        names.append(x509.DNSName(f"*.{name}"))
    builder = x509.CertificateSigningRequestBuilder(x509.Name([]))
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    algorithm = hashes.SHA256() if hasattr(key, "curve") else None
    return builder.sign(key, algorithm).public_bytes(serialization.Encoding.PEM).decode("ascii")


def _general_name(name: str) -> x509.GeneralName:
    if not is_address(name):
        return x509.DNSName(name)
    return x509.IPAddress(ip_address(name))
