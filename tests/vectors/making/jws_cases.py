"""The signature layer alone (V1, V2, V4), with the key that the question names; `kid` and `typ` may be anything."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator
from typing import Any

from tests.vectors.making.cases import NOT_OK, Case, Json, invalid, without
from tests.vectors.making.keys import (
    ANNA,
    BERT,
    ED25519_ORDER,
    EDDA,
    EDDA_MALLORY,
    MALLORY,
    P256_ORDER,
    b64,
    b64url,
    jwk_above_the_prime,
    raw,
)
from tests.vectors.making.signature_cases import high_s, low_s
from tests.vectors.making.writer import compact, jws

MALFORMED, HEADER_INVALID = invalid("malformed"), invalid("header_invalid")
ALGORITHM_REFUSED, BAD_SIGNATURE = invalid("algorithm_refused"), invalid("bad_signature")

_CLAIMS = b'{"sub":"vectors",\r\n "exp":1790000000}'
_ES256, _EDDSA = {"alg": "ES256"}, {"alg": "EdDSA"}


def _token(header: Json | bytes = _ES256, payload: bytes = _CLAIMS, sign: Callable[[bytes], bytes] = ANNA.sign) -> str:
    return jws(header, payload, sign)


def _case(name: str, about: str, text: Any, jwk: Any, expect: Json, *, hostile: bool, rule: str = "V4") -> Case:
    return Case(f"jws-{name}", f"{about}.", rule, expect, hostile, {"do": "jws", "jws": text, "jwk": jwk})


def good_cases() -> Iterator[Case]:
    """What verifies; the answer has the payload's bytes."""
    every_byte = bytes(range(256))
    table: list[tuple[str, str, str, Json, bytes]] = [
        ("es256", "A header of `alg` alone", _token(), ANNA.jwk, _CLAIMS),
        ("eddsa", "A header of `alg` alone, Ed25519", _token(_EDDSA, sign=EDDA.sign), EDDA.jwk, _CLAIMS),
        ("typ-any", "Any `typ`", _token(_ES256 | {"typ": "JWT"}), ANNA.jwk, _CLAIMS),
        ("kid-any", "Any `kid`", _token(_ES256 | {"kid": "2026-09"}), ANNA.jwk, _CLAIMS),
        ("kid-and-typ", "Any `kid` and any `typ`", _token({"typ": "x", "kid": "", **_ES256}), ANNA.jwk, _CLAIMS),
        ("payload-empty", "An empty payload", _token(payload=b""), ANNA.jwk, b""),
        ("payload-any-bytes", "A payload of every byte there is", _token(payload=every_byte), ANNA.jwk, every_byte),
        ("payload-text", "A payload that is no JSON", _token(payload=b"plain text"), ANNA.jwk, b"plain text"),
        ("header-white-space", "White space and line ends in the header",
         _token(b'{"typ":"JWT",\r\n "alg":"ES256"}'), ANNA.jwk, _CLAIMS),
        ("high-s", "The larger of the two values of s", _token(sign=high_s), ANNA.jwk, _CLAIMS),
        ("low-s", "The smaller of the two values of s", _token(sign=low_s), ANNA.jwk, _CLAIMS),
    ]  # fmt: skip
    for name, about, text, jwk, payload in table:
        expect = {"ok": True, "payload": b64(payload)}
        yield _case(f"good-{name}", about, text, jwk, expect, hostile=False)


def _numbers(change: Callable[[int, int], tuple[int, int]]) -> Callable[[bytes], bytes]:
    return lambda data: raw(*change(*ANNA.numbers(data)))


def _edwards_plus_order(data: bytes) -> bytes:
    signature = EDDA.sign(data)
    return signature[:32] + (int.from_bytes(signature[32:], "little") + ED25519_ORDER).to_bytes(32, "little")


