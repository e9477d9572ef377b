"""The key files of a project: signing keys under `keys/`, and TLS backup keys with their CSR under `backup/`.

The public half of a signing key lies beside it (`NAME.pub.pem`): listing keys, and embedding them, needs no passphrase.
A key that is not a file has a line in `NAME.signer` that says where it is.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import count
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from livepin.author.files import PUBLIC, names_a_file, read_text, write_once
from livepin.author.signers import pem
from livepin.core.base64s import b64
from livepin.core.hosts import is_address, parse_pattern
from livepin.core.jws import PublicKey
from livepin.core.pins import digests_of_pem
from livepin.errors import InputInvalid, KeyUnusable

KEYS, BACKUP = "keys", "backup"


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A signing key by name. `public_key` in Base64 of its SPKI DER, as applications embed it.

    `signer`: where the key is, as a project file says it; empty where only its public half is known.
    """

    name: str
    path: Path
    kind: str
    public_key: str
    thumbprint: str
    signer: str = ""


def new_key(directory: Path, name: str, kind: pem.KeyKind, passphrase: str) -> KeyFile:
    """Make `keys/NAME.pem`. Raises `KeyUnusable` when there is one."""
    _check_name(name)
    path = directory / KEYS / f"{name}.pem"
    public = write_pair(path, pem.generate(kind), passphrase)
    return _key_file(path, public)


def write_pair(path: Path, key: pem.PrivateKey, passphrase: str) -> PublicKey:
    """Write a key encrypted, and its public half beside it. Raises `KeyUnusable` when there is one."""
    pem.write(path, key, passphrase)
    public = PublicKey.from_spki(pem.public_der(key))
    write_once(public_path(path), public_pem(public), PUBLIC)
    return public


def add_key(directory: Path, name: str, signer: str, public: PublicKey) -> KeyFile:
    """Know a key that is not a file here, by name. Raises `KeyUnusable` when the name is taken."""
    _check_name(name)
    path = directory / KEYS / f"{name}.pem"
    if path.exists() or not write_once(public_path(path), public_pem(public), PUBLIC):
        raise KeyUnusable("key_exists", "there is a key of this name already", where=str(public_path(path)))
    if signer:
        write_once(path.with_suffix(".signer"), f"{signer}\n", PUBLIC)
    return _key_file(path, public)


def key_by_thumbprint(directory: Path, thumbprints: Collection[str]) -> KeyFile | None:
    """A key of the project that can sign here, among these thumbprints; the last by name."""
    found = [one for one in list_keys(directory) if one.thumbprint in thumbprints and one.signer]
    return found[-1] if found else None


def named_public_key(directory: Path, text: str) -> PublicKey:
    """A public key as people give it: the name of a key of the project, a PEM file, or Base64 of the SPKI DER.

    Raises `InputInvalid`.
    """
    for one in list_keys(directory):
        if one.name == text:
            return PublicKey.from_text(one.public_key)
    return PublicKey.from_text(read_text(Path(text)) if names_a_file(text) else text)


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
    elsewhere = path.with_suffix(".signer")
    signer = f"{KEYS}/{path.name}" if path.exists() else ""
    if not signer and elsewhere.exists():
        signer = read_text(elsewhere).strip()
    return KeyFile(path.stem, path, kind.value, embedded_text(public), public.thumbprint, signer)


def _check_name(name: str) -> None:
    if not name or not all(one.isascii() and (one.isalnum() or one in "-_") for one in name):
        message = "a key's name is made of letters, digits, hyphens and underscores"
        raise InputInvalid("usage", message, where=repr(name[:64]))


def public_pem(public: PublicKey) -> str:
    """A public key as PEM text."""
    key = serialization.load_der_public_key(public.spki)
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
