"""A thief of keys: he signs what he likes, and what he signs is well formed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livepin.author.keyset import texts_of_document
from livepin.author.signers import pem
from livepin.core import document as documents
from livepin.core import jws, keyset, strictjson
from livepin.core.document import serialize
from livepin.core.jws import PublicKey
from livepin.core.strictjson import MAX_INTEGER

#: The highest serial, or epoch, that there is: nothing can follow it.
HIGHEST = MAX_INTEGER
#: The longest `refresh_after` that the format allows: whoever has taken up the thief's document shall not ask again.
LONGEST_REFRESH = 86_400
_YEARS = 3 * 365 * 86_400


@dataclass(frozen=True, slots=True)
class Hand:
    """A key as a thief has it: he can sign with it."""

    public: PublicKey
    sign: Callable[[bytes], bytes]


def stolen(path: Path, passphrase: str) -> Hand:
    """A key file together with its passphrase, read over the owner's shoulder."""
    signer = pem.open_signer(path, passphrase)
    return Hand(signer.public_key, signer.sign)


def own() -> Hand:
    """A key that he made himself."""
    key = pem.generate(pem.KeyKind.P256)
    return Hand(PublicKey.from_spki(pem.public_der(key)), lambda data: pem.sign_with(key, data))


def _signed(payload: Mapping[str, Any], hand: Hand, typ: str, header: Mapping[str, Any]) -> str:
    members = {"alg": hand.public.alg, "kid": hand.public.thumbprint, "typ": typ, **header}
    wanted = jws.signing_input(members, serialize(payload))
    return jws.assemble(wanted, hand.sign(wanted))


def document(like: str, key: Hand, pin: str, *, keys: Sequence[str] | None = None, **members: Any) -> str:
    """A document like the published one, which also pins `pin` for every host.

    `keys`: copies of a key set; default those of `like`. `members` replace others.
    """
    payload: dict[str, Any] = strictjson.loads(jws.split(like).payload)
    hosts = [{**host, "pins": [*host["pins"], {"spki_sha256": pin}]} for host in payload["hosts"]]
    texts = texts_of_document(like) if keys is None else tuple(keys)
    header = {"keys": texts[0] if len(texts) == 1 else list(texts)} if texts else {}
    extra = {"expires_at": payload["issued_at"] + _YEARS, "refresh_after": LONGEST_REFRESH, "serial": HIGHEST}
    return _signed({**payload, "hosts": hosts, **extra, **members}, key, documents.TYP, header)


def key_set(like: str, anchor: Hand, signing_key: Hand, epoch: int) -> str:
    """A key set like that of the published document, signed by a stolen anchor, which names the thief's own key."""
    said: Mapping[str, Any] = strictjson.loads(jws.split(texts_of_document(like)[0]).payload)
    payload = {**said, "epoch": epoch, "signing_keys": [signing_key.public.jwk()], "revoked": []}
    return _signed({**payload, "expires_at": said["issued_at"] + _YEARS}, anchor, keyset.TYP, {})
