"""From the place of a key to something that signs. What a kind of place needs is imported when it is opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from livepin.author.files import read_text
from livepin.author.signers import pem
from livepin.author.signers.detached import DetachedSigner
from livepin.author.signers.pem import KeyKind
from livepin.author.signers.places import AwsKmsPlace, PemPlace, Pkcs11Place, Place
from livepin.author.signers.signer import Signer
from livepin.core.jws import PublicKey
from livepin.errors import KeyUnusable

#: Gives the passphrase or PIN for what is named, asking whoever knows it.
Secret = Callable[[str], str]


def open_signer(place: Place, directory: Path, public_key: PublicKey | None, secret: Secret) -> Signer:
    """The signer of a place. `directory`: where relative paths start; `public_key`: what the key has to be, if known.

    Raises `KeyUnusable` (`key_mismatch` where a file holds another key; with other places signing shows it).
    """
    if isinstance(place, PemPlace):
        return _pem(place, directory, public_key, secret)
    if public_key is None:
        public_key = read_public_key(place, directory, secret)
    if isinstance(place, Pkcs11Place):
        from livepin.author.signers.pkcs11 import Pkcs11Signer

        return Pkcs11Signer(place, public_key, _pin(place, directory, secret))
    if isinstance(place, AwsKmsPlace):
        from livepin.author.signers.aws_kms import AwsKmsSigner

        return AwsKmsSigner(place, public_key)
    return DetachedSigner(public_key)


def _pem(place: PemPlace, directory: Path, public_key: PublicKey | None, secret: Secret) -> Signer:
    path = directory / place.file
    if not path.exists():  # before anybody is asked for a passphrase
        raise KeyUnusable("key_missing", "there is no such key file", where=str(path))
    signer = pem.open_signer(path, secret(place.file))
    if public_key is not None and signer.public_key != public_key:
        raise KeyUnusable("key_mismatch", "the file holds another key", where=place.file)
    return signer


def _pin(place: Pkcs11Place, directory: Path, secret: Secret) -> Callable[[], str]:
    if place.pin_file:
        return lambda: read_text(directory / place.pin_file).partition("\n")[0].rstrip("\r")
    return lambda: secret(f"the token {place.token} (its PIN)")


def read_public_key(place: Place, directory: Path, secret: Secret) -> PublicKey:
    """The public half of a key that exists. Raises `KeyUnusable`; a detached one has to be given."""
    if isinstance(place, PemPlace):
        return pem.open_signer(directory / place.file, secret(place.file)).public_key
    if isinstance(place, Pkcs11Place):
        from livepin.author.signers import pkcs11

        return pkcs11.read_public_key(place, _pin(place, directory, secret))
    if isinstance(place, AwsKmsPlace):
        from livepin.author.signers import aws_kms

        return aws_kms.read_public_key(place)
    raise KeyUnusable("key_missing", "the public half of a detached key has to be given", where=place.text)


def generate(place: Place, kind: KeyKind, directory: Path, secret: Secret) -> PublicKey:
    """Make a key at a place, where there is none yet. Raises `KeyUnusable`."""
    if isinstance(place, PemPlace):
        key = pem.generate(kind)
        pem.write(directory / place.file, key, secret(place.file))
        return PublicKey.from_spki(pem.public_der(key))
    if isinstance(place, Pkcs11Place):
        from livepin.author.signers import pkcs11

        return pkcs11.generate(place, kind, _pin(place, directory, secret))
    if isinstance(place, AwsKmsPlace):
        from livepin.author.signers import aws_kms

        if kind is not KeyKind.P256:
            raise KeyUnusable("key_unusable", "Livepin signs with P-256 keys of AWS KMS only", where=place.text)
        return aws_kms.generate(place)
    raise KeyUnusable("signer_invalid", "a detached key is made on the other machine", where=place.text)
