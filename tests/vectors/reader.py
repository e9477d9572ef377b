"""A second reader of documents, written from the description of the format alone: V1 to V8, key sets, adoption.

It shares nothing with Livepin, and is written to be obvious rather than fast. Where the two differ about a text, one of
them has misread the format. It knows the members whose values decide; those that only have a range are left to the
vectors.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key

Json = dict[str, Any]

_INTEGER = re.compile(r"0|-?[1-9][0-9]*")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LARGEST = 2**53 - 1
_TOLERANCE = 300
_TEXT, _HEADER, _HOSTS, _DEPTH = 8 * 2**20, 64 * 2**10, 10_000, 16
_DOCUMENT, _KEYS = "livepin+jws", "livepin-keys+jws"


class Refused(Exception):
    """The first step that fails, and its code."""

    def __init__(self, step: str, code: str) -> None:
        super().__init__(step, code)
        self.step, self.code = step, code


# ---------------------------------------------------------------- encodings


def unpack(text: str) -> bytes:
    """Canonical unpadded base64url. Raises `ValueError`."""
    data = base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii") != text:
        raise ValueError("not canonical")
    return data


def strict(data: bytes) -> Any:
    """Strict JSON. Raises `ValueError`."""

    def members(pairs: list[tuple[str, Any]]) -> Json:
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError("a member twice")
        return dict(pairs)

    def integer(text: str) -> int:
        if not _INTEGER.fullmatch(text) or abs(int(text)) > _LARGEST:
            raise ValueError("not an integer of the format")
        return int(text)

    def other(text: str) -> Any:
        raise ValueError(f"{text} is no number here")

    text = data.decode("utf-8")
    try:
        value = json.loads(text, object_pairs_hook=members, parse_int=integer, parse_float=other, parse_constant=other)
    except RecursionError:
        raise ValueError("too deep") from None
    _plain(value, 1)
    return value


def _plain(value: Any, depth: int) -> None:
    if value is None:
        raise ValueError("null")
    if isinstance(value, str):
        value.encode("utf-8")  # refuses lone surrogates
    if isinstance(value, (dict, list)):
        if depth > _DEPTH:
            raise ValueError("too deep")
        for one in value if isinstance(value, list) else [*value, *value.values()]:
            _plain(one, depth + 1)


# ---------------------------------------------------------------- keys and signatures


@dataclass(frozen=True)
class Key:
    alg: str
    jwk: tuple[tuple[str, str], ...]
    public: Any

    @property
    def kid(self) -> str:
        text = json.dumps(dict(self.jwk), sort_keys=True, separators=(",", ":"))
        return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()

    def signed(self, data: bytes, signature: bytes) -> bool:
        if len(signature) != 64:
            return False
        try:
            if self.alg == "EdDSA":
                self.public.verify(signature, data)
            else:
                r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
                self.public.verify(encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def key_of_spki(text: str) -> Key:
    """An anchor, as it is embedded."""
    public = load_der_public_key(base64.b64decode(text))
    if isinstance(public, ed25519.Ed25519PublicKey):
        return key_of_jwk({"kty": "OKP", "crv": "Ed25519", "x": _encoded(public.public_bytes_raw())})
    assert isinstance(public, ec.EllipticCurvePublicKey)
    numbers = public.public_numbers()
    x, y = (_encoded(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
    return key_of_jwk({"kty": "EC", "crv": "P-256", "x": x, "y": y})


def key_of_jwk(jwk: Mapping[str, str]) -> Key:
    """Raises `ValueError` for what is no key."""
    if set(jwk) - {"critical"} != _JWK[jwk["kty"]] or jwk.get("critical", []) != []:
        raise ValueError("other members")
    if jwk["kty"] == "OKP":
        public: Any = ed25519.Ed25519PublicKey.from_public_bytes(unpack(jwk["x"]))
        return Key("EdDSA", tuple(jwk.items()), public)
    x, y = unpack(jwk["x"]), unpack(jwk["y"])
    if (len(x), len(y)) != (32, 32) or max(x, y) >= _PRIME:
        raise ValueError("not a point")
    numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1())
    return Key("ES256", tuple(jwk.items()), numbers.public_key())


_JWK = {"EC": {"kty", "crv", "x", "y"}, "OKP": {"kty", "crv", "x"}}
#: Of P-256: coordinates are below it.
_PRIME = (2**256 - 2**224 + 2**192 + 2**96 - 1).to_bytes(32, "big")


# ---------------------------------------------------------------- V1, V2


@dataclass(frozen=True)
class Parts:
    head: Json
    payload: bytes
    signature: bytes
    signed: bytes


def take_apart(text: str, typ: str) -> Parts:
    """V1 and V2. Raises `Refused`."""
    if len(text) > _TEXT:
        raise Refused("V1", "too_large")
    try:
        segments = text.encode("ascii").decode().split(".")
        if len(segments) != 3:
            raise ValueError
        head, payload, signature = map(unpack, segments)
    except ValueError:
        raise Refused("V1", "malformed") from None
    try:
        members = strict(head)
    except ValueError:
        raise Refused("V2", "header_invalid") from None
    _check_header(head, members, typ)
    return Parts(members, payload, signature, ".".join(segments[:2]).encode("ascii"))


def _check_header(head: bytes, members: Any, typ: str) -> None:
    known = {"alg", "kid", "typ"} | ({"keys"} if typ == _DOCUMENT else set())
    good = len(head) <= _HEADER and isinstance(members, dict) and {"alg", "kid", "typ"} <= set(members) <= known
    good = good and members["typ"] == typ and all(isinstance(members[one], str) for one in ("alg", "kid"))
    keys = members.get("keys", "one") if good else None
    many = isinstance(keys, list) and 2 <= len(keys) <= 8 and all(isinstance(one, str) for one in keys)
    if not good or not (isinstance(keys, str) or many):
        raise Refused("V2", "header_invalid")
    if members["alg"] not in ("ES256", "EdDSA"):
        raise Refused("V2", "algorithm_refused")


# ---------------------------------------------------------------- V3


@dataclass(frozen=True)
class Keys:
    payload: bytes
    said: Json
    signing: Mapping[str, Key]

    @property
    def revoked(self) -> set[str]:
        return set(self.said.get("revoked", ()))


@dataclass(frozen=True)
class Trusted:
    organization: str
    project: str
    anchors: Mapping[str, Key]
    threshold: int


def _open_keys(texts: Sequence[str], trusted: Trusted, revoked: set[str]) -> Keys:
    try:
        parts = [take_apart(text, _KEYS) for text in texts]
        if len({one.payload for one in parts}) > 1 or len({one.head["kid"] for one in parts}) < len(parts):
            raise ValueError
        embedded = [one for one in parts if one.head["kid"] in trusted.anchors]
        for one in embedded:
            anchor = trusted.anchors[one.head["kid"]]
            if one.head["alg"] != anchor.alg or not anchor.signed(one.signed, one.signature):
                raise ValueError
        said = strict(parts[0].payload)
        found = Keys(parts[0].payload, said, _signing_keys(said, trusted))
    except (Refused, ValueError, KeyError, TypeError, AttributeError):
        raise Refused("V3", "keyset_invalid") from None
    if len({one.head["kid"] for one in embedded} - found.revoked - revoked) < trusted.threshold:
        raise Refused("V3", "threshold_unmet")
    return found


def _signing_keys(said: Json, trusted: Trusted) -> dict[str, Key]:
    """What it names. Raises what Python raises where a payload is no key set of these applications."""
    good = said["format"] == 1 and type(said["format"]) is int and set(said.get("critical", [])) <= _KEYSET_MEMBERS
    good = good and not any(one.get("critical") for one in said["signing_keys"])
    good = good and (said["organization"], said["project"]) == (trusted.organization, trusted.project)
    good = good and all(_is_integer(said[one], least) for one, least in _KEYSET_NUMBERS.items())
    good = good and isinstance(said["signing_keys"], list) and 1 <= len(said["signing_keys"]) <= 16
    revoked = said.get("revoked", [])
    good = good and isinstance(revoked, list) and all(isinstance(one, str) for one in revoked)
    if not good:
        raise ValueError
    known = [one for one in said["signing_keys"] if (one["kty"], one.get("crv")) in _KINDS]
    signing = {key.kid: key for key in map(key_of_jwk, known)}
    refresh = {key_of_jwk(one).kid for one in said.get("refresh_keys", [])}
    if refresh & (signing.keys() | trusted.anchors.keys()):
        raise ValueError
    return signing


_KEYSET_NUMBERS = {"epoch": 1, "issued_at": 0, "expires_at": 0}
_KEYSET_MEMBERS = {"format", "organization", "project", "signing_keys", "refresh_keys", "revoked", "critical"} | set(
    _KEYSET_NUMBERS
)
_KINDS = (("EC", "P-256"), ("OKP", "Ed25519"))


def _is_integer(value: Any, least: int = 0, most: int = _LARGEST) -> bool:
    return type(value) is int and least <= value <= most


def _key(parts: Parts, keys: Keys | None, trusted: Trusted, revoked: set[str]) -> Key:
    kid = parts.head["kid"]
    if keys is not None:
        if kid in keys.revoked:
            raise Refused("V3", "key_revoked")
        if kid not in keys.signing:
            raise Refused("V3", "unknown_key")
        return keys.signing[kid]
    if kid not in trusted.anchors:
        raise Refused("V3", "unknown_key")
    if trusted.anchors[kid].alg != parts.head["alg"]:
        raise Refused("V2", "algorithm_refused")
    if trusted.threshold > 1:
        raise Refused("V3", "threshold_unmet")
    if kid in revoked:
        raise Refused("V3", "key_revoked")
    return trusted.anchors[kid]


# ---------------------------------------------------------------- V5


def _payload(data: bytes) -> Json:
    try:
        said = strict(data)
        if type(said["format"]) is not int:
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise Refused("V5", "payload_invalid") from None
    if said["format"] != 1:
        raise Refused("V5", "unsupported_format")
    if isinstance(said.get("hosts"), list) and len(said["hosts"]) > _HOSTS:
        raise Refused("V5", "too_large")
    try:
        good = all(rule(said[name]) if name in said else name not in _REQUIRED for name, rule in _MEMBERS.items())
        patterns = [host["host"] for host in said["hosts"]]
        good = good and len(set(patterns)) == len(patterns) and all(map(_host, said["hosts"]))
    except (KeyError, TypeError, AttributeError):
        good = False
    if not good:
        raise Refused("V5", "payload_invalid")
    if not set(said.get("critical", ())) <= {*_MEMBERS, "format", "critical", "deny", "ct_logs"}:
        raise Refused("V5", "critical_unknown")
    return dict(said)


_MEMBERS: Mapping[str, Callable[[Any], bool]] = {
    "organization": lambda one: bool(_ID.fullmatch(one)),
    "project": lambda one: bool(_ID.fullmatch(one)),
    "serial": lambda one: _is_integer(one, 1),
    "issued_at": _is_integer,
    "expires_at": _is_integer,
    "extendable_until": _is_integer,
    "refresh_after": lambda one: _is_integer(one, 1, 86_400),
    "unlisted": lambda one: one in ("allow", "report", "block"),
    "hosts": lambda one: isinstance(one, list),
}
_REQUIRED = ("organization", "project", "serial", "issued_at", "expires_at", "hosts")


def _host(host: Json) -> bool:
    good = host["action"] in ("enforce", "report", "off") and _is_integer(host.get("rollout", 100), 0, 100)
    return good and host.get("when_expired", "enforce") in ("enforce", "allow")


# ---------------------------------------------------------------- V4, V6 to V8, adoption


@dataclass(frozen=True)
class Read:
    said: Json
    payload: bytes
    keys: Keys | None

    @property
    def number(self) -> tuple[int, int]:
        return (0 if self.keys is None else self.keys.said["epoch"]), self.said["serial"]

    @property
    def expires_at(self) -> int:
        ends = [self.said["expires_at"], *([] if self.keys is None else [self.keys.said["expires_at"]])]
        return int(min(ends))

    @property
    def digest(self) -> str:
        return base64.b64encode(hashlib.sha256(self.payload).digest()).decode("ascii")

    def same(self, other: Read) -> bool:
        ours, theirs = (None if one.keys is None else one.keys.payload for one in (self, other))
        return self.payload == other.payload and ours == theirs


def _read(text: str, trusted: Trusted, held: Read | None, now: int | None) -> Read:
    revoked = set() if held is None or held.keys is None else held.keys.revoked
    parts = take_apart(text, _DOCUMENT)
    texts = parts.head.get("keys")
    keys = None if texts is None else _open_keys([texts] if isinstance(texts, str) else texts, trusted, revoked)
    if held is not None and now is not None and Read({}, parts.payload, keys).same(held):
        now = None
    if keys is not None and now is not None:
        if keys.said["issued_at"] > now + _TOLERANCE:
            raise Refused("V3", "keyset_not_yet_valid")
        if keys.said["expires_at"] <= now:
            raise Refused("V3", "keyset_expired")
    key = _key(parts, keys, trusted, revoked)
    if key.alg != parts.head["alg"]:
        raise Refused("V2", "algorithm_refused")
    if not key.signed(parts.signed, parts.signature):
        raise Refused("V4", "bad_signature")
    said = _payload(parts.payload)
    if (said["organization"], said["project"]) != (trusted.organization, trusted.project):
        raise Refused("V6", "wrong_audience")
    if now is not None and said["issued_at"] > now + _TOLERANCE:
        raise Refused("V7", "not_yet_valid")
    return Read(said, parts.payload, keys)


def answer(request: Json) -> Json:
    """What a request of `do: document` is answered, without the words for people."""
    anchors = {key.kid: key for key in map(key_of_spki, request["anchors"])}
    trusted = Trusted(request["organization"], request["project"], anchors, request.get("threshold", 1))
    held = None
    if "held" in request:
        try:
            held = _read(request["held"], trusted, None, None)
        except Refused:
            held = None
    try:
        now = request["now"] if held is None else max(request["now"], held.said["issued_at"])
        read = _read(request["jws"], trusted, held, now)
        if held is not None:
            _check_order(read, held)
    except Refused as error:
        return {"ok": False, "step": error.step, "code": error.code}
    fresh = now < read.expires_at
    adopted = fresh or (held is not None and read.same(held))
    epoch, serial = read.number
    return {"ok": True, "epoch": epoch, "serial": serial, "digest": read.digest, "fresh": fresh, "adopted": adopted}


def _check_order(read: Read, held: Read) -> None:
    if read.number < held.number:
        raise Refused("V8", "rolled_back")
    keys, before = (None if one.keys is None else one.keys.payload for one in (read, held))
    same_number = read.number == held.number and read.payload != held.payload
    if same_number or (read.number[0] == held.number[0] and keys != before):
        raise Refused("V8", "forked")