def signature_cases() -> Iterator[Case]:
    forged: list[tuple[str, str, Callable[[bytes], bytes]]] = [
        ("der", "A signature in DER", ANNA.sign_der),
        ("empty", "An empty signature", lambda data: b""),
        ("63-bytes", "63 bytes", lambda data: ANNA.sign(data)[:63]),
        ("65-bytes", "65 bytes", lambda data: ANNA.sign(data) + b"\0"),
        ("r-zero", "r = 0", _numbers(lambda r, s: (0, s))),
        ("s-zero", "s = 0", _numbers(lambda r, s: (r, 0))),
        ("both-zero", "r = s = 0", lambda data: bytes(64)),
        ("s-is-order", "s equal to the order of the curve", _numbers(lambda r, s: (r, P256_ORDER))),
        ("all-ones", "Every bit set", lambda data: b"\xff" * 64),
        ("other-key", "Another key's signature", BERT.sign),
        ("other-payload", "The signature of another payload", lambda data: ANNA.sign(data + b"AAAA")),
    ]  # fmt: skip
    for name, about, sign in forged:
        yield _case(f"v4-{name}", about, _token(sign=sign), ANNA.jwk, BAD_SIGNATURE, hostile=True)
    edwards: list[tuple[str, str, Callable[[bytes], bytes]]] = [
        ("65-bytes", "65 bytes", lambda data: EDDA.sign(data) + b"\0"),
        ("s-plus-order", "s plus the order (RFC 8032 section 5.1.7)", _edwards_plus_order),
        ("other-key", "Another key's signature", EDDA_MALLORY.sign),
    ]
    for name, about, sign in edwards:
        text = _token(_EDDSA, sign=sign)
        yield _case(f"v4-eddsa-{name}", f"{about}, Ed25519", text, EDDA.jwk, BAD_SIGNATURE, hostile=True)


