"""What the properties are tried with: documents, JSON texts and bytes, right ones and damaged ones."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import strategies as st

from livepin.testing.authority import CertificateAuthority
from tests.core.signing import (
    ANCHOR,
    DIGEST,
    NOW,
    OTHER_DIGEST,
    SECOND_ANCHOR,
    SIGNING_KEY,
    WIDE_DIGEST,
    compact,
    key_set,
    payload,
    signed,
)

Strategy = st.SearchStrategy[Any]

DIRECT, KEYED = signed(), signed(SIGNING_KEY, [key_set(), key_set(by=SECOND_ANCHOR)])
ISSUED = CertificateAuthority(intermediates=1).issue("a.com", "*.b.com", "192.0.2.1", "::1")

# ---------------------------------------------------------------- JSON values

SCALARS = st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8)
VALUES: Strategy = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
#: Values as the decoder could hand them over, and some that it never would.
ANYTHING: Strategy = VALUES | st.none() | st.floats() | st.binary(max_size=4) | st.integers()

# ---------------------------------------------------------------- documents

LABELS = st.sampled_from(["a", "b", "c", "com", "_x", "-", "01", "xn--p1ai"])
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
ADDRESSES = st.sampled_from(["192.0.2.1", "::1"])
PATTERNS = st.tuples(st.sampled_from(["", "*.", "**."]), NAMES).map("".join) | ADDRESSES

DIGESTS: list[dict[str, str]] = [
    {},
    {"spki_sha256": DIGEST},
    {"cert_sha256": OTHER_DIGEST},
    {"spki_sha512": WIDE_DIGEST},
    {"cert_sha512": WIDE_DIGEST},
]
TIMES = st.integers(0, NOW * 2)
PINS = st.builds(
    lambda digest, more: {**digest, **more},
    st.sampled_from(DIGESTS),
    st.fixed_dictionaries(
        {}, optional={"position": st.sampled_from(["leaf", "ca", "any"]), "from": TIMES, "until": TIMES}
    ),
)
DENY = st.lists(st.sampled_from([DIGEST, OTHER_DIGEST]), max_size=2)
CT = st.fixed_dictionaries(
    {},
    optional={
        "action": st.sampled_from(["off", "report", "enforce"]),
        "policy": st.sampled_from(["chrome", "apple", "any"]),
        "logs": DENY,
    },
)
RULES = st.fixed_dictionaries(
    {"action": st.sampled_from(["enforce", "report", "off"])},
    optional={
        "pins": st.lists(PINS, max_size=3),
        "deny": DENY,
        "ct": CT,
        "rollout": st.integers(0, 100),
        "when_expired": st.sampled_from(["enforce", "allow"]),
        "new": VALUES,
    },
)

LOGS = st.fixed_dictionaries(
    {
        "id": st.sampled_from([DIGEST, OTHER_DIGEST]),
        "key": st.sampled_from(["", "AAAA", base64.b64encode(ANCHOR.spki).decode()]),
        "operator": st.text(max_size=3),
        "kind": st.sampled_from(["rfc6962", "static", "new"]),
        "state": st.sampled_from(["usable", "retired", "readonly", "rejected", "new"]),
    },
    optional={"from": TIMES, "until": TIMES, "retired_at": TIMES},
)
CT_LOGS = st.fixed_dictionaries({"issued_at": TIMES, "logs": st.lists(LOGS, max_size=3)})


def document_about(patterns: Mapping[str, Mapping[str, Any]], **members: Any) -> dict[str, Any]:
    """The payload of a document with exactly these patterns."""
    return payload(hosts=[{"host": name, **rule} for name, rule in patterns.items()], **members)


DOCUMENTS: Strategy = st.builds(
    lambda patterns, members: document_about(patterns, **members),
    st.dictionaries(PATTERNS, RULES, max_size=6),
    st.fixed_dictionaries(
        {},
        optional={
            "unlisted": st.sampled_from(["allow", "report", "block"]),
            "deny": DENY,
            "refresh_after": st.integers(1, 86_400),
            "ct_logs": CT_LOGS,
            "new": VALUES,
        },
    ),
)

# ---------------------------------------------------------------- damage


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a JSON value: a container, and the name or index in it."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


ACTS = st.sampled_from(["replace", "remove", "copy", "add"])
KNOWN_NAMES = st.sampled_from(["critical", "pins", "host", "ct", "format", "keys", "kty", "x"])


@st.composite
def damaged(draw: st.DrawFn, whole: Strategy) -> Any:
    """A JSON value that was right, with a few members replaced, removed, copied elsewhere or added."""
    value = json.loads(json.dumps(draw(whole)))
    for _ in range(draw(st.integers(1, 3))):
        found = list(places(value))
        if found:
            container, key = draw(st.sampled_from(found))
            _damage(draw, found, container, key)
    return value


def _damage(draw: st.DrawFn, found: list[tuple[Any, Any]], container: Any, key: Any) -> None:
    act = draw(ACTS)
    if act == "remove":
        del container[key]
    elif act == "replace":
        container[key] = draw(ANYTHING)
    elif act == "copy":
        other, name = draw(st.sampled_from(found))
        container[key] = json.loads(json.dumps(other[name], default=str))
    elif isinstance(container, dict):
        container[draw(KNOWN_NAMES)] = draw(ANYTHING | st.just(["x"]))
    else:
        container.insert(key, draw(ANYTHING))


PIECES = st.sampled_from([b"", b"[", b"]", b"{", b'"', b":", b"\\u", b"null,", b"\x30\x80", b"-----BEGIN A-----"])


@st.composite
def damaged_bytes(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Bytes that were right, with a few changed, cut out or put in."""
    data = bytearray(draw(whole))
    for _ in range(draw(st.integers(1, 4))):
        place, size = draw(st.integers(0, len(data))), draw(st.sampled_from([0, 1, 1, 1, 2, 7, 40]))
        data[place : place + size] = draw(st.binary(max_size=3) | PIECES)
    return bytes(data)


# ---------------------------------------------------------------- texts

TOKENS = [
    *'{}[],:"1', "{}", "[]", '"a"', '"b"', '""', "0", "-1", "-0", "01", "1.5", "1e3", "9007199254740991",
    "9007199254740992", "true", "false", "null", "NaN", " ", "\n", "\u00a0", "\ufeff", "'", "/", '"é"', '":"', '"\\\\"',
    '"\\""', '"\\x"', '"\t"', '"\\u0061"', '"\\ud83d\\ude00"', '"\\ud83d"', '"\\ude00"', '"\\uD83D\\u0061"', '{"a":',
    '{"a":1,"b":', "[[[[[[[[", "]]]]]]]]",
]  # fmt: skip
INNERMOST = st.sampled_from([b"1", b"null", b"{}", b"[]", b'"\\ud800"', b"true,null"])
NESTED = st.builds(
    lambda depth, inner, ends: ends[0] * depth + inner + ends[1] * depth,
    st.integers(1, 20),
    INNERMOST,
    st.sampled_from([(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]")]),
)
JSON_TEXTS = (
    st.lists(st.sampled_from(TOKENS), max_size=12).map(lambda parts: "".join(parts).encode())
    | damaged_bytes(VALUES.map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")))
    | damaged_bytes(DOCUMENTS.map(compact))
    | NESTED
)
TEXTS = st.sampled_from(
    [DIRECT, KEYED, ANCHOR.pem, ISSUED.chain_pem, "*.example.com", "fe80::1%eth0", "bücher.example"]
)
DAMAGED_TEXTS = damaged_bytes(TEXTS.map(str.encode))
