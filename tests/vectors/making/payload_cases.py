"""V5: types, ranges, limits and `critical` of a document's payload. Every one is signed as it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.vectors.making.cases import Case, Json, any_of, refused
from tests.vectors.making.keys import ANNA, b64
from tests.vectors.making.writer import (
    ABSENT,
    BACKUP_PIN,
    HOST,
    ISSUED,
    LONG_DIGEST,
    NOW,
    PIN,
    accepted,
    arrival,
    changed,
    document,
    document_payload,
)

PAYLOAD_INVALID = refused("V5", "payload_invalid")
CRITICAL_UNKNOWN = refused("V5", "critical_unknown")
TOO_LARGE = refused("V5", "too_large")
MAXIMUM = 2**53 - 1


def _host(**changes: Any) -> Json:
    return {"hosts": [changed(HOST, changes)]}


def _pin(**pin: Any) -> Json:
    return _host(pins=[pin, {"spki_sha256": BACKUP_PIN}])


def _pattern(text: Any) -> Json:
    return _host(host=text)


def _ct(**members: Any) -> Json:
    return _host(ct=members)


def _log(**changes: Any) -> Json:
    usual = {"id": b64(b"l" * 32), "key": b64(ANNA.spki), "operator": "Example", "kind": "rfc6962", "state": "usable"}
    return {"ct_logs": {"issued_at": ISSUED, "logs": [changed(usual, changes)]}}


_SKIPPED_LOG = {"kind": "merkle-mountain", "roots": 7}

_REFUSED: list[tuple[str, str, Json]] = [
    ("no-organization", "No `organization`", {"organization": ABSENT}),
    ("no-project", "No `project`: a document for everything", {"project": ABSENT}),
    ("no-serial", "No `serial`", {"serial": ABSENT}),
    ("no-issued-at", "No `issued_at`", {"issued_at": ABSENT}),
    ("no-expires-at", "No `expires_at`: a document that lasts for ever", {"expires_at": ABSENT}),
    ("no-hosts", "No `hosts`", {"hosts": ABSENT}),
    ("organization-number", "`organization` as a number", {"organization": 7}),
    ("serial-0", "Serial 0", {"serial": 0}),
    ("serial-negative", "A negative serial", {"serial": -1}),
    ("serial-true", "`true` is not 1", {"serial": True}),
    ("serial-string", "A serial in a string", {"serial": "7"}),
    ("issued-at-negative", "A date of issue before 1970", {"issued_at": -1}),
    ("expires-at-string", "`expires_at` in a string", {"expires_at": "1792592000"}),
    ("refresh-after-0", "`refresh_after` 0", {"refresh_after": 0}),
    ("refresh-after-86401", "`refresh_after` of more than a day", {"refresh_after": 86_401}),
    ("extendable-until-string", "`extendable_until` is reserved and a time already", {"extendable_until": "later"}),
    ("unlisted-unknown", "`unlisted` with a value nobody knows", {"unlisted": "deny"}),
    ("unlisted-letter-case", "`unlisted` in other letters", {"unlisted": "Block"}),
    ("deny-one-digest", "`deny` as one string", {"deny": PIN}),
    ("deny-not-canonical", "A denied digest whose last character sets bits that carry nothing",
     {"deny": [PIN[:-2] + chr(ord(PIN[-2]) + 1) + "="]}),
    ("deny-hex", "A denied digest in hex", {"deny": [PIN.encode().hex()[:64]]}),
    ("deny-short", "A denied digest of 31 bytes", {"deny": [b64(b"d" * 31)]}),
    ("hosts-object", "`hosts` as an object", {"hosts": {"api.example.com": {"action": "enforce"}}}),
    ("host-string", "A pattern alone in place of its object", {"hosts": ["api.example.com"]}),
    ("host-without-pattern", "An entry of `hosts` without `host`", _host(host=ABSENT)),
    ("host-without-action", "An entry of `hosts` without `action`", _host(action=ABSENT)),
    ("action-unknown", "An `action` nobody knows", _host(action="warn")),
    ("pins-object", "`pins` as an object", _host(pins={"spki_sha256": PIN})),
    ("pin-string", "A digest alone in place of a pin", _host(pins=[PIN])),
    ("pin-two-digests", "A pin with two known digests", _pin(spki_sha256=PIN, cert_sha256=PIN)),
    ("pin-not-canonical", "A digest whose last character sets bits that carry nothing",
     _pin(spki_sha256=PIN[:-2] + chr(ord(PIN[-2]) + 1) + "=")),
    ("pin-unpadded", "A digest without padding", _pin(spki_sha256=PIN.rstrip("="))),
    ("pin-url-alphabet", "A digest in the alphabet of base64url",
     _pin(spki_sha256=b64(b"\xfb" * 32).replace("+", "-"))),
    ("pin-newline", "A line feed after a digest", _pin(spki_sha256=PIN + "\n")),
    ("pin-prefixed", "A digest with its name before it", _pin(spki_sha256="sha256/" + PIN)),
    ("pin-empty", "An empty digest", _pin(spki_sha256="")),
    ("pin-sha256-of-64-bytes", "`spki_sha256` with a SHA-512 digest", _pin(spki_sha256=LONG_DIGEST)),
    ("pin-sha512-of-32-bytes", "`spki_sha512` with a SHA-256 digest", _pin(spki_sha512=PIN)),
    ("pin-array", "Two digests in an array", _pin(spki_sha256=[PIN, BACKUP_PIN])),
    ("position-unknown", "A `position` nobody knows", _pin(spki_sha256=PIN, position="root")),
    ("from-negative", "A window from before 1970", _pin(spki_sha256=PIN, **{"from": -1})),
    ("until-null", "A window without end, written as `null`", _pin(spki_sha256=PIN, until=None)),
    ("until-date", "A window's end as a date", _pin(spki_sha256=PIN, until="2027-01-01")),
    ("rollout-101", "`rollout` 101", _host(rollout=101)),
    ("rollout-negative", "`rollout` -1", _host(rollout=-1)),
    ("rollout-string", "`rollout` with a percent sign", _host(rollout="50%")),
    ("when-expired-unknown", "A `when_expired` nobody knows", _host(when_expired="report")),
    ("ct-true", "`ct` as a mere `true`", _host(ct=True)),
    ("ct-action-unknown", "A `ct.action` nobody knows", _ct(action="require")),
    ("ct-policy-unknown", "A `ct.policy` nobody knows", _ct(action="enforce", policy="mozilla")),
    ("ct-operators-string", "`ct.operators` as one string", _ct(action="enforce", operators="Example")),
    ("ct-logs-numbers", "`ct.logs` with a number", _ct(action="enforce", logs=[1])),
    ("ct-logs-array", "`ct_logs` as an array", {"ct_logs": []}),
    ("ct-logs-undated", "`ct_logs` without its date of issue", {"ct_logs": {"logs": []}}),
    ("log-without-state", "A log of known kind without `state`", _log(state=ABSENT)),
    ("log-without-key", "A log of known kind without `key`", _log(key=ABSENT)),
    ("log-id-number", "A log of known kind whose `id` is a number", _log(id=7)),
    ("log-key-garbage", "A log of known kind whose key is not Base64", _log(key="no key!")),
    ("log-string", "A name in place of a log", {"ct_logs": {"issued_at": ISSUED, "logs": ["Example"]}}),
    ("critical-string", "`critical` as one string", {"critical": "serial"}),
    ("critical-number", "A number in `critical`", {"critical": [1]}),
]  # fmt: skip

_REFUSED_PATTERNS: list[tuple[str, str, Any]] = [
    ("upper-case", "A pattern in upper case", "API.example.com"),
    ("trailing-dot", "A pattern with a trailing dot", "api.example.com."),
    ("not-ascii", "A pattern that is not ASCII", "b\u00fccher.example"),
    ("empty", "An empty pattern", ""),
    ("empty-label", "A pattern with an empty label", "api..example.com"),
    ("leading-dot", "A pattern with a dot first", ".example.com"),
    ("star-alone", "`*` alone", "*"),
    ("two-stars-alone", "`**` alone", "**"),
    ("star-within", "A star in the middle", "api.*.example.com"),
    ("star-partial", "A star for a part of a label", "api-*.example.com"),
    ("star-twice", "`*.` twice", "*.*.example.com"),
    ("three-stars", "Three stars", "***.example.com"),
    ("star-without-dot", "A star without its dot", "*example.com"),
    ("wildcard-on-ipv4", "A wildcard on an IPv4 address", "*.192.0.2.1"),
    ("wildcard-on-ipv6", "A wildcard on an IPv6 address", "*.2001:db8::1"),
    ("ipv6-upper-case", "An IPv6 address in upper case", "2001:DB8::1"),
    ("ipv6-long", "An IPv6 address that is not shortened", "2001:db8:0:0:0:0:0:1"),
    ("ipv6-one-zero-group", "An IPv6 address in which `::` stands for one group", "2001:db8::1:1:1:1:1"),
    ("ipv6-mapped-hex", "A mapped IPv6 address without the mixed form", "::ffff:c000:201"),
    ("ipv6-brackets", "An IPv6 address in brackets", "[2001:db8::1]"),
    ("port", "A pattern with a port", "api.example.com:443"),
    ("url", "A URL in place of a pattern", "https://api.example.com/"),
    ("space", "A pattern with a space at its end", "api.example.com "),
    ("label-of-64", "A label of 64 characters", "a" * 64 + ".example.com"),
    ("name-of-254", "A name of 254 characters", ".".join(["a" * 49] * 5) + ".info"),
    ("number", "A number in place of a pattern", 7),
]

_QUORUM = {"critical": ["quorum"]}
_CRITICAL: list[tuple[str, str, Json]] = [
    ("document", "`critical` of the document", _QUORUM),
    ("document-present", "`critical` names a member that is there and that nobody knows", {**_QUORUM, "quorum": 2}),
    ("host", "`critical` of a host", _host(**_QUORUM)),
    ("host-off", "`critical` of a host that is off", _host(action="off", **_QUORUM)),
    ("pin", "`critical` of a pin", _pin(spki_sha256=PIN, **_QUORUM)),
    ("pin-without-known-digest", "`critical` of a pin that never matches",
     _pin(spki_blake3=PIN, critical=["spki_blake3"])),
    ("ct", "`critical` of `ct`", _ct(action="off", **_QUORUM)),
    ("ct-logs", "`critical` of `ct_logs`", {"ct_logs": {"issued_at": ISSUED, "logs": [], **_QUORUM}}),
    ("log", "`critical` of a log", _log(**_QUORUM)),
    ("log-skipped", "`critical` of a log of unknown kind",
     {"ct_logs": {"issued_at": ISSUED, "logs": [{**_SKIPPED_LOG, "critical": ["roots"]}]}}),
    ("member-of-outer-object", "A member of the document, not of the host", _host(critical=["serial"])),
    ("member-of-inner-object", "A member of hosts, not of the document", {"critical": ["pins"]}),
]  # fmt: skip

_ACCEPTED: list[tuple[str, str, Json]] = [
    ("unknown-members", "Members nobody knows, in every object",
     {"note": "", "hosts": [{**HOST, "note": [{}], "pins": [{"spki_sha256": PIN, "note": True}], "ct": {"note": -1}}]}),
    ("critical-known", "`critical` names known members, present and absent, in every object",
     {"critical": ["hosts", "ct_logs", "extendable_until"],
      "hosts": [{**HOST, "critical": ["when_expired"], "ct": {"critical": ["policy"]},
                 "pins": [{"spki_sha256": PIN, "critical": ["from", "cert_sha512"]}]}]}),
    ("critical-empty", "An empty `critical`", {"critical": []}),
    ("critical-below-unknown", "Objects under unknown members are not looked into",
     {"note": {"critical": ["quorum"], "hosts": [{"critical": "quorum"}]}}),
    ("pin-unknown-digest", "A pin with an unknown digest alone never matches, and is accepted", _pin(spki_blake3="?")),
    ("pin-known-and-unknown-digest", "An unknown digest beside a known one is an unknown member",
     _pin(spki_sha256=PIN, spki_blake3="?")),
    ("pins-empty", "An empty list of pins matches nothing, and is accepted", _host(pins=[])),
    ("pins-absent", "A host without `pins`", _host(pins=ABSENT, deny=[PIN])),
    ("window-backwards", "A window that ends before it begins: no reader checks the order",
     _pin(spki_sha256=PIN, **{"from": NOW, "until": NOW - 1})),
    ("serial-maximum", "The greatest serial, 2^53-1", {"serial": MAXIMUM}),
    ("serial-1", "The smallest serial", {"serial": 1}),
    ("refresh-after-1", "The smallest `refresh_after`", {"refresh_after": 1}),
    ("refresh-after-86400", "The greatest `refresh_after`", {"refresh_after": 86_400}),
    ("rollout-bounds", "`rollout` 0 and 100",
     {"hosts": [{**HOST, "rollout": 0}, {**HOST, "host": "b.example", "rollout": 100}]}),
    ("log-unknown-kind", "A log of unknown kind is skipped, whatever it lacks",
     {"ct_logs": {"issued_at": ISSUED, "logs": [_SKIPPED_LOG]}}),
    ("log-unknown-state", "A log of unknown state never counts, and is accepted", _log(state="dreaming")),
    ("pattern-public-suffix", "A wildcard on a public suffix: publishing refuses it, reading does not",
     _pattern("*.com")),
    ("pattern-underscore", "Underscores and hyphens at the edges of labels", _pattern("_dmarc.-a-.example.com")),
    ("pattern-one-label", "A name of one label", _pattern("localhost")),
    ("pattern-a-label", "An A-label", _pattern("xn--bcher-kva.example")),
    ("pattern-ipv4", "An IPv4 address", _pattern("192.0.2.1")),
    ("pattern-ipv6", "An IPv6 address in the form of RFC 5952", _pattern("2001:db8::1")),
    ("pattern-ipv6-mapped", "A mapped IPv6 address in the mixed form", _pattern("::ffff:192.0.2.1")),
    ("pattern-label-of-63", "A label of 63 characters", _pattern("a" * 63 + ".example.com")),
    ("pattern-name-of-253", "A name of 253 characters", _pattern(".".join(["a" * 49] * 5) + ".com")),
    ("pattern-three-kinds", "The three kinds of pattern on one name are three patterns",
     {"hosts": [{"host": star + "example.com", "action": "off"} for star in ("", "*.", "**.")]}),
]  # fmt: skip


def _case(name: str, about: str, changes: Json, expect: Json) -> Case:
    return arrival(f"payload-{name}", f"{about}.", "V5", document(document_payload(**changes)), expect)


def _limit_cases() -> Iterator[Case]:
    def named(count: int) -> Json:
        return {"hosts": [{"host": f"h{number}", "action": "off"} for number in range(count)]}

    about = "One host pattern more than 10,000"
    yield _case("10001-hosts", about, named(10_001), TOO_LARGE)
    most = document(document_payload(**named(10_000)))
    yield arrival("payload-10000-hosts", "As many host patterns as there may be.", "V5", most, accepted(most))
    repeated = {"hosts": [HOST, {"host": "b.example", "action": "off"}, {**HOST, "action": "off"}]}
    yield _case("pattern-repeated", "One pattern twice", repeated, PAYLOAD_INVALID)
    pins = [{"spki_sha256": b64(number.to_bytes(32, "big"))} for number in range(300)]
    signed = document(document_payload(**_host(pins=pins)))
    yield arrival("payload-300-pins", "A host with 300 pins.", "V5", signed, accepted(signed))


def _format_cases() -> Iterator[Case]:
    unsupported = "unsupported_format"
    yield _case("format-2", "Format 2", {"format": 2}, refused("V5", unsupported))
    about = "Format 2 with none of the members of format 1 but the audience"
    bare = dict.fromkeys(("serial", "issued_at", "expires_at", "hosts"), ABSENT)
    yield _case("format-2-other-members", about, {**bare, "format": 2}, refused("V5", unsupported))
    either = refused("V5", any_of(unsupported, "payload_invalid"))
    for name, about, value in (
        ("format-absent", "No `format`", ABSENT),
        ("format-0", "Format 0", 0),
        ("format-string", "Format 1 in a string", "1"),
        ("format-true", "`true` is not format 1", True),
    ):
        yield _case(name, about, {"format": value}, either)


def all_cases() -> Iterator[Case]:
    for name, about, changes in _REFUSED:
        yield _case(name, about, changes, PAYLOAD_INVALID)
    for name, about, pattern in _REFUSED_PATTERNS:
        yield _case(f"pattern-{name}", about, _pattern(pattern), PAYLOAD_INVALID)
    for name, about, changes in _CRITICAL:
        yield _case(f"critical-in-{name}", about, changes, CRITICAL_UNKNOWN)
    for name, about, changes in _ACCEPTED:
        signed = document(document_payload(**changes))
        expect = accepted(signed, serial=changes.get("serial", 7))
        yield arrival(f"payload-{name}", f"{about}.", "V5", signed, expect)
    yield from _limit_cases()
    yield from _format_cases()
