"""V1 and V2: the text of a document and its protected header."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator
from typing import Any

from tests.vectors.making.cases import Case, Json, any_of, refused
from tests.vectors.making.keys import ANNA, BERT, EDDA, MALLORY, SIGNER, Key, b64, pem
from tests.vectors.making.writer import (
    ABSENT,
    HOST,
    KEYS_EXPIRE,
    PIN,
    Signed,
    accepted,
    arrival,
    compact,
    document,
    document_payload,
    header,
    keyset,
    under_keys,
)

MALFORMED = refused("V1", "malformed")
HEADER_INVALID = refused("V2", "header_invalid")
ALGORITHM_REFUSED = refused("V2", "algorithm_refused")

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_USUAL = document()
# One byte more than a multiple of three: the last character of the payload's segment has four spare bits.
_LOOSE = document(document_payload().ljust(-(-len(document_payload()) // 3) * 3 + 1))


def _part(number: int, change: Callable[[str], str]) -> Callable[[str], str]:
    """Changes one of the three segments."""

    def edit(text: str) -> str:
        parts = text.split(".")
        parts[number] = change(parts[number])
        return ".".join(parts)

    return edit


def _loosen(segment: str) -> str:
    """The same bytes for a lenient decoder: one of the spare bits at the end is set."""
    return segment[:-1] + _ALPHABET[_ALPHABET.index(segment[-1]) | 1]


def _json_serialization(text: str) -> str:
    protected, payload, signature = text.split(".")
    return compact({"protected": protected, "payload": payload, "signature": signature}).decode("ascii")


_HEAD, _BODY, _SIGNATURE = range(3)
_TEXT: list[tuple[str, str, Signed, Callable[[str], str]]] = [
    ("trailing-newline", "A line feed after the last segment", _USUAL, lambda text: text + "\n"),
    ("trailing-crlf", "A carriage return and a line feed after the last segment", _USUAL, lambda text: text + "\r\n"),
    ("leading-space", "A space before the first segment", _USUAL, lambda text: " " + text),
    ("byte-order-mark", "U+FEFF before the first segment", _USUAL, lambda text: "\ufeff" + text),
    ("line-break-inside", "A payload wrapped at 76 characters", _USUAL,
     _part(_BODY, lambda part: part[:76] + "\n" + part[76:])),
    ("space-inside-signature", "A space that lenient Base64 decoders skip", _USUAL,
     _part(_SIGNATURE, lambda part: part[:40] + " " + part[40:])),
    ("nul-at-end", "A NUL at the end", _USUAL, lambda text: text + "\0"),
    ("padded-signature", "A signature with Base64 padding", _USUAL, _part(_SIGNATURE, lambda part: part + "==")),
    ("padded-payload", "A payload with Base64 padding", _LOOSE, _part(_BODY, lambda part: part + "==")),
    ("loose-bits-in-signature", "The last character of the signature sets bits that carry nothing", _USUAL,
     _part(_SIGNATURE, _loosen)),
    ("loose-bits-in-payload", "The last character of the payload sets bits that carry nothing", _LOOSE,
     _part(_BODY, _loosen)),
    ("standard-alphabet", "A signature in the alphabet of standard Base64, with + and /", _USUAL,
     _part(_SIGNATURE, lambda part: part.replace("-", "+").replace("_", "/"))),
    ("one-character-over", "A payload segment of 4n+1 characters", _USUAL,
     _part(_BODY, lambda part: part + "A" * (5 - len(part) % 4))),
    ("two-segments", "The signature is missing, dot and all", _USUAL, lambda text: text.rpartition(".")[0]),
    ("four-segments", "A fourth, empty segment", _USUAL, lambda text: text + "."),
    ("five-segments", "Five segments, as encrypted content has", _USUAL, lambda text: text + ".AAAA.AAAA"),
    ("empty", "No text at all", _USUAL, lambda text: ""),
    ("not-ascii", "A letter beyond ASCII in the signature", _USUAL,
     _part(_SIGNATURE, lambda part: part[:-1] + "\u00e9")),
    ("full-width-letter", "A full-width letter that compatibility mapping would make an ASCII one", _USUAL,
     _part(_HEAD, lambda part: "\uff45" + part[1:])),
    ("full-width-dot", "Segments that are separated by full-width dots", _USUAL,
     lambda text: text.replace(".", "\uff0e")),
    ("json-serialization", "The JSON serialization of RFC 7515 instead of the compact one", _USUAL,
     _json_serialization),
    ("html-page", "A captive portal's page in place of the document", _USUAL,
     lambda text: "<!DOCTYPE html><html><body>Sign in to continue.</body></html>"),
]  # fmt: skip


def text_cases() -> Iterator[Case]:
    for name, about, signed, edit in _TEXT:
        yield arrival(f"document-v1-{name}", f"{about}.", "V1", signed.edited(edit), MALFORMED)


def _keyed_hash(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda data: hmac.new(secret, data, hashlib.sha256).digest()


_NONE = document(protected=header(ANNA, alg="none"), sign=lambda data: b"")
_ALGORITHMS: list[tuple[str, str, Signed]] = [
    ("none-unsigned", "`none`, and an empty signature", _NONE),
    ("none-signed", "`none` over a signature that would verify", document(protected=header(ANNA, alg="none"))),
    ("none-upper-case", "`NONE`", document(protected=header(ANNA, alg="NONE"), sign=lambda data: b"")),
    ("none-unknown-kid", "`none` with a kid that nobody has: asked before the key is looked up",
     document(protected=header(MALLORY, alg="none"), sign=lambda data: b"")),
    ("hs256-spki-as-secret", "`HS256` keyed with the anchor's public SPKI bytes",
     document(protected=header(ANNA, alg="HS256"), sign=_keyed_hash(ANNA.spki))),
    ("hs256-pem-as-secret", "`HS256` keyed with the anchor's public PEM text",
     document(protected=header(ANNA, alg="HS256"), sign=_keyed_hash(pem("PUBLIC KEY", ANNA.spki).encode()))),
    ("es384", "`ES384` on a P-256 anchor", document(protected=header(ANNA, alg="ES384"))),
    ("es256k", "`ES256K` on a P-256 anchor", document(protected=header(ANNA, alg="ES256K"))),
    ("rs256", "`RS256` on a P-256 anchor", document(protected=header(ANNA, alg="RS256"))),
    ("lower-case", "`es256`: names of algorithms are compared byte by byte",
     document(protected=header(ANNA, alg="es256"))),
    ("esp256", "`ESP256`, a fully specified name of RFC 9864, is not used",
     document(protected=header(ANNA, alg="ESP256"))),
    ("eddsa-on-p256", "`EdDSA` named for a P-256 anchor: the key decides, not the document",
     document(protected=header(ANNA, alg="EdDSA"))),
]  # fmt: skip
_EDDA_ALGORITHMS: list[tuple[str, str, Signed]] = [
    ("es256-on-ed25519", "`ES256` named for an Ed25519 anchor",
     document(protected=header(EDDA, alg="ES256"), key=EDDA)),
    ("ed25519-name", "`Ed25519`, a fully specified name of RFC 9864, is not used",
     document(protected=header(EDDA, alg="Ed25519"), key=EDDA)),
]  # fmt: skip


def algorithm_cases() -> Iterator[Case]:
    for anchor, table in ((ANNA, _ALGORITHMS), (EDDA, _EDDA_ALGORITHMS)):
        for name, about, signed in table:
            yield arrival(f"document-v2-alg-{name}", f"{about}.", "V2", signed, ALGORITHM_REFUSED, anchors=[anchor])
    yield arrival(
        "document-v2-alg-unlike-signing-key",
        "`EdDSA` named for a P-256 key of a good key set.",
        "V2",
        document(key=SIGNER, protected=header(SIGNER, alg="EdDSA", keys=keyset())),
        ALGORITHM_REFUSED,
    )


# Members changed in, or added to, an otherwise good header; the text is signed after the change.
_MEMBERS: list[tuple[str, str, Json]] = [
    ("alg-missing", "No `alg`", {"alg": ABSENT}),
    ("kid-missing", "No `kid`, though one anchor alone could have signed", {"kid": ABSENT}),
    ("kid-number", "A `kid` that is a number", {"kid": 7}),
    ("typ-missing", "No `typ`", {"typ": ABSENT}),
    ("typ-upper-case", "`typ` in other letters: compared byte by byte", {"typ": "Livepin+JWS"}),
    ("typ-media-type", "`typ` as a whole media type", {"typ": "application/livepin+jws"}),
    ("typ-jwt", "`typ` of a token", {"typ": "JWT"}),
    ("typ-of-key-set", "`typ` of a key set, on a document", {"typ": "livepin-keys+jws"}),
    ("typ-of-freshness", "`typ` of a freshness statement, on a document", {"typ": "livepin-fresh+jws"}),
    ("typ-trailing-space", "`typ` with a space at its end", {"typ": "livepin+jws "}),
    ("crit-empty", "An empty `crit`", {"crit": []}),
    ("crit-b64", "`crit` with RFC 7797's `b64`", {"b64": False, "crit": ["b64"]}),
    ("b64-true", "`b64` alone, with the value that changes nothing", {"b64": True}),
    ("critical", "`critical` belongs into payloads", {"critical": []}),
    ("jwk", "The signer's own key as `jwk`", {"jwk": ANNA.jwk}),
    ("jku", "A place to fetch keys from", {"jku": "https://keys.example/jwks.json"}),
    ("x5u", "A place to fetch a certificate from", {"x5u": "https://keys.example/chain.pem"}),
    ("x5c", "A certificate chain as `x5c`", {"x5c": ["MIIB"]}),
    ("x5t-s256", "A certificate's thumbprint", {"x5t#S256": ANNA.kid}),
    ("zip", "A promise of compression", {"zip": "DEF"}),
    ("cty", "A content type", {"cty": "json"}),
    ("unknown-member", "A member nobody knows: payloads may have them, headers may not", {"note": "hello"}),
    ("null-member", "`null` in place of `keys`", {"keys": None}),
]


def member_cases() -> Iterator[Case]:
    for name, about, changes in _MEMBERS:
        signed = document(protected=header(ANNA, **changes))
        yield arrival(f"document-v2-{name}", f"{about}.", "V2", signed, HEADER_INVALID)
    smuggled = document(key=MALLORY, protected=header(ANNA, jwk=MALLORY.jwk))
    about = "A stranger's key as `jwk` beside an anchor's `kid`, signed by the stranger."
    yield arrival("document-v2-jwk-of-a-stranger", about, "V2", smuggled, HEADER_INVALID)
    either = refused("V2", any_of("header_invalid", "algorithm_refused"))
    yield arrival("document-v2-alg-number", "`alg` as a number.", "V2", document(protected=header(ANNA, alg=7)), either)
    yield arrival(
        "document-v2-alg-array",
        "`alg` as an array that holds the right name.",
        "V2",
        document(protected=header(ANNA, alg=["ES256"])),
        either,
    )
    about = "A key set in place of a document: the anchor did sign it, as something else."
    yield arrival("document-v2-key-set-as-document", about, "V2", keyset(), HEADER_INVALID)


_KID = ANNA.kid.encode()
_HEADER = compact(header(ANNA))
_HEADER_TEXTS: list[tuple[str, str, bytes]] = [
    ("duplicate-member", "`alg` twice, with the same value", _HEADER[:-1] + b',"alg":"ES256"}'),
    ("duplicate-alg-none", "`alg` first `none`, then `ES256`", b'{"alg":"none",' + _HEADER[1:]),
    ("duplicate-by-escape", "`alg` a second time, spelt with an escape", _HEADER[:-1] + b',"\\u0061lg":"ES256"}'),
    ("header-byte-order-mark", "A byte order mark before the header", b"\xef\xbb\xbf" + _HEADER),
    ("header-not-utf8", "A header that is not UTF-8", _HEADER.replace(b"livepin", b"livepi\xf1")),
    ("header-utf16", "A header in UTF-16", _HEADER.decode().encode("utf-16")),
    ("header-trailing-comma", "A comma before the closing brace", _HEADER[:-1] + b",}"),
    ("header-trailing-text", "A second object after the header", _HEADER + b"{}"),
    ("header-array", "The header in an array", b"[" + _HEADER + b"]"),
    ("header-string", "A header that is a string", b'"ES256"'),
    ("header-empty", "An empty header segment", b""),
    ("header-comment", "A comment in the header", b"/* by hand */" + _HEADER),
    ("header-deep", "An unknown member nested 5,000 deep",
     _HEADER[:-1] + b',"a":' + b"[" * 5000 + b"]" * 5000 + b"}"),
    ("header-over-64-kib", "One byte more than 64 KiB, of white space", _HEADER.ljust(65_537)),
]  # fmt: skip
_GOOD_HEADER_TEXTS: list[tuple[str, str, bytes]] = [
    ("header-64-kib", "Exactly 64 KiB, most of it white space", _HEADER.ljust(65_536)),
    ("header-white-space", "White space around every part, as JSON allows",
     b'\n{ "alg" :\t"ES256" , "typ": "livepin+jws",\r\n"kid" : "' + _KID + b'" } '),
    ("header-escaped-names", "Names and values spelt with escapes are the same names and values",
     b'{"\\u0061lg":"\\u0045S256","k\\u0069d":"' + _KID + b'","typ":"livepin\\u002bjws"}'),
    ("header-other-order", "The members in another order",
     compact({"typ": "livepin+jws", "kid": ANNA.kid, "alg": "ES256"})),
]  # fmt: skip


def header_text_cases() -> Iterator[Case]:
    for name, about, protected in _HEADER_TEXTS:
        yield arrival(f"document-v2-{name}", f"{about}.", "V2", document(protected=protected), HEADER_INVALID)
    for name, about, protected in _GOOD_HEADER_TEXTS:
        signed = document(protected=protected)
        yield arrival(f"document-v2-{name}", f"{about}.", "V2", signed, accepted(signed))


_EVERYTHING: dict[str, Any] = {
    "refresh_after": 60,
    "extendable_until": KEYS_EXPIRE,
    "unlisted": "report",
    "deny": [b64(b"d" * 32)],
    "critical": ["deny", "unlisted"],
    "hosts": [
        {
            **HOST,
            "pins": [{"spki_sha256": PIN, "position": "any", "from": 0, "until": KEYS_EXPIRE}],
            "deny": [b64(b"e" * 32)],
            "ct": {"action": "report", "policy": "chrome", "operators": ["Example"], "logs": [b64(b"l" * 32)]},
            "rollout": 50,
            "when_expired": "allow",
        },
        {"host": "*.example.com", "action": "report", "pins": []},
        {"host": "**.example.org", "action": "off"},
    ],
}


def good_cases() -> Iterator[Case]:
    good: list[tuple[str, str, Signed, tuple[Key, ...]]] = [
        ("es256", "An anchor with a P-256 key signs directly", _USUAL, (ANNA,)),
        ("eddsa", "An anchor with an Ed25519 key signs directly", document(key=EDDA), (EDDA,)),
        ("second-anchor", "The second of two embedded anchors signs", document(key=BERT), (ANNA, BERT)),
        ("no-hosts", "A project without hosts yet", document(document_payload(hosts=[])), (ANNA,)),
        ("every-member", "Every member of the format", document(document_payload(**_EVERYTHING)), (ANNA,)),
    ]
    for name, about, signed, anchors in good:
        yield arrival(f"document-good-{name}", f"{about}.", "V1-V8", signed, accepted(signed), anchors=anchors)
    signed = under_keys(keyset())
    about = "A key that an anchored key set names signs."
    yield arrival("document-good-key-set", about, "V1-V8", signed, accepted(signed, epoch=3))


def all_cases() -> Iterator[Case]:
    yield from good_cases()
    yield from text_cases()
    yield from algorithm_cases()
    yield from member_cases()
    yield from header_text_cases()
