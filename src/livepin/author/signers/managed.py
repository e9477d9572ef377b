"""A signing key that a server keeps for a project: sealed under a master key, opened for each signature.

    livepin-key.1.<master key's ID>.<public key>.<nonce>.<sealed private key>

The private key (PKCS#8) is sealed with AES-256-GCM. What it belongs to is authenticated with it: organization,
project, thumbprint and the master key's ID. Whoever can write to the database, and nothing else, can therefore not
make one project sign with the key of another, nor pass a key of his own off as a project's.

The master key is not in that database. Its ID stands in the text, so that it can be changed: `reseal` moves a key
under the current one, and the old one is given beside it until all keys have moved.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from livepin.author.signers import pem
from livepin.core.base64s import b64_decode, b64url, b64url_decode
from livepin.core.jws import PublicKey
from livepin.errors import EncodingInvalid, KeyInvalid, KeyUnusable

_MARK, _VERSION = "livepin-key", "1"
_KEY_BYTES, _NONCE_BYTES = 32, 12
_ID = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Owner:
    """The project that a key belongs to."""

    organization: str
    project: str


@dataclass(frozen=True, slots=True)
class MasterKey:
    """A key that seals keys. Its ID is public; `value` is 32 bytes."""

    id: str
    value: bytes = field(repr=False)

    @classmethod
    def generate(cls, master_id: str) -> MasterKey:
        """A new one."""
        return cls._of(master_id, os.urandom(_KEY_BYTES))

    @classmethod
    def from_text(cls, text: str) -> MasterKey:
        """A master key written as `ID:BASE64`. Raises `KeyUnusable` (`master_key_invalid`), without the text."""
        master_id, _, value = text.strip().partition(":")
        try:
            return cls._of(master_id, b64_decode(value))
        except EncodingInvalid:
            raise _invalid("its value is not Base64") from None

    @classmethod
    def _of(cls, master_id: str, value: bytes) -> MasterKey:
        if not _ID.fullmatch(master_id):
            raise _invalid("its ID is not 1 to 32 letters, digits, hyphens or underscores")
        if len(value) != _KEY_BYTES:
            raise _invalid(f"its value is not {_KEY_BYTES} bytes")
        return cls(master_id, value)


def _invalid(why: str) -> KeyUnusable:
    return KeyUnusable("master_key_invalid", f"not a master key: {why}")


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A sealed key, taken apart."""

    master_id: str
    public_key: PublicKey
    nonce: bytes
    box: bytes

    @classmethod
    def parse(cls, text: str, where: str) -> _Sealed:
        parts = text.strip().split(".")
        if len(parts) != 6 or parts[:2] != [_MARK, _VERSION]:
            raise KeyUnusable("seal_broken", "not a sealed key of a version that is known here", where=where)
        try:
            raw, nonce, box = map(b64url_decode, parts[3:])
            return cls(parts[2], PublicKey.from_raw(raw), nonce, box)
        except (EncodingInvalid, KeyInvalid) as error:
            raise KeyUnusable("seal_broken", f"the sealed key is damaged: {error.message}", where=where) from None


def seal(key: pem.PrivateKey, owner: Owner, master: MasterKey) -> str:
    """A key as text that can be stored anywhere; only `master` opens it, and only for `owner`."""
    public = PublicKey.from_spki(pem.public_der(key))
    nonce = os.urandom(_NONCE_BYTES)
    box = AESGCM(master.value).encrypt(nonce, pem.private_der(key), _bound(owner, master.id, public))
    return ".".join((_MARK, _VERSION, master.id, b64url(public.raw), b64url(nonce), b64url(box)))


def reseal(text: str, owner: Owner, masters: Iterable[MasterKey], new: MasterKey) -> str:
    """The same key under another master key. Raises `KeyUnusable` as signing does."""
    return seal(_open(text, owner, _by_id(masters)), owner, new)


def master_id(text: str) -> str:
    """The ID of the master key that a sealed key needs. Raises `KeyUnusable` (`seal_broken`)."""
    return _Sealed.parse(text, "").master_id


def check(text: str, owner: Owner, masters: Iterable[MasterKey]) -> None:
    """Raise `KeyUnusable` unless a sealed key can be opened, for this owner."""
    _open(text, owner, _by_id(masters))


def _by_id(masters: Iterable[MasterKey]) -> dict[str, MasterKey]:
    return {master.id: master for master in masters}


def _open(text: str, owner: Owner, masters: Mapping[str, MasterKey]) -> pem.PrivateKey:
    where = f"{owner.organization}/{owner.project}"
    sealed = _Sealed.parse(text, where)
    master = masters.get(sealed.master_id)
    if master is None:
        message = f"the key is sealed under the master key {sealed.master_id!r}, which is not given"
        raise KeyUnusable("master_key_missing", message, where=where)
    bound = _bound(owner, sealed.master_id, sealed.public_key)
    try:
        opened = AESGCM(master.value).decrypt(sealed.nonce, sealed.box, bound)
    except (InvalidTag, ValueError):
        message = "the key does not open: it was changed, is another project's, or was sealed by another master key"
        raise KeyUnusable("seal_broken", message, where=where) from None
    return pem.private_of_der(opened)


def _bound(owner: Owner, master: str, public: PublicKey) -> bytes:
    """Associated data. As JSON, because no two lists of texts give the same bytes."""
    parts = [_MARK, _VERSION, master, owner.organization, owner.project, public.thumbprint]
    return json.dumps(parts, separators=(",", ":")).encode("ascii")


class ManagedSigner:
    """A `Signer` of a sealed key. Between two signatures nothing but the sealed text is kept in this process."""

    def __init__(self, text: str, owner: Owner, masters: Iterable[MasterKey]) -> None:
        """Raises `KeyUnusable` (`seal_broken`) for a text that is no sealed key; whether it opens, signing shows."""
        self._text = text
        self._owner = owner
        self._masters = _by_id(masters)
        self._sealed = _Sealed.parse(text, f"{owner.organization}/{owner.project}")

    @property
    def public_key(self) -> PublicKey:
        """The public half, as it stands in the sealed text."""
        return self._sealed.public_key

    @property
    def properties(self) -> Mapping[str, str]:
        """Which master key opens it."""
        return {
            "kind": "managed",
            "project": f"{self._owner.organization}/{self._owner.project}",
            "at rest": f"AES-256-GCM under the master key {self._sealed.master_id}",
            "in use": "in the memory of this process, for one signature",
        }

    def sign(self, signing_input: bytes) -> bytes:
        """The raw JWS signature."""
        return pem.sign_with(_open(self._text, self._owner, self._masters), signing_input)
