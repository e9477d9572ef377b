"""Documents and key sets, written from the format's description alone (design section 3)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.vectors.making.cases import Case, Json
from tests.vectors.making.keys import ANNA, SIGNER, Key, b64, b64url, sha256

DAY = 86_400
ISSUED = 1_790_000_000
NOW = ISSUED + 3_600
EXPIRES = ISSUED + 30 * DAY
KEYS_ISSUED = ISSUED - DAY
KEYS_EXPIRE = KEYS_ISSUED + 180 * DAY

PIN = b64(sha256("the pin of api.example.com"))
BACKUP_PIN = b64(sha256("the backup pin of api.example.com"))
LONG_DIGEST = b64(hashlib.sha512(b"a SHA-512 digest").digest())
HOST: Json = {
    "host": "api.example.com",
    "action": "enforce",
    "pins": [{"spki_sha256": PIN}, {"spki_sha256": BACKUP_PIN}],
}

PAYLOAD: Json = {
    "format": 1,
    "organization": "acme",
    "project": "shop",
    "serial": 7,
    "issued_at": ISSUED,
    "expires_at": EXPIRES,
    "hosts": [HOST],
}


class Absent:
    """In place of a value: the member is left out."""


ABSENT = Absent()


def changed(original: Mapping[str, Any], changes: Mapping[str, Any]) -> Json:
    """A copy with members replaced, added or (`ABSENT`) left out."""
    merged = {**original, **changes}
    return {name: value for name, value in merged.items() if value is not ABSENT}


def compact(value: Any) -> bytes:
    """JSON in UTF-8 without white space."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def document_payload(**changes: Any) -> bytes:
    """Payload bytes of the usual document with some members changed."""
    return compact(changed(PAYLOAD, changes))


def with_text(member: str) -> bytes:
    """The usual payload with `member`, raw JSON text such as `"a":1.5`, written at its end."""
    return document_payload()[:-1] + b"," + member.encode("utf-8") + b"}"


def keyset_payload(**changes: Any) -> bytes:
    """Payload bytes of the usual key set with some members changed."""
    usual = {
        "format": 1,
        "organization": "acme",
        "project": "shop",
        "epoch": 3,
        "issued_at": KEYS_ISSUED,
        "expires_at": KEYS_EXPIRE,
        "signing_keys": [SIGNER.jwk],
    }
    return compact(changed(usual, changes))


def header(key: Key, typ: str = "livepin+jws", **changes: Any) -> Json:
    """The protected header that a key's owner writes, with some members changed."""
    return changed({"alg": key.alg, "kid": key.kid, "typ": typ}, changes)


def jws(protected: Json | bytes, payload: bytes, sign: Callable[[bytes], bytes]) -> str:
    """Compact JWS (RFC 7515 section 7.1) of a header, as members or as raw bytes, and a payload."""
    head = protected if isinstance(protected, bytes) else compact(protected)
    signed = f"{b64url(head)}.{b64url(payload)}"
    return f"{signed}.{b64url(sign(signed.encode('ascii')))}"


def keyset(payload: bytes | None = None, key: Key = ANNA, **changes: Any) -> str:
    """Compact JWS of a key set by one anchor."""
    payload = keyset_payload() if payload is None else payload
    return jws(header(key, **{"typ": "livepin-keys+jws", **changes}), payload, key.sign)


@dataclass(frozen=True)
class Signed:
    """A signed document: its text, and the digest of the payload that its writer put in."""

    text: str
    digest: str

    def edited(self, edit: Callable[[str], str]) -> Signed:
        """With another text; an edit that changes nothing would make a case that tests nothing."""
        text = edit(self.text)
        if text == self.text:
            raise ValueError("the edit changed nothing")
        return Signed(text, self.digest)


def document(
    payload: bytes | None = None,
    key: Key = ANNA,
    *,
    protected: Json | bytes | None = None,
    keys: Any = ABSENT,
    sign: Callable[[bytes], bytes] | None = None,
) -> Signed:
    """A document signed by `key`, whose header carries `keys` if they are given."""
    payload = document_payload() if payload is None else payload
    head = header(key, keys=keys) if protected is None else protected
    return Signed(jws(head, payload, sign or key.sign), b64(hashlib.sha256(payload).digest()))


def under_keys(keys: Any, key: Key = SIGNER, **changes: Any) -> Signed:
    """A document signed by a key that a key set names."""
    return document(document_payload(**changes), key, keys=keys)


def accepted(signed: Signed, epoch: int = 0, serial: int = 7, *, fresh: bool = True, adopted: bool = True) -> Json:
    """Of `do: document`: it passes V1 to V8."""
    revision = {"epoch": epoch, "serial": serial, "digest": signed.digest}
    return {"ok": True, **revision, "fresh": fresh, "adopted": adopted}


def arrival(
    name: str,
    about: str,
    rule: str,
    signed: Signed | str,
    expect: Json,
    *,
    hostile: bool | None = None,
    anchors: Sequence[Key] = (ANNA,),
    now: int = NOW,
    held: Signed | str | None = None,
    **members: Any,
) -> Case:
    """A case of `do: document`. Unless it is said, what is to be refused counts as hostile."""
    request: Json = {"do": "document", "jws": signed if isinstance(signed, str) else signed.text}
    request["anchors"] = [b64(anchor.spki) for anchor in anchors]
    request |= {"organization": "acme", "project": "shop", "now": now, **members}
    if held is not None:
        request["held"] = held if isinstance(held, str) else held.text
    return Case(name, about, rule, expect, not expect["ok"] if hostile is None else hostile, request)