def _hmac(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda data: hmac.new(secret, data, hashlib.sha256).digest()


def header_cases() -> Iterator[Case]:
    refused_names: list[tuple[str, str, Json, Json, Callable[[bytes], bytes]]] = [
        ("none", "`none`, unsigned", {"alg": "none"}, ANNA.jwk, lambda data: b""),
        ("none-signed", "`none` over a good signature", {"alg": "none"}, ANNA.jwk, ANNA.sign),
        ("hs256", "`HS256` keyed with the public key", {"alg": "HS256"}, ANNA.jwk, _hmac(ANNA.spki)),
        ("es384", "`ES384` on a P-256 key", {"alg": "ES384"}, ANNA.jwk, ANNA.sign),
        ("eddsa-on-p256", "`EdDSA` on a P-256 key", _EDDSA, ANNA.jwk, ANNA.sign),
        ("es256-on-ed25519", "`ES256` on an Ed25519 key", _ES256, EDDA.jwk, EDDA.sign),
        ("ed25519-name", "`Ed25519`, the name of RFC 9864", {"alg": "Ed25519"}, EDDA.jwk, EDDA.sign),
    ]
    for name, about, header, jwk, sign in refused_names:
        text = _token(header, sign=sign)
        yield _case(f"v2-alg-{name}", about, text, jwk, ALGORITHM_REFUSED, hostile=True, rule="V2")
    invalid_headers: list[tuple[str, str, Json | bytes]] = [
        ("alg-missing", "No `alg`", {"typ": "JWT"}),
        ("crit", "`crit` and a member that it names", _ES256 | {"crit": ["exp"], "exp": 1}),
        ("b64-false", "RFC 7797's `b64`", _ES256 | {"b64": False, "crit": ["b64"]}),
        ("jwk", "A key in the header", _ES256 | {"jwk": ANNA.jwk}),
        ("x5c", "A chain in the header", _ES256 | {"x5c": ["MIIB"]}),
        ("zip", "A promise of compression", _ES256 | {"zip": "DEF"}),
        ("duplicate", "`alg` twice", b'{"alg":"ES256","alg":"ES256"}'),
        ("duplicate-escape", "`alg` a second time, spelt with an escape", b'{"alg":"ES256","a\\u006cg":"none"}'),
        ("array", "A header that is an array", b'["ES256"]'),
        ("not-json", "A header that is no JSON", b"alg=ES256"),
        ("empty", "An empty header", b""),
        ("byte-order-mark", "A byte order mark", b'\xef\xbb\xbf{"alg":"ES256"}'),
    ]
    for name, about, protected in invalid_headers:
        yield _case(f"v2-{name}", about, _token(protected), ANNA.jwk, HEADER_INVALID, hostile=True, rule="V2")
    stranger = _token(_ES256 | {"jwk": MALLORY.jwk}, sign=MALLORY.sign)
    about = "A stranger's key in the header, and the stranger's signature"
    yield _case("v2-jwk-of-a-stranger", about, stranger, ANNA.jwk, HEADER_INVALID, hostile=True, rule="V2")


def text_cases() -> Iterator[Case]:
    good = _token()
    head, body, signature = good.split(".")
    texts: list[tuple[str, str, str]] = [
        ("newline", "A line feed at the end", good + "\n"),
        ("space", "A space at the start", " " + good),
        ("padding", "Base64 padding", good + "=="),
        ("two-segments", "Two segments", f"{head}.{body}"),
        ("four-segments", "Four segments", f"{good}."),
        ("empty", "No text", ""),
        ("loose-bits", "Bits in the last character that carry nothing",
         good[:-1] + {"A": "B", "Q": "R", "g": "h", "w": "x"}[good[-1]]),
        ("detached", "A detached payload of RFC 7515 appendix F, written with a star", f"{head}.*.{signature}"),
        ("not-ascii", "A letter beyond ASCII", good[:-1] + "\u00e9"),
        ("json", "The flattened JSON serialization",
         compact({"payload": body, "protected": head, "signature": signature}).decode()),
    ]  # fmt: skip
    for name, about, text in texts:
        yield _case(f"v1-{name}", about, text, ANNA.jwk, MALFORMED, hostile=True, rule="V1")
    detached = f"{head}..{signature}"
    about = "The payload cut out: an empty payload was not what was signed"
    yield _case("v4-payload-cut-out", about, detached, ANNA.jwk, BAD_SIGNATURE, hostile=True)
    yield _case("text-number", "A number in place of the text", 7, ANNA.jwk, NOT_OK, hostile=True, rule="V1")


def key_cases() -> Iterator[Case]:
    """Keys that are none, or of no kind that documents are signed with."""
    y = (int.from_bytes(ANNA.point[33:], "big") + 1).to_bytes(32, "big")
    secret = b64url(ANNA.spki)
    hashed = _token({"alg": "HS256"}, sign=_hmac(ANNA.spki))
    keys: list[tuple[str, str, str, Any]] = [
        ("off-curve", "A point that is not on the curve", _token(), {**ANNA.jwk, "y": b64url(y)}),
        ("at-infinity", "The point (0, 0)", _token(), {**ANNA.jwk, "x": b64url(bytes(32)), "y": b64url(bytes(32))}),
        ("x-above-prime", "A coordinate that is not below the curve's prime", _token(), jwk_above_the_prime()),
        ("short", "A coordinate of 31 bytes", _token(), {**ANNA.jwk, "x": b64url(ANNA.point[1:32])}),
        ("padded", "A coordinate with Base64 padding", _token(), {**ANNA.jwk, "x": ANNA.jwk["x"] + "="}),
        ("without-y", "A P-256 key without `y`", _token(), without(ANNA.jwk, "y")),
        ("p384", "A P-384 key",
         _token(), {"kty": "EC", "crv": "P-384", "x": b64url(bytes(48)), "y": b64url(bytes(48))}),
        ("rsa", "An RSA key", _token({"alg": "RS256"}), {"kty": "RSA", "n": b64url(b"\xc5" * 256), "e": "AQAB"}),
        ("oct", "A shared secret, and `HS256` that fits it", hashed, {"kty": "oct", "k": secret}),
        ("x25519", "A key for agreement, not for signatures",
         _token(_EDDSA, sign=EDDA.sign), {**EDDA.jwk, "crv": "X25519"}),
        ("ed25519-short", "An Ed25519 key of 31 bytes",
         _token(_EDDSA, sign=EDDA.sign), {**EDDA.jwk, "x": b64url(EDDA.point[:31])}),
        ("empty", "A key without members", _token(), {}),
        ("string", "A string in place of a key", _token(), ANNA.kid),
    ]  # fmt: skip
    for name, about, text, jwk in keys:
        yield _case(f"key-{name}", about, text, jwk, NOT_OK, hostile=True, rule="V3")


def all_cases() -> Iterator[Case]:
    yield from good_cases()
    yield from signature_cases()
    yield from header_cases()
    yield from text_cases()
    yield from key_cases()
