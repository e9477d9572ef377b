"""Compact JWS (RFC 7515) with a strict front end: steps V1, V2 and V4.

The key fixes the algorithm; a header can only agree or be refused. `cryptography` does the arithmetic and is
imported when a signature is checked, not before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from livepin.core import der, strictjson
from livepin.core.base64s import b64_decode, b64url, b64url_decode
from livepin.errors import CertificateInvalid, DocumentRefused, EncodingInvalid, JsonInvalid, KeyInvalid

MAX_TEXT = 8 * 1024 * 1024
MAX_HEADER = 64 * 1024
ALGORITHMS = ("ES256", "EdDSA")

# The SPKI of these two kinds of key is a constant followed by the key itself (RFC 5480, RFC 8410).
_P256_SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
_ED25519_SPKI = bytes.fromhex("302a300506032b6570032100")

# The curve y² = x³ - 3x + b over the field of p elements (FIPS 186, P-256).
_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that may sign. `raw` is x‖y (64 bytes, P-256) or the 32 bytes of Ed25519."""

    alg: str
    raw: bytes
    thumbprint: str = field(compare=False)

    @classmethod
    def from_raw(cls, raw: bytes) -> PublicKey:
        """Key of 64 (P-256) or 32 (Ed25519) bytes. Raises `KeyInvalid`."""
        if len(raw) == 32:
            return cls("EdDSA", raw, _thumbprint(_jwk(raw)))
        if len(raw) != 64 or not _on_curve(raw):
            raise KeyInvalid("key_invalid", "not a point of P-256")
        return cls("ES256", raw, _thumbprint(_jwk(raw)))

    @classmethod
    def from_spki(cls, spki: bytes) -> PublicKey:
        """Key of a SubjectPublicKeyInfo in DER. Raises `KeyInvalid`."""
        for prefix, size in ((_P256_SPKI, 64), (_ED25519_SPKI, 32)):
            if spki.startswith(prefix) and len(spki) == len(prefix) + size:
                return cls.from_raw(spki[len(prefix) :])
        raise KeyInvalid("key_invalid", "not the SPKI of a P-256 (uncompressed) or Ed25519 key")

    @classmethod
    def from_text(cls, text: str) -> PublicKey:
        """Key of PEM text, or of the Base64 of SPKI DER. Raises `KeyInvalid`."""
        try:
            if "-----BEGIN" not in text:
                return cls.from_spki(b64_decode(text.strip()))
            blocks = der.pem_blocks(text)
        except (EncodingInvalid, CertificateInvalid) as error:
            raise KeyInvalid("key_invalid", f"not a public key: {error.message}") from None
        if len(blocks) != 1 or blocks[0][0] != "PUBLIC KEY":
            raise KeyInvalid("key_invalid", "the PEM text is not one PUBLIC KEY block")
        return cls.from_spki(blocks[0][1])

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> PublicKey:
        """Key of the members `kty`, `crv`, `x` and `y` of a JWK (RFC 7518, RFC 8037). Raises `KeyInvalid`."""
        if not known_kind(jwk):
            raise KeyInvalid("key_invalid", "not a JWK of kty EC, crv P-256 or kty OKP, crv Ed25519")
        parts = []
        for name in _COORDINATES[jwk["crv"]]:
            value = jwk.get(name)
            if type(value) is not str:
                raise KeyInvalid("key_invalid", f"the JWK member {name} is not a string")
            try:
                parts.append(b64url_decode(value))
            except EncodingInvalid as error:
                raise KeyInvalid("key_invalid", f"the JWK member {name} is {error.message}") from None
            if len(parts[-1]) != 32:
                raise KeyInvalid("key_invalid", f"the JWK member {name} is not 32 bytes")
        return cls.from_raw(b"".join(parts))

    @property
    def spki(self) -> bytes:
        """SubjectPublicKeyInfo in DER."""
        return (_P256_SPKI if self.alg == "ES256" else _ED25519_SPKI) + self.raw

    def jwk(self) -> dict[str, str]:
        """JWK with exactly the members that RFC 7638 hashes."""
        return _jwk(self.raw)

    def verify(self, signing_input: bytes, signature: bytes) -> bool:
        """Whether `signature` (raw: r‖s for ES256) is this key's over `signing_input` (V4)."""
        return (
            _verify_es256(self, signing_input, signature)
            if self.alg == "ES256"
            else _verify_eddsa(self, signing_input, signature)
        )


_KINDS = (("EC", "P-256"), ("OKP", "Ed25519"))
_COORDINATES = {"P-256": ("x", "y"), "Ed25519": ("x",)}


def known_kind(jwk: Mapping[str, Any]) -> bool:
    """Whether a JWK is of a kind that this version knows; others in a key set are skipped."""
    return (jwk.get("kty"), jwk.get("crv")) in _KINDS


def _jwk(raw: bytes) -> dict[str, str]:
    if len(raw) == 32:
        return {"crv": "Ed25519", "kty": "OKP", "x": b64url(raw)}
    return {"crv": "P-256", "kty": "EC", "x": b64url(raw[:32]), "y": b64url(raw[32:])}


