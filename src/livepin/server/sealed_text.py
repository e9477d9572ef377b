"""A secret of a person as text that the database may hold: sealed under a master key, as signing keys are (managed.py).

    livepin-text.1.<master key's ID>.<nonce>.<sealed text>

AES-256-GCM; what a text is for is authenticated with it, so one that was sealed for something else does not open. The
threat is whoever reads the database, a dump of it or a disk that was thrown away: seeds of one-time passwords and of
recovery codes would be second factors of everybody, for years.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from livepin.author.signers.managed import MasterKey
from livepin.core.base64s import b64url, b64url_decode
from livepin.errors import EncodingInvalid, KeyUnusable

_MARK, _VERSION, _NONCE_BYTES = "livepin-text", "1", 12


def seal(text: str, purpose: str, master: MasterKey) -> str:
    """A text that only `master` opens, and only for `purpose`."""
    nonce = os.urandom(_NONCE_BYTES)
    box = AESGCM(master.value).encrypt(nonce, text.encode(), _bound(purpose, master.id))
    return ".".join((_MARK, _VERSION, master.id, b64url(nonce), b64url(box)))


def unseal(sealed: str, purpose: str, masters: Iterable[MasterKey]) -> str:
    """The text. Raises `KeyUnusable`: `seal_broken`, or `master_key_missing`."""
    name, nonce, box = _parts(sealed, purpose)
    master = {one.id: one for one in masters}.get(name)
    if master is None:
        message = f"a {purpose} is sealed under the master key {name!r}, which is not given"
        raise KeyUnusable("master_key_missing", message)
    try:
        return AESGCM(master.value).decrypt(nonce, box, _bound(purpose, name)).decode()
    except (InvalidTag, ValueError):
        message = f"a {purpose} does not open: it was changed, is something else, or another master key sealed it"
        raise KeyUnusable("seal_broken", message) from None


def master_id(sealed: str, purpose: str) -> str:
    """The ID of the master key that a sealed text needs. Raises `KeyUnusable` (`seal_broken`)."""
    return _parts(sealed, purpose)[0]


def _parts(sealed: str, purpose: str) -> tuple[str, bytes, bytes]:
    parts = sealed.split(".")
    if len(parts) != 5 or parts[:2] != [_MARK, _VERSION]:
        raise KeyUnusable("seal_broken", f"a {purpose} is not sealed, or by a version that is not known here")
    try:
        return parts[2], b64url_decode(parts[3]), b64url_decode(parts[4])
    except EncodingInvalid as error:
        raise KeyUnusable("seal_broken", f"a sealed {purpose} is damaged: {error.message}") from None


def _bound(purpose: str, master: str) -> bytes:
    return json.dumps([_MARK, _VERSION, master, purpose], separators=(",", ":")).encode("ascii")
