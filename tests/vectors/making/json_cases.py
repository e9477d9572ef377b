"""V5: strict JSON. Every payload is signed as it stands; what it says besides is what the usual document says."""

from __future__ import annotations

from collections.abc import Iterator

from tests.vectors.making.cases import Case, refused
from tests.vectors.making.writer import accepted, arrival, document, document_payload, with_text

PAYLOAD_INVALID = refused("V5", "payload_invalid")

# Raw text of a member that is added at the end of the payload.
_REFUSED_MEMBERS: list[tuple[str, str, str]] = [
    ("fraction", "A fraction in a member nobody knows", '"note":1.5'),
    ("fraction-zero", "1.0 is not an integer", '"note":1.0'),
    ("exponent", "1e3 is not an integer", '"note":1e3'),
    ("exponent-upper-case", "1E400, which many readers turn into infinity", '"note":1E400'),
    ("minus-zero", "-0", '"note":-0'),
    ("leading-zero", "A leading zero", '"note":007'),
    ("plus-sign", "A plus sign", '"note":+1'),
    ("bare-fraction", "A fraction without its zero", '"note":.5'),
    ("hexadecimal", "A number in hexadecimal", '"note":0x10'),
    ("2-to-53", "2^53, which many readers cannot tell from its neighbour", '"note":9007199254740992'),
    ("minus-2-to-53", "-2^53", '"note":-9007199254740992'),
    ("5000-digits", "A number of 5,000 digits", '"note":' + "9" * 5000),
    ("nan", "NaN", '"note":NaN'),
    ("infinity", "Infinity", '"note":Infinity'),
    ("minus-infinity", "-Infinity", '"note":-Infinity'),
    ("null", "`null` in a member nobody knows", '"note":null'),
    ("null-deep", "`null` deep in a member nobody knows", '"note":[{"a":[null]}]'),
    ("duplicate-serial", "`serial` twice", '"serial":8'),
    ("duplicate-serial-same", "`serial` twice with one value", '"serial":7'),
    ("duplicate-by-escape", "`serial` a second time, spelt with an escape", '"s\\u0065rial":8'),
    ("duplicate-hosts", "`hosts` twice: readers that take the first and readers that take the last differ",
     '"hosts":[]'),
    ("duplicate-unknown", "A member nobody knows, twice", '"note":1,"note":1'),
    ("duplicate-deep", "A name twice, deep in a member nobody knows", '"note":[{"a":{"b":1,"c":2,"b":1}}]'),
    ("duplicate-deep-by-escape", "A name twice, once spelt with an escape, deep inside",
     '"note":[{"slash/":1,"slash\\/":2}]'),
    ("duplicate-empty-name", "The empty name twice", '"":1,"":2'),
    ("lone-surrogate", "A high surrogate alone, escaped", '"note":"\\ud83d"'),
    ("lone-low-surrogate", "A low surrogate alone, escaped", '"note":"\\ude00 and more"'),
    ("surrogates-reversed", "A pair of surrogates the wrong way round", '"note":"\\ude00\\ud83d"'),
    ("lone-surrogate-in-name", "A surrogate alone, in a name", '"\\ud800":1'),
    ("unknown-escape", "An escape that JSON does not have", '"note":"\\x41"'),
    ("short-escape", "An escape with two digits", '"note":"\\u41"'),
    ("raw-newline", "A line feed within a string", '"note":"a\nb"'),
    ("raw-nul", "A NUL within a string", '"note":"a\0b"'),
    ("single-quotes", "Single quotes", "'note':1"),
    ("bare-name", "A name without quotes", "note:1"),
    ("trailing-comma", "A comma before the closing brace", '"note":1,'),
    ("comment", "A comment", '"note":1 // by hand'),
    ("upper-case-true", "`True`", '"note":True'),
    ("array-trailing-comma", "A comma before the closing bracket", '"note":[1,]'),
    ("depth-17-arrays", "An array at depth 17", '"note":' + "[" * 16 + "]" * 16),
    ("depth-17-objects", "An object at depth 17", '"note":' + '{"a":' * 15 + "{}" + "}" * 15),
    ("depth-20000", "20,000 arrays in one another: refused, not crashed upon", '"note":' + "[" * 20_000 + "]" * 20_000),
    ("unclosed-arrays", "20,000 arrays that are never closed", '"note":' + "[" * 20_000),
]  # fmt: skip