def _thumbprint(jwk: Mapping[str, str]) -> str:
    """RFC 7638 section 3: SHA-256 over the required members, sorted, without white space."""
    text = json.dumps(jwk, separators=(",", ":"), sort_keys=True)
    return b64url(hashlib.sha256(text.encode("ascii")).digest())


def _on_curve(raw: bytes) -> bool:
    x, y = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    return x < _P and y < _P and (y * y - x * x * x + 3 * x - _B) % _P == 0


def _verify_es256(key: PublicKey, signing_input: bytes, signature: bytes) -> bool:
    if len(signature) != 64:  # RFC 7518 section 3.4; a lenient reader here accepts DER and truncated forms
        return False
    # Imported here: loading it costs more than everything else an application loads of Livepin.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    x, y = int.from_bytes(key.raw[:32], "big"), int.from_bytes(key.raw[32:], "big")
    try:
        public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        public.verify(utils.encode_dss_signature(r, s), signing_input, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _verify_eddsa(key: PublicKey, signing_input: bytes, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key.raw).verify(signature, signing_input)
    except InvalidSignature:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Compact:
    """The three parts of a compact JWS, decoded, with the exact bytes that were signed."""

    header: bytes
    payload: bytes
    signature: bytes
    signing_input: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """A protected header whose members are exactly those of the format. `keys` is empty without key set."""

    alg: str
    kid: str
    keys: tuple[str, ...] = ()


def split(text: str | bytes) -> Compact:
    """V1: the parts of a compact JWS. Raises `DocumentRefused` (`malformed`, `too_large`)."""
    if len(text) > MAX_TEXT:
        raise DocumentRefused("too_large", "V1", f"more than {MAX_TEXT} bytes of JWS text")
    if not text.isascii():
        raise DocumentRefused("malformed", "V1", "not ASCII")
    data = text.encode("ascii") if isinstance(text, str) else text
    if data.count(b".") != 2:
        raise DocumentRefused("malformed", "V1", f"{data.count(b'.') + 1} segments instead of three")
    first, last = data.index(b"."), data.rindex(b".")
    view = memoryview(data)
    try:
        header, payload, signature = map(b64url_decode, (view[:first], view[first + 1 : last], view[last + 1 :]))
        return Compact(header, payload, signature, data[:last])
    except EncodingInvalid as error:
        raise DocumentRefused("malformed", "V1", f"a segment is {error.message}") from None


def read_members(header: bytes) -> dict[str, Any]:
    """V2: the members of a protected header. Raises `DocumentRefused` (`header_invalid`)."""
    if len(header) > MAX_HEADER:
        raise _header_invalid(f"more than {MAX_HEADER} bytes")
    try:
        members = strictjson.loads(header)
    except JsonInvalid as error:
        raise _header_invalid(error.message) from None
    if type(members) is not dict:
        raise _header_invalid("not a JSON object")
    return members


def read_header(header: bytes, typ: str) -> Header:
    """V2: a protected header with exactly `alg`, `kid`, `typ` and, in a document, perhaps `keys`.

    Raises `DocumentRefused` (`header_invalid`, `algorithm_refused`).
    """
    members = read_members(header)
    allowed = {"alg", "kid", "typ"} | ({"keys"} if typ == "livepin+jws" else set())
    if members.keys() - allowed or {"alg", "kid", "typ"} - members.keys():
        raise _header_invalid(f"its members are not {', '.join(sorted(allowed))}")
    alg, kid, keys = members["alg"], members["kid"], members.get("keys", [])
    if type(alg) is not str or type(kid) is not str:
        raise _header_invalid("alg and kid are strings")
    if members["typ"] != typ:
        raise _header_invalid(f"typ is not {typ}")
    if alg not in ALGORITHMS:
        raise DocumentRefused("algorithm_refused", "V2", f"the algorithm {alg[:32]!r} is not used")
    return Header(alg, kid, _keys(keys) if "keys" in members else ())


def _keys(keys: object) -> tuple[str, ...]:
    if type(keys) is str:
        return (keys,)
    if type(keys) is not list or not 2 <= len(keys) <= 8 or any(type(item) is not str for item in keys):
        raise _header_invalid("keys is neither a string nor an array of 2 to 8 strings")
    return tuple(keys)


def _header_invalid(why: str) -> DocumentRefused:
    return DocumentRefused("header_invalid", "V2", f"the header is refused: {why}")


def check_signature(compact: Compact, alg: str, key: PublicKey) -> None:
    """V2 and V4: the algorithm is the key's and the signature verifies.

    Raises `DocumentRefused` (`algorithm_refused`, `bad_signature`).
    """
    if alg != key.alg:
        raise DocumentRefused("algorithm_refused", "V2", f"{alg} does not fit a key for {key.alg}")
    if not key.verify(compact.signing_input, compact.signature):
        raise DocumentRefused("bad_signature", "V4", "the signature does not verify")


def signing_input(header: Mapping[str, Any], payload: bytes) -> bytes:
    """The bytes to sign for a header and a payload (RFC 7515 section 5.1)."""
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False)
    return f"{b64url(text.encode())}.{b64url(payload)}".encode("ascii")


def assemble(signed: bytes, signature: bytes) -> str:
    """Compact JWS of a signing input and its raw signature."""
    return f"{signed.decode('ascii')}.{b64url(signature)}"
