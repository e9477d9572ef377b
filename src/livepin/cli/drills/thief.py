"""A thief of keys: he signs what he likes, and what he signs is well formed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from livepin.author.keyset import texts_of_document
from livepin.author.signers import pem
from livepin.core import jws, strictjson
from livepin.core.strictjson import MAX_INTEGER
from livepin.testing.publisher import sign_jws
from livepin.testing.signing_key import SigningKey

#: The highest serial, or epoch, that there is: nothing can follow it.
HIGHEST = MAX_INTEGER
#: The longest `refresh_after` that the format allows: whoever has taken up the thief's document shall not ask again.
LONGEST_REFRESH = 86_400
_YEARS = 3 * 365 * 86_400


def stolen(path: Path, passphrase: str) -> SigningKey:
    """A key file together with its passphrase, read over the owner's shoulder."""
    return SigningKey(pem.load(path, passphrase))


def document(like: str, key: SigningKey, pin: str, *, keys: Sequence[str] | None = None, **members: Any) -> str:
    """A document like the published one, which also pins `pin` for every host.

    `keys`: copies of a key set; default those of `like`. `members` replace others.
    """
    payload: dict[str, Any] = strictjson.loads(jws.split(like).payload)
    hosts = [{**host, "pins": [*host["pins"], {"spki_sha256": pin}]} for host in payload["hosts"]]
    texts = texts_of_document(like) if keys is None else tuple(keys)
    header = {"keys": texts[0] if len(texts) == 1 else list(texts)} if texts else {}
    extra = {"expires_at": payload["issued_at"] + _YEARS, "refresh_after": LONGEST_REFRESH, "serial": HIGHEST}
    return sign_jws({**payload, "hosts": hosts, **extra, **members}, key, header=header)


def key_set(like: str, anchor: SigningKey, signing_key: SigningKey, epoch: int) -> str:
    """A key set like that of the published document, signed by a stolen anchor, which names the thief's own key."""
    said: Mapping[str, Any] = strictjson.loads(jws.split(texts_of_document(like)[0]).payload)
    payload = {**said, "epoch": epoch, "signing_keys": [signing_key.public.jwk()], "revoked": []}
    return sign_jws({**payload, "expires_at": said["issued_at"] + _YEARS}, anchor, typ="livepin-keys+jws")