_ACCEPTED_MEMBERS: list[tuple[str, str, str]] = [
    ("2-to-53-less-1", "The greatest integer", '"note":9007199254740991'),
    ("minus-2-to-53-less-1", "The smallest integer", '"note":-9007199254740991'),
    ("zero", "0", '"note":0'),
    ("depth-16-arrays", "An array at depth 16", '"note":' + "[" * 15 + "]" * 15),
    ("depth-16-objects", "An object at depth 16", '"note":' + '{"a":' * 14 + "{}" + "}" * 14),
    ("depth-16-number", "A number in an array at depth 16 has no depth of its own",
     '"note":' + "[" * 15 + "1" + "]" * 15),
    ("surrogate-pair", "A character beyond 16 bits as two escapes", '"note":"\\ud83d\\ude00"'),
    ("escapes", "Every short escape", '"note":"\\"\\\\\\/\\b\\f\\n\\r\\t"'),
    ("escaped-nul", "An escaped NUL", '"note":"\\u0000"'),
    ("empty-name", "An empty name", '"":1'),
    ("same-name-elsewhere", "One name in several objects", '"note":{"serial":1,"a":{"serial":2}}'),
    ("names-by-case", "Names that differ in case are two names", '"Serial":8,"SERIAL":9'),
    ("names-composed", "Names that differ in composition alone are two names", '"\\u00e9":1,"e\\u0301":2'),
]  # fmt: skip

_TEXT = document_payload()
_REFUSED_TEXTS: list[tuple[str, str, bytes]] = [
    ("byte-order-mark", "A byte order mark before the payload", b"\xef\xbb\xbf" + _TEXT),
    ("utf-16", "A payload in UTF-16", _TEXT.decode().encode("utf-16")),
    ("not-utf8", "A byte that is not UTF-8", with_text('"note":"?"').replace(b"?", b"\xff")),
    ("overlong-utf8", "A slash in two bytes of UTF-8", with_text('"note":"?"').replace(b"?", b"\xc0\xaf")),
    ("surrogate-utf8", "A surrogate encoded like a character", with_text('"note":"?"').replace(b"?", b"\xed\xa0\xbd")),
    ("truncated-utf8", "A character cut off within", with_text('"note":"?"').replace(b"?", b"\xe2\x82")),
    ("empty", "An empty payload", b""),
    ("white-space-alone", "A payload of white space", b" \n"),
    ("array", "The payload in an array", b"[" + _TEXT + b"]"),
    ("string", "The payload in a string", b'"{}"'),
    ("number", "A number as payload", b"1"),
    ("true", "`true` as payload", b"true"),
    ("two-objects", "Two objects, one after the other", _TEXT + _TEXT),
    ("trailing-text", "Text after the payload", _TEXT + b"x"),
    ("trailing-nul", "A NUL after the payload", _TEXT + b"\0"),
    ("truncated", "A payload without its last brace", _TEXT[:-1]),
    ("no-break-space", "A no-break space between members", _TEXT.replace(b',"serial"', b',\xc2\xa0"serial"')),
    ("vertical-tab", "A vertical tab between members", _TEXT.replace(b',"serial"', b',\x0b"serial"')),
    ("serial-fraction", "Serial 7.0", _TEXT.replace(b'"serial":7', b'"serial":7.0')),
    ("serial-exponent", "Serial 7e0", _TEXT.replace(b'"serial":7', b'"serial":7e0')),
]
_ACCEPTED_TEXTS: list[tuple[str, str, bytes]] = [
    ("white-space", "White space wherever JSON allows it", b" \r\n\t" + _TEXT.replace(b":", b" : ") + b"\n"),
    ("escaped-names", "Names spelt with escapes are the names",
     _TEXT.replace(b'"serial"', b'"\\u0073er\\u0069al"').replace(b'"enforce"', b'"\\u0065nforce"')),
]  # fmt: skip


def all_cases() -> Iterator[Case]:
    refused_payloads = [(name, about, with_text(text)) for name, about, text in _REFUSED_MEMBERS]
    for name, about, payload in refused_payloads + _REFUSED_TEXTS:
        yield arrival(f"json-{name}", f"{about}.", "V5", document(payload), PAYLOAD_INVALID)
    accepted_payloads = [(name, about, with_text(text)) for name, about, text in _ACCEPTED_MEMBERS]
    for name, about, payload in accepted_payloads + _ACCEPTED_TEXTS:
        signed = document(payload)
        yield arrival(f"json-{name}", f"{about}.", "V5", signed, accepted(signed))
