"""The door itself: lines that are no requests, and what is echoed. It never stops on a bad line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.vectors.making.cases import NOT_OK, Case, Json, without
from tests.vectors.making.judge_writer import NAME, policy
from tests.vectors.making.keys import ANNA, b64, pem
from tests.vectors.making.writer import NOW, PAYLOAD, document
from tests.vectors.making.x509 import LEAF, rsa_spki

_HOST: Json = {"do": "host", "pattern": "*.example.com", "host": NAME}
_PIN: Json = {"do": "pin", "pem": LEAF.pem}
_JWS: Json = {"do": "jws", "jws": document().text, "jwk": ANNA.jwk}
_DOCUMENT: Json = {"do": "document", "jws": document().text, "anchors": [b64(ANNA.spki)], "now": NOW}
_DOCUMENT |= {"organization": "acme", "project": "shop"}
_JUDGE: Json = {
    "do": "judge",
    "payload": {**PAYLOAD, "hosts": [policy()]},
    "host": NAME,
    "chain": [LEAF.pem],
    "now": NOW,
}

_NO_REQUESTS: list[tuple[str, str, str]] = [
    ("empty", "An empty line", ""),
    ("white-space", "A line of white space", "   \t"),
    ("text", "A line of text", "hello"),
    ("array", "An array", "[]"),
    ("array-of-request", "A request in an array", json.dumps([_HOST])),
    ("string", "A string", '"document"'),
    ("number", "A number", "7"),
    ("true", "`true`", "true"),
    ("null", "`null`", "null"),
    ("truncated", "A request that is cut off", json.dumps(_HOST)[:-5]),
    ("trailing-text", "A request, and text after it", json.dumps(_HOST) + " bye"),
    ("two-requests", "Two requests in one line", json.dumps(_HOST) * 2),
    ("single-quotes", "Python in place of JSON", str(_HOST)),
    ("depth-20000", "20,000 arrays in one another", "[" * 20_000 + "]" * 20_000),
    ("unclosed", "20,000 arrays that are never closed", "[" * 20_000),
]


def line_cases() -> Iterator[Case]:
    for name, about, line in _NO_REQUESTS:
        yield Case(f"door-line-{name}", f"{about}.", "door", {"id": None, **NOT_OK}, True, line=line)
    judged = json.dumps(_JUDGE)
    twice = judged.replace('"serial": 7', '"serial": 7, "serial": 8')
    escaped = judged.replace('"serial": 7', '"serial": 7, "s\\u0065rial": 7')
    minus_zero = judged.replace('"serial": 7', '"serial": 7, "note": -0')
    not_a_number = judged.replace('"serial": 7', '"serial": 7, "note": NaN')
    surrogate = judged.replace('"serial": 7', '"serial": 7, "note": "\\ud800"')
    for name, about, line in (
        ("duplicate-in-payload", "A payload with `serial` twice", twice),
        ("duplicate-by-escape", "A payload with `serial` twice, once spelt with an escape", escaped),
        ("minus-zero", "-0 in a member of the payload that nobody knows", minus_zero),
        ("nan", "NaN in a member of the payload that nobody knows", not_a_number),
        ("lone-surrogate", "A surrogate alone in a member of the payload that nobody knows", surrogate),
    ):
        yield Case(f"door-judge-{name}", f"{about}.", "V5", NOT_OK, True, line=line)
    unnamed = {"id": None, "match": True}
    yield Case("door-id-absent", "A request without `id`.", "door", unnamed, False, line=json.dumps(_HOST))


_ODD_REQUESTS: list[tuple[str, str, Json]] = [
    ("no-members", "A request without members", {}),
    ("do-missing", "No `do`", without(_HOST, "do")),
    ("do-unknown", "A `do` nobody knows", {**_HOST, "do": "sign"}),
    ("do-letter-case", "`do` in other letters", {**_HOST, "do": "Host"}),
    ("do-number", "`do` as a number", {**_HOST, "do": 7}),
    ("do-array", "`do` in an array", {**_HOST, "do": ["host"]}),
    ("host-no-host", "`host` without `host`", without(_HOST, "host")),
    ("host-no-pattern", "`host` without `pattern`", without(_HOST, "pattern")),
    ("host-number", "`host` with a number for a host", {**_HOST, "host": 7}),
    ("host-suffixes-text", "`host` with a text for the set of suffixes", {**_HOST, "public_suffixes": 7}),
    ("pin-no-pem", "`pin` without `pem`", without(_PIN, "pem")),
    ("jws-no-jwk", "`jws` without `jwk`", without(_JWS, "jwk")),
    ("jws-no-jws", "`jws` without `jws`", without(_JWS, "jws")),
    ("document-no-jws", "`document` without `jws`", without(_DOCUMENT, "jws")),
    ("document-no-anchors", "`document` without `anchors`", without(_DOCUMENT, "anchors")),
    ("document-no-now", "`document` without `now`", without(_DOCUMENT, "now")),
    ("document-no-project", "`document` without `project`", without(_DOCUMENT, "project")),
    ("document-jws-number", "`document` with a number for a text", {**_DOCUMENT, "jws": 7}),
    ("document-anchors-empty", "`document` without a single anchor", {**_DOCUMENT, "anchors": []}),
    ("document-anchor-garbage", "`document` with an anchor that is no key", {**_DOCUMENT, "anchors": ["AAAA"]}),
    ("document-anchor-cut-off", "`document` with an anchor that is cut off",
     {**_DOCUMENT, "anchors": [b64(ANNA.spki[:-8])]}),
    ("document-anchor-longer", "`document` with an anchor and one byte more",
     {**_DOCUMENT, "anchors": [b64(ANNA.spki + b"\0")]}),
    ("document-anchor-rsa", "`document` with an RSA anchor", {**_DOCUMENT, "anchors": [b64(rsa_spki("RSA 2048"))]}),
    ("document-anchor-off-curve", "`document` with an anchor that is not on the curve",
     {**_DOCUMENT, "anchors": [b64(ANNA.spki[:-1] + bytes([ANNA.spki[-1] ^ 1]))]}),
    ("document-anchor-number", "`document` with a number among the anchors", {**_DOCUMENT, "anchors": [7]}),
    ("document-now-text", "`document` with a date for the time", {**_DOCUMENT, "now": "2026-09-21"}),
    ("document-threshold-text", "`document` with a text for the threshold", {**_DOCUMENT, "threshold": "1"}),
    ("document-threshold-negative", "`document` with a negative threshold", {**_DOCUMENT, "threshold": -1}),
    ("judge-no-payload", "`judge` without `payload`", without(_JUDGE, "payload")),
    ("judge-no-chain", "`judge` without `chain`", without(_JUDGE, "chain")),
    ("judge-no-host", "`judge` without `host`", without(_JUDGE, "host")),
    ("judge-no-now", "`judge` without `now`", without(_JUDGE, "now")),
    ("judge-payload-text", "`judge` with the payload as a text", {**_JUDGE, "payload": json.dumps(PAYLOAD)}),
    ("judge-chain-garbage", "`judge` with a chain that is no certificate", {**_JUDGE, "chain": ["garbage"]}),
    ("judge-chain-key", "`judge` with a bare key for a certificate",
     {**_JUDGE, "chain": [pem("PUBLIC KEY", ANNA.spki)]}),
    ("judge-chain-number", "`judge` with a number for the chain", {**_JUDGE, "chain": 7}),
    ("judge-validated-text", "`judge` with a text for `validated`", {**_JUDGE, "validated": "no"}),
]  # fmt: skip

_IDS: list[tuple[str, str, Any]] = [
    ("number", "a number", 7),
    ("zero", "0", 0),
    ("false", "`false`", False),
    ("text", "a text beyond ASCII", "caf\u00e9 \u2615"),
    ("empty", "an empty text", ""),
    ("array", "an array", [1, ["a"]]),
    ("object", "an object", {"run": 7, "of": [8]}),
]


def all_cases() -> Iterator[Case]:
    yield from line_cases()
    for name, about, request in _ODD_REQUESTS:
        yield Case(f"door-request-{name}", f"{about}.", "door", NOT_OK, True, request)
    for name, about, value in _IDS:
        request = {**_HOST, "id": value}
        yield Case(f"door-id-{name}", f"An `id` that is {about} comes back.", "door", {"match": True}, False, request)
    about = "The `id` of a line that cannot be answered comes back."
    odd = {"id": ["odd"], "do": "sign"}
    yield Case("door-id-of-an-odd-request", about, "door", {"id": ["odd"], **NOT_OK}, True, odd)
