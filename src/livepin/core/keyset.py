"""Key sets: which signing keys are valid now, in the words of an anchor (design section 3, step V3)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from livepin.core import jws, strictjson
from livepin.core.base64s import b64
from livepin.core.jws import PublicKey
from livepin.core.schema import Fault, array, each, integer, knows_critical, matching, run, structure
from livepin.errors import DocumentRefused, JsonInvalid, KeyInvalid

TYP = "livepin-keys+jws"
MAX_SIGNING_KEYS = 16

IDENTIFIER = matching(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "an ID")
TIME = integer(0)
_THUMBPRINT = matching(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", "a key thumbprint")
_JWK_MEMBERS = dict.fromkeys(("kty", "crv", "x", "y"))


@dataclass(frozen=True, slots=True)
class KeySet:
    """A parsed key set. Keys are found by thumbprint; `digest` names the payload's exact bytes."""

    organization: str
    project: str
    epoch: int
    issued_at: int
    expires_at: int
    signing_keys: Mapping[str, PublicKey]
    refresh_keys: Mapping[str, PublicKey]
    revoked: frozenset[str]
    digest: str


def _jwk(value: Any) -> bool:
    """A JWK of exactly `kty`, `crv`, `x` and `y`; of unknown kind only `critical` is looked at."""
    if type(value) is not dict:
        return False
    knows_critical(value, _JWK_MEMBERS)
    text_member(value, "kty")
    if "crv" in value:
        text_member(value, "crv")
    if jws.known_kind(value):
        _exact_jwk(value)
    return True


def text_member(value: Mapping[str, Any], name: str) -> None:
    """Raise `Fault` unless the member `name` is there and is a string."""
    if name not in value:
        raise Fault(f"lacks the member {name}")
    if type(value[name]) is not str:
        raise Fault("is not a string").at(f".{name}")


def _exact_jwk(value: Mapping[str, Any]) -> None:
    try:
        key = PublicKey.from_jwk(value)
    except KeyInvalid as error:
        raise Fault(f"is no key: {error.message}") from None
    if value.keys() - {"critical"} != key.jwk().keys():
        raise Fault("does not have exactly the members of its kind of key")


def _refresh_jwk(value: Any) -> bool:
    return _jwk(value) and jws.known_kind(value)


_KEYSET = structure(
    {
        "format": integer(1, 1),
        "organization": IDENTIFIER,
        "project": IDENTIFIER,
        "epoch": integer(1),
        "issued_at": TIME,
        "expires_at": TIME,
        "signing_keys": array(each(_jwk, "a JWK"), least=1, most=MAX_SIGNING_KEYS),
        "refresh_keys": array(each(_refresh_jwk, "a JWK of a known kind")),
        "revoked": array(_THUMBPRINT),
    },
    required=("format", "organization", "project", "epoch", "issued_at", "expires_at", "signing_keys"),
)


def parse(payload: bytes, anchors: Mapping[str, PublicKey]) -> KeySet:
    """Key set of a payload (V5 as for a document). Raises `DocumentRefused` (`keyset_invalid`, step V3)."""
    try:
        value = strictjson.loads(payload)
        run(_KEYSET, value)
    except JsonInvalid as error:
        raise invalid(error.message) from None
    except Fault as fault:
        raise invalid(f"{fault.where} {fault.why}".strip()) from None
    signing = _keys(value["signing_keys"])
    refresh = _keys(value.get("refresh_keys", ()))
    if refresh.keys() & (signing.keys() | anchors.keys()):
        raise invalid("a refresh key is a signing key or an anchor too")
    return KeySet(
        value["organization"],
        value["project"],
        value["epoch"],
        value["issued_at"],
        value["expires_at"],
        signing,
        refresh,
        frozenset(value.get("revoked", ())),
        b64(hashlib.sha256(payload).digest()),
    )


def _keys(jwks: Iterable[Mapping[str, Any]]) -> dict[str, PublicKey]:
    keys = (PublicKey.from_jwk(jwk) for jwk in jwks if jws.known_kind(jwk))
    return {key.thumbprint: key for key in keys}


def invalid(why: str) -> DocumentRefused:
    """Whatever is wrong with a key set is V3."""
    return DocumentRefused("keyset_invalid", "V3", f"the key set is refused: {why}")
