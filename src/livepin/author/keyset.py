"""Key sets as an author makes them: the next payload, the anchors' signatures, and the files they are kept in.

    keyset.jws        the key set in force: one JWS a line, one for each anchor that signed it
    keyset.next.jws   the next one, until as many anchors have signed it as applications ask for

A key set comes into force when it lies in `keyset.jws`; the next document carries it. Every change takes a new epoch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livepin.author.files import read_text, write_atomically
from livepin.author.signers.signer import Signer
from livepin.core import jws, keyset, strictjson
from livepin.core.document import TYP as DOCUMENT_TYP
from livepin.core.document import serialize
from livepin.core.jws import PublicKey
from livepin.core.keyset import KeySet
from livepin.core.trust import Trust, open_keyset
from livepin.errors import DocumentRefused, ProjectInvalid

FILE_NAME, NEXT_NAME = "keyset.jws", "keyset.next.jws"
DAY = 86_400
DEFAULT_LIFE_DAYS, MAX_LIFE_DAYS = 180, 3650


@dataclass(frozen=True, slots=True)
class SignedKeySet:
    """A key set with the signatures that it has. `texts`: its copies; `signed_by`: thumbprints, in their order."""

    texts: tuple[str, ...]
    keyset: KeySet
    payload: Mapping[str, Any]
    signed_by: tuple[str, ...]

    @classmethod
    def open(cls, texts: Iterable[str], trust: Trust) -> SignedKeySet:
        """A key set that enough anchors signed. Raises `DocumentRefused` (V3)."""
        copies = tuple(texts)
        if not copies:
            raise keyset.invalid("there is no copy of it")
        opened = open_keyset(copies, trust)
        compacts = [jws.split(text) for text in copies]
        kids = tuple(jws.read_header(one.header, keyset.TYP).kid for one in compacts)
        return cls(copies, opened, strictjson.loads(compacts[0].payload), kids)

    @property
    def header(self) -> str | list[str]:
        """The member `keys` of a document under this key set."""
        return self.texts[0] if len(self.texts) == 1 else list(self.texts)

    @property
    def warn_at(self) -> int:
        """Two thirds of its life, in Unix seconds: from then on a new one is due."""
        return (self.keyset.issued_at + 2 * self.keyset.expires_at) // 3

    def missing(self, anchors: Iterable[PublicKey]) -> tuple[PublicKey, ...]:
        """The anchors that have not signed it: applications that embed only those refuse it."""
        return tuple(one for one in anchors if one.thumbprint not in self.signed_by)

    def text(self) -> str:
        """What the file holds."""
        return "".join(f"{text}\n" for text in self.texts)


@dataclass(frozen=True, slots=True)
class Change:
    """What the next key set says differently. `life` in seconds; `keep`: keys of the present one that stay."""

    signing_keys: tuple[PublicKey, ...]
    refresh_keys: tuple[PublicKey, ...] = ()
    revoked: frozenset[str] = frozenset()
    life: int = DEFAULT_LIFE_DAYS * DAY


def next_payload(trust: Trust, epoch: int, change: Change, now: int) -> bytes:
    """The payload of a key set: the bytes that every anchor signs. Raises `DocumentRefused` (`keyset_invalid`)."""
    payload: dict[str, Any] = {
        "format": 1,
        "organization": trust.organization,
        "project": trust.project,
        "epoch": epoch,
        "issued_at": now,
        "expires_at": now + change.life,
        "signing_keys": [key.jwk() for key in change.signing_keys],
    }
    if change.refresh_keys:
        payload["refresh_keys"] = [key.jwk() for key in change.refresh_keys]
    if change.revoked:
        payload["revoked"] = sorted(change.revoked)
    data = serialize(payload)
    keyset.parse(data, trust.anchors)
    return data


def signing_input(payload: bytes, anchor: PublicKey) -> bytes:
    """What an anchor signs."""
    return jws.signing_input({"alg": anchor.alg, "kid": anchor.thumbprint, "typ": keyset.TYP}, payload)


def sign(payload: bytes, anchor: Signer) -> str:
    """The copy of a key set that an anchor signs. Raises `KeyUnusable`."""
    wanted = signing_input(payload, anchor.public_key)
    return jws.assemble(wanted, anchor.sign(wanted))


def payload_of(text: str) -> bytes:
    """The bytes that were signed in a copy. Raises `DocumentRefused` (`malformed`)."""
    return jws.split(text).payload


def epoch_of(payload: bytes) -> int:
    """The epoch that a payload names. Raises `DocumentRefused` (`keyset_invalid`)."""
    return keyset.parse(payload, {}).epoch


def combine(texts: Iterable[str], more: Iterable[str], trust: Trust) -> SignedKeySet:
    """Copies of one key set, one for each anchor; the threshold is not asked for yet. Raises `DocumentRefused`."""
    copies = {jws.read_header(jws.split(text).header, keyset.TYP).kid: text for text in (*texts, *more)}
    anyone = Trust(trust.organization, trust.project, tuple(trust.anchors.values()))
    return SignedKeySet.open(copies.values(), anyone)


def enough(signed: SignedKeySet, trust: Trust) -> bool:
    """Whether as many anchors signed it as applications ask for."""
    counted = set(signed.signed_by) & trust.anchors.keys() - signed.keyset.revoked
    return len(counted) >= trust.threshold


def read(path: Path, trust: Trust) -> SignedKeySet:
    """The key set of a file, signed by enough anchors.

    Raises `ProjectInvalid` (`keyset_missing`), `DocumentRefused`.
    """
    if not path.exists():
        raise ProjectInvalid("keyset_missing", "there is no key set", where=str(path))
    try:
        return SignedKeySet.open(_lines(path), trust)
    except DocumentRefused as error:
        raise DocumentRefused(error.code, error.step, error.message, where=str(path)) from None


def read_pending(path: Path, trust: Trust) -> SignedKeySet | None:
    """The key set that waits for signatures, if one does. Raises `DocumentRefused`."""
    return combine(_lines(path), (), trust) if path.exists() else None


def write(path: Path, signed: SignedKeySet) -> None:
    """Write a key set, whole or not at all. Raises `ProjectInvalid`."""
    write_atomically(path, signed.text())


def _lines(path: Path) -> list[str]:
    return [line for line in read_text(path).splitlines() if line]


def kept_keys(present: KeySet, without: Collection[str]) -> tuple[PublicKey, ...]:
    """The signing keys of a key set that go into the next one."""
    gone = present.revoked | set(without)
    return tuple(key for thumbprint, key in present.signing_keys.items() if thumbprint not in gone)


def texts_of_document(text: str) -> tuple[str, ...]:
    """The copies of the key set that a document carries; none where an anchor signed it. Raises `DocumentRefused`."""
    return jws.read_header(jws.split(text).header, DOCUMENT_TYP).keys
