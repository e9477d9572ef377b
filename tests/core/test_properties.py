"""What holds for every input, tried with many: nothing that arrives can do more than be refused."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livepin.core import der, hosts, jws, keyset, strictjson, trust
from livepin.core.base64s import b64_decode, b64url_decode
from livepin.core.document import Document, serialize
from livepin.core.judge import Peer, judge
from livepin.core.jws import PublicKey
from livepin.core.pins import Certificate, certificates_of_pem, digests_of_pem
from livepin.core.sct import Delivered, Delivery
from livepin.errors import HostInvalid, JsonInvalid, LivepinError, PatternInvalid
from tests.core import signing, slow_json
from tests.core.ct_world import ONE, TWO, with_scts
from tests.core.inputs import (
    ADDRESSES,
    ANYTHING,
    DAMAGED_TEXTS,
    DIRECT,
    DOCUMENTS,
    ISSUED,
    JSON_TEXTS,
    LABELS,
    NAMES,
    PATTERNS,
    VALUES,
    Strategy,
    damaged,
    damaged_bytes,
    document_about,
)
from tests.core.signing import ANCHOR, NOW, SIGNING_KEY, TRUST, compact, header, keys_payload

Property = Callable[..., None]
PROPERTIES: dict[str, tuple[Property, dict[str, Strategy]]] = {}


def holds(**strategies: Strategy) -> Callable[[Property], Property]:
    """A property: tried with few examples always, and with many in `make test-slow`."""

    def register(check: Property) -> Property:
        PROPERTIES[check.__name__] = (check, strategies)
        return check

    return register


def attempt(name: str, examples: int) -> None:
    check, strategies = PROPERTIES[name]
    given_many = settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    given_many(given(**strategies)(check))()


def refused_at_most(read: Callable[..., object], *arguments: Any) -> None:
    """Whatever comes of it, no other error than ours."""
    with contextlib.suppress(LivepinError):
        read(*arguments)


@holds(value=DOCUMENTS)
def a_document_is_the_same_after_it_was_written_and_read(value: dict[str, Any]) -> None:
    first = Document.parse(serialize(value))
    again = Document.parse(serialize(first.payload))
    assert first.payload == again.payload == value
    assert list(first.policies()) == list(again.policies()) == list(Document.from_payload(value).policies())
    assert serialize(again.payload) == serialize(value)


@holds(data=JSON_TEXTS)
def strict_json_is_what_a_slow_reader_says(data: bytes) -> None:
    try:
        expected = slow_json.loads(data)
    except slow_json.NotStrict:
        with pytest.raises(JsonInvalid):
            strictjson.loads(data)
    else:
        assert repr(strictjson.loads(data)) == repr(expected)  # compared as text, because True equals 1


@holds(value=VALUES)
def every_value_that_the_format_could_hold_is_read(value: object) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        assert strictjson.loads(text.encode("utf-8")) == value


@holds(patterns=st.sets(PATTERNS, max_size=12), name=NAMES | ADDRESSES)
def a_look_up_is_what_a_comparison_with_every_pattern_says(patterns: set[str], name: str) -> None:
    document = Document.from_payload(about(patterns))
    found = document.lookup(name)
    assert (found and found.host) == slow_look_up(patterns, name)
    for pattern in patterns:
        assert hosts.matches(hosts.parse_pattern(pattern), name) is covers(pattern, name)


def about(patterns: set[str]) -> dict[str, Any]:
    return document_about({pattern: {"action": "enforce"} for pattern in patterns})


def covers(pattern: str, name: str) -> bool:
    """Whether a pattern covers a host, in the words of the design."""
    if not pattern.startswith("*"):
        return pattern == name
    if name == "192.0.2.1" or ":" in name:
        return False
    stars, _, base = pattern.partition(".")
    labels, wanted = name.split("."), base.split(".")
    more = len(labels) - len(wanted)
    return labels[-len(wanted) :] == wanted and (more == 1 if stars == "*" else more >= 0)


def slow_look_up(patterns: set[str], name: str) -> str | None:
    """J2: exact, then the wildcard with most labels, `*.` before `**.` at equal length."""
    covering = [pattern for pattern in patterns if covers(pattern, name)]
    return max(covering, key=lambda text: (text == name, text.count("."), not text.startswith("**")), default=None)


@holds(patterns=st.sets(PATTERNS, max_size=12), base=NAMES, label=LABELS)
def a_wildcard_of_a_certificate_stands_for_all_its_hosts(patterns: set[str], base: str, label: str) -> None:
    named = {policy.host for policy in Document.from_payload(about(patterns)).named(f"*.{base}")}
    first_labels = {pattern.removeprefix("**.").partition(".")[0] for pattern in patterns}
    possible = [f"{one}.{base}" for one in {label, "other", *first_labels} - {"*"}]
    assert named == {pattern for pattern in patterns for name in possible if covers(pattern, name)}


@holds(text=st.text() | NAMES | DAMAGED_TEXTS.map(lambda data: data.decode("utf-8", "replace")))
def a_normal_form_is_its_own_normal_form(text: str) -> None:
    try:
        found = hosts.normalize(text)
    except HostInvalid:
        return
    assert found.isascii()
    assert hosts.normalize(found) == found
    if hosts.is_pattern(found):
        assert hosts.matches(hosts.parse_pattern(found), text) is ("*" not in found)


@holds(text=st.text(alphabet="abAB.*-_:1é\n ", max_size=12) | PATTERNS)
def a_pattern_in_normal_form_is_read_and_any_other_refused(text: str) -> None:
    try:
        found = hosts.parse_pattern(text)
    except PatternInvalid:
        assert not hosts.is_pattern(text)
    else:
        assert found.wildcard + found.name == found.text == text
        assert hosts.normalize(found.name) == found.name


READ_BYTES: list[Callable[[bytes], object]] = [
    strictjson.loads,
    jws.split,
    lambda data: jws.read_header(data, "livepin+jws"),
    lambda data: keyset.parse(data, {}),
    Document.parse,
    lambda data: trust.verify(data, TRUST, NOW),
    PublicKey.from_spki,
    PublicKey.from_raw,
    b64url_decode,
    der.spki_of,
    der.san_names,
    der.check_spki,
]
READ_TEXT: list[Callable[[str], object]] = [
    jws.split,
    lambda text: trust.verify_held(text, TRUST),
    PublicKey.from_text,
    b64_decode,
    b64url_decode,
    der.pem_blocks,
    digests_of_pem,
    certificates_of_pem,
    hosts.normalize,
    hosts.parse_pattern,
]


@holds(data=st.binary() | JSON_TEXTS | DAMAGED_TEXTS | damaged_bytes(st.just(ISSUED.der)))
def bytes_and_text_of_any_kind_are_refused_at_most(data: bytes) -> None:
    for read in READ_BYTES:
        refused_at_most(read, data)
    for read_text in READ_TEXT:
        refused_at_most(read_text, data.decode("utf-8", "surrogateescape"))


@holds(text=st.text(max_size=20))
def text_of_any_kind_is_refused_at_most(text: str) -> None:
    for read_text in READ_TEXT:
        refused_at_most(read_text, text)


@holds(value=damaged(DOCUMENTS) | ANYTHING)
def values_of_any_kind_are_refused_at_most(value: Any) -> None:
    refused_at_most(Document.from_payload, value)


@holds(jwk=damaged(st.sampled_from([ANCHOR.jwk, signing.SECOND_ANCHOR.jwk])))
def keys_of_any_kind_are_refused_at_most(jwk: dict[str, Any]) -> None:
    refused_at_most(PublicKey.from_jwk, jwk)


WHOLE_KEYS = st.just(keys_payload(critical=[], refresh_keys=[], revoked=[]))


@holds(value=damaged(DOCUMENTS), keys=damaged(WHOLE_KEYS), head=damaged(st.just(header(ANCHOR, keys="x"))))
def what_a_thief_signs_with_the_right_key_is_refused_at_most(value: Any, keys: Any, head: Any) -> None:
    with contextlib.suppress(ValueError, TypeError):  # what JSON cannot write cannot arrive
        by_anchor = signing.jws(header(ANCHOR, "livepin-keys+jws"), compact(keys), ANCHOR)
        for text in (
            signing.jws(header(ANCHOR), compact(value), ANCHOR),
            signing.jws(header(SIGNING_KEY, keys=by_anchor), compact(value), SIGNING_KEY),
            signing.jws(compact(head), compact(value), ANCHOR),
        ):
            refused_at_most(trust.verify, text.encode(), TRUST, NOW)
            refused_at_most(trust.verify, text, TRUST, NOW, HELD)


HELD = trust.verify_held(DIRECT, TRUST)


@holds(
    value=DOCUMENTS,
    leaf=damaged_bytes(st.just(ISSUED.der)),
    name=st.none() | NAMES | st.text(max_size=9),
    flags=st.tuples(st.booleans(), st.booleans()),
)
def a_peer_with_any_certificate_is_judged_or_refused(
    value: dict[str, Any], leaf: bytes, name: str | None, flags: tuple[bool, bool]
) -> None:
    document, whole = Document.from_payload(value), ISSUED.chain_der
    for chain in ((leaf,), (leaf, *whole[1:]), (whole[0], leaf), whole, ()):
        peer = Peer(name, tuple(map(Certificate, chain)), *flags)
        refused_at_most(judge, document, peer, NOW)


LOGGED = with_scts(ONE, TWO)
LOGS = {"issued_at": NOW, "logs": [ONE.entry(), TWO.entry()]}
CT_ALONE = Document.from_payload(signing.payload(signing.host("a.com", ct={"action": "enforce"}), ct_logs=LOGS))


@holds(leaf=damaged_bytes(st.just(LOGGED[0].der)), delivery=st.sampled_from(Delivery), data=st.binary())
def a_logged_certificate_that_was_damaged_is_judged_or_refused(leaf: bytes, delivery: Delivery, data: bytes) -> None:
    delivered = (Delivered(delivery, data),)
    refused_at_most(judge, CT_ALONE, Peer("a.com", (Certificate(leaf), *LOGGED[1:]), delivered=delivered), NOW)


@pytest.mark.parametrize("name", PROPERTIES)
def test_it_holds(name: str) -> None:
    attempt(name, 100)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", PROPERTIES)
def test_it_holds_for_very_many(name: str) -> None:
    attempt(name, int(os.environ.get("LIVEPIN_EXAMPLES", "2000")))
