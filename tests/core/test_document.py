"""The payload of a document: V5, and the policies that it holds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from livepin.core.document import (
    DEFAULT_REFRESH_AFTER,
    MAX_HOSTS,
    Action,
    CtRule,
    Document,
    Policy,
    Unlisted,
    WhenExpired,
    serialize,
)
from livepin.core.pins import Pin, Position
from livepin.errors import DocumentRefused
from tests.core.signing import DIGEST, ISSUED_AT, OTHER_DIGEST, WIDE_DIGEST, compact, host, payload, without

PIN = {"spki_sha256": DIGEST}
LOG = {"id": DIGEST, "key": "AAAA", "operator": "Op", "kind": "rfc6962", "state": "usable"}


def document(*hosts: Any, **members: Any) -> Document:
    return Document.parse(compact(payload(*hosts, **members)))


def refusal(value: object) -> tuple[str, str]:
    with pytest.raises(DocumentRefused) as refused:
        Document.parse(value if isinstance(value, bytes) else compact(value))
    assert refused.value.step == "V5"
    return refused.value.code, refused.value.message.removeprefix("the payload is refused: ")


def test_the_least_that_a_document_says_has_defaults() -> None:
    found = document(host())
    assert (found.organization, found.project, found.serial) == ("acme", "shop", 7)
    assert (found.issued_at, found.expires_at) == (ISSUED_AT, ISSUED_AT + 30 * 86_400)
    assert (found.refresh_after, found.unlisted, found.deny) == (DEFAULT_REFRESH_AFTER, Unlisted.ALLOW, frozenset())
    no_rule = CtRule(Action.OFF, "any", None, None)
    least = Policy("api.example.com", Action.ENFORCE, None, frozenset(), no_rule, 100, WhenExpired.ENFORCE)
    assert list(found.policies()) == [least]


def test_everything_that_a_document_may_say_is_read() -> None:
    entry = host(
        "*.example.com",
        {"spki_sha256": DIGEST, "position": "leaf", "from": 1, "until": 2},
        {"spki_sha512": WIDE_DIGEST, "position": "ca"},
        {"cert_sha256": DIGEST, "position": "any"},
        {"cert_sha512": WIDE_DIGEST},
        action="report",
        deny=[OTHER_DIGEST],
        ct={"action": "report", "policy": "chrome", "operators": ["Op"], "logs": [DIGEST]},
        rollout=10,
        when_expired="allow",
    )
    ct_logs = {"issued_at": ISSUED_AT, "logs": [LOG]}
    members = {"unlisted": "block", "deny": [DIGEST], "refresh_after": 60, "extendable_until": 1, "ct_logs": ct_logs}
    found = document(entry, **members)
    pins = (
        Pin("spki_sha256", DIGEST, Position.LEAF, 1, 2),
        Pin("spki_sha512", WIDE_DIGEST, Position.CA),
        Pin("cert_sha256", DIGEST, Position.ANY),
        Pin("cert_sha512", WIDE_DIGEST),
    )
    rule = CtRule(Action.REPORT, "chrome", frozenset({"Op"}), frozenset({DIGEST}))
    expected = Policy("*.example.com", Action.REPORT, pins, frozenset({OTHER_DIGEST}), rule, 10, WhenExpired.ALLOW)
    assert found.policy("*.example.com") == expected
    assert (found.refresh_after, found.unlisted, found.deny) == (60, Unlisted.BLOCK, frozenset({DIGEST}))
    assert found.payload["ct_logs"] == ct_logs


def test_a_pin_of_an_unknown_kind_never_matches_but_the_member_is_there() -> None:
    found = document(host("a", {"spki_sha3": "x"}), {**host("b"), "pins": []})
    assert [policy.pins for policy in found.policies()] == [(), ()]


@pytest.mark.parametrize("name", ["format", "organization", "project", "serial", "issued_at", "expires_at", "hosts"])
def test_every_required_member_is_required(name: str) -> None:
    assert refusal(without(payload(), name)) == ("payload_invalid", f"lacks the member {name}")


@pytest.mark.parametrize("number", [0, 2, 1000, -1])
def test_another_format_is_said_to_be_one(number: int) -> None:
    code, message = refusal({"format": number, "hosts": 5})
    assert code == "unsupported_format"
    assert f"format {number}" in message


@pytest.mark.parametrize("number", ["1", True, [1], {}])
def test_a_format_that_is_no_number_is_a_fault(number: object) -> None:
    assert refusal({**payload(), "format": number}) == ("payload_invalid", "format is not an integer from 1 to 1")


@pytest.mark.parametrize("data", [b"", b"[]", b"5", b'"x"', b"\xff", b"{}{}", b'{"format":1,"format":1}'])
def test_a_payload_is_a_strict_json_object(data: bytes) -> None:
    assert refusal(data)[0] == "payload_invalid"


@pytest.mark.parametrize(
    ("members", "where"),
    [
        ({"organization": "a" * 65}, "organization"),
        ({"organization": ""}, "organization"),
        ({"organization": "é"}, "organization"),
        ({"project": ".shop"}, "project"),
        ({"serial": 0}, "serial"),
        ({"serial": True}, "serial"),
        ({"serial": "7"}, "serial"),
        ({"issued_at": -1}, "issued_at"),
        ({"expires_at": []}, "expires_at"),
        ({"refresh_after": 0}, "refresh_after"),
        ({"refresh_after": 86_401}, "refresh_after"),
        ({"extendable_until": "later"}, "extendable_until"),
        ({"unlisted": "enforce"}, "unlisted"),
        ({"unlisted": ["allow"]}, "unlisted"),
        ({"deny": DIGEST}, "deny"),
        ({"deny": [DIGEST[:-1]]}, "deny[0]"),
        ({"deny": [DIGEST, DIGEST.rstrip("=")]}, "deny[1]"),
        ({"hosts": {}}, "hosts"),
        ({"hosts": ["api.example.com"]}, "hosts[0]"),
        ({"ct_logs": []}, "ct_logs"),
        ({"ct_logs": {"logs": []}}, "ct_logs"),
        ({"ct_logs": {"issued_at": 1}}, "ct_logs"),
        ({"ct_logs": {"issued_at": 1, "logs": [LOG, 5]}}, "ct_logs.logs[1]"),
        ({"ct_logs": {"issued_at": 1, "logs": [without(LOG, "kind")]}}, "ct_logs.logs[0] lacks the member kind"),
        ({"ct_logs": {"issued_at": 1, "logs": [{**LOG, "kind": 5}]}}, "ct_logs.logs[0].kind"),
        ({"ct_logs": {"issued_at": 1, "logs": [{**LOG, "key": "A"}]}}, "ct_logs.logs[0].key"),
        ({"ct_logs": {"issued_at": 1, "logs": [{**LOG, "key": 5}]}}, "ct_logs.logs[0].key"),
        ({"ct_logs": {"issued_at": 1, "logs": [{**LOG, "id": WIDE_DIGEST}]}}, "ct_logs.logs[0].id"),
        ({"ct_logs": {"issued_at": 1, "logs": [{**LOG, "retired_at": -1}]}}, "ct_logs.logs[0].retired_at"),
        ({"ct_logs": {"issued_at": 1, "logs": [{**LOG, "critical": 5}]}}, "ct_logs.logs[0].critical"),
    ],
    ids=str,
)  # fmt: skip
def test_a_fault_in_a_member_is_named(members: dict[str, Any], where: str) -> None:
    code, message = refusal(payload(**members))
    assert (code, message[: len(where)]) == ("payload_invalid", where)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"host": "API.example.com"}, "hosts[1].host"),
        ({"host": "*"}, "hosts[1].host"),
        ({"host": 5}, "hosts[1].host"),
        ({"action": "block"}, "hosts[1].action"),
        ({"action": "Enforce"}, "hosts[1].action"),
        ({"action": {}}, "hosts[1].action"),
        ({"pins": PIN}, "hosts[1].pins"),
        ({"pins": [DIGEST]}, "hosts[1].pins[0]"),
        ({"pins": [PIN, {"spki_sha256": DIGEST + "="}]}, "hosts[1].pins[1].spki_sha256"),
        ({"pins": [{"spki_sha256": "A" * 42 + "B="}]}, "hosts[1].pins[0].spki_sha256"),
        ({"pins": [{"spki_sha256": WIDE_DIGEST}]}, "hosts[1].pins[0].spki_sha256"),
        ({"pins": [{"cert_sha512": DIGEST}]}, "hosts[1].pins[0].cert_sha512"),
        ({"pins": [{"spki_sha512": "A" * 85 + "B=="}]}, "hosts[1].pins[0].spki_sha512"),
        ({"pins": [{"spki_sha256": DIGEST + "\n"}]}, "hosts[1].pins[0].spki_sha256"),
        ({"pins": [{**PIN, "cert_sha256": DIGEST}]}, "hosts[1].pins[0] has more than one of"),
        ({"pins": [{**PIN, "position": "root"}]}, "hosts[1].pins[0].position"),
        ({"pins": [{**PIN, "from": "1"}]}, "hosts[1].pins[0].from"),
        ({"pins": [{**PIN, "until": 2**53}]}, "the number 9007199254740992 is outside"),
        ({"deny": [1]}, "hosts[1].deny[0]"),
        ({"ct": []}, "hosts[1].ct"),
        ({"ct": {"action": "block"}}, "hosts[1].ct.action"),
        ({"ct": {"policy": "mozilla"}}, "hosts[1].ct.policy"),
        ({"ct": {"operators": [5]}}, "hosts[1].ct.operators[0]"),
        ({"ct": {"logs": ["x"]}}, "hosts[1].ct.logs[0]"),
        ({"rollout": 101}, "hosts[1].rollout"),
        ({"rollout": -1}, "hosts[1].rollout"),
        ({"rollout": "10"}, "hosts[1].rollout"),
        ({"when_expired": "block"}, "hosts[1].when_expired"),
    ],
    ids=str,
)  # fmt: skip
def test_a_fault_in_a_host_is_named(changes: dict[str, Any], where: str) -> None:
    code, message = refusal(payload(host("first"), {**host("second"), **changes}))
    assert (code, message[: len(where)]) == ("payload_invalid", where)


@pytest.mark.parametrize("name", ["host", "action"])
def test_a_host_needs_a_pattern_and_an_action(name: str) -> None:
    assert refusal(payload(without(host(), name))) == ("payload_invalid", f"hosts[0] lacks the member {name}")


def test_a_pattern_occurs_once() -> None:
    assert refusal(payload(host("a"), host("b"), host("a")))[0] == "payload_invalid"
    assert document(host("a"), host("*.a"), host("**.a")).hosts == ("a", "*.a", "**.a")


def test_ten_thousand_patterns_are_read_and_one_more_is_not() -> None:
    hosts = [host(f"h{number}.example.com") for number in range(MAX_HOSTS)]
    assert len(document(*hosts).hosts) == 10_000
    assert refusal(payload(*hosts, host("one.more")))[0] == "too_large"


def test_the_pins_of_a_host_have_no_number_of_their_own() -> None:
    pins = document(host("a", *[PIN] * 20_000)).policy("a").pins
    assert pins is not None
    assert len(pins) == 20_000


CRITICAL = {
    "": lambda critical: payload(**critical),
    "hosts[0]": lambda critical: payload({**host(), **critical}),
    "hosts[0].pins[0]": lambda critical: payload(host("a", {**PIN, **critical})),
    "hosts[0].ct": lambda critical: payload(host(ct=critical)),
    "ct_logs": lambda critical: payload(ct_logs={"issued_at": 1, "logs": [], **critical}),
    "ct_logs.logs[0]": lambda critical: payload(ct_logs={"issued_at": 1, "logs": [{**LOG, **critical}]}),
    "ct_logs.logs[1]": lambda critical: payload(ct_logs={"issued_at": 1, "logs": [LOG, {"kind": "new", **critical}]}),
}


@pytest.mark.parametrize("place", CRITICAL)
def test_critical_is_obeyed_in_every_object(place: str) -> None:
    where = f"{place}.critical".lstrip(".")
    assert refusal(CRITICAL[place]({"critical": ["colour"]})) == (
        "critical_unknown",
        f"{where} demands the unknown member 'colour'",
    )
    assert refusal(CRITICAL[place]({"critical": "colour"}))[0] == "payload_invalid"
    Document.parse(compact(CRITICAL[place]({"critical": ["critical"]})))


def test_unknown_members_are_ignored_wherever_they_stand() -> None:
    new = {"new": [{"critical": ["x"]}, {"position": "nowhere"}]}
    entry = {**host("a", {**PIN, **new}, ct=new), **new}
    assert document(entry, ct_logs={"issued_at": 1, "logs": [{**LOG, **new}], **new}, **new).hosts == ("a",)


def test_a_log_of_an_unknown_kind_is_skipped_whatever_else_it_says() -> None:
    logs = [{"kind": "new", "id": 5, "key": [], "state": {}}, {**LOG, "state": "new"}, {**LOG, "kind": "static"}]
    assert len(document(ct_logs={"issued_at": 1, "logs": logs}).payload["ct_logs"]["logs"]) == 3


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("api.example.com", "api.example.com"),
        ("www.example.com", "*.example.com"),
        ("example.com", "**.example.com"),
        ("a.b.example.com", "**.b.example.com"),
        ("b.example.com", "**.b.example.com"),
        ("a.c.example.com", "**.example.com"),
        ("example.net", None),
        ("192.0.2.1", "192.0.2.1"),
        ("9.192.0.2.1", None),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
def test_the_most_specific_pattern_wins(name: str, pattern: str | None) -> None:
    patterns = ["**.example.com", "*.example.com", "api.example.com", "**.b.example.com", "192.0.2.1", "2001:db8::1"]
    for order in (patterns, patterns[::-1]):
        found = document(*map(host, order)).lookup(name)
        assert (found and found.host) == pattern


@pytest.mark.parametrize(
    ("name", "patterns"),
    [
        ("api.example.com", ["api.example.com"]),
        ("www.example.com", ["*.example.com"]),
        ("*.example.com", ["*.example.com", "**.example.com", "api.example.com", "**.b.example.com"]),
        ("w*.example.com", ["*.example.com", "**.example.com", "api.example.com", "**.b.example.com"]),
        ("*.b.example.com", ["**.b.example.com", "**.example.com", "*.b.example.com"]),
        ("*.api.example.com", ["**.example.com"]),
        ("*.com", ["**.example.com"]),
        ("*.0.2.1", ["192.0.2.1"]),
        ("*.example.net", []),
        ("a.*.example.com", []),
        ("*", []),
        ("*.", []),
        ("*.a..b", []),
        ("", []),
        ("\ufffd.example.com", []),
    ],
)
def test_a_name_in_a_certificate_can_stand_for_the_hosts_of_many_patterns(name: str, patterns: list[str]) -> None:
    texts = ["**.example.com", "*.example.com", "api.example.com", "**.b.example.com", "*.b.example.com", "192.0.2.1"]
    found = document(*map(host, texts))
    assert sorted(policy.host for policy in found.named(name)) == sorted(patterns)
    assert found.named(name) == found.named(name)


def test_a_policy_is_made_when_it_is_asked_for_and_then_kept() -> None:
    found = document(host("a", PIN), host("b"))
    assert found.lookup("a") is found.policy("a")
    with pytest.raises(KeyError):
        found.policy("c")


def test_what_is_signed_is_compact_and_sorted_and_reads_back() -> None:
    value = payload(host("a", PIN), new="é")
    data = serialize(value)
    assert json.loads(data) == value
    assert b" " not in data
    assert "é".encode() in data
    assert data.startswith(b'{"expires_at":')
    assert Document.parse(data).payload == value
