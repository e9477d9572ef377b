"""The payload of a document: the checks of V5, and its policies.

Everything is checked when a document arrives; policies become objects only when a host is looked up, because an
application asks for a handful of the ten thousand that a document may carry.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from livepin.core import hosts, strictjson
from livepin.core.base64s import b64_decode
from livepin.core.keyset import IDENTIFIER, TIME, text_member
from livepin.core.logs import Kind, LogList
from livepin.core.pins import DIGEST_MEMBERS, Pin, Position
from livepin.core.schema import TEXT, Fault, array, digest, each, integer, knows_critical, one_of, run, structure
from livepin.errors import DocumentRefused, EncodingInvalid, HostInvalid, JsonInvalid

FORMAT = 1
TYP = "livepin+jws"
MAX_HOSTS = 10_000
DEFAULT_REFRESH_AFTER = 600
MAX_REFRESH_AFTER = 86_400


class Action(StrEnum):
    """What a failed judgement of a host does."""

    ENFORCE = "enforce"
    REPORT = "report"
    OFF = "off"


class Unlisted(StrEnum):
    """What becomes of a host without a pattern."""

    ALLOW = "allow"
    REPORT = "report"
    BLOCK = "block"


class WhenExpired(StrEnum):
    """What a failure means once the document is out of date (J8)."""

    ENFORCE = "enforce"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class CtRule:
    """What a policy asks of Certificate Transparency (J7). `operators` and `logs` None: any log."""

    action: Action
    policy: str
    operators: frozenset[str] | None
    logs: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything a document says about one host pattern. `pins` None means: no `pins` member (J6).

    The rest follows from it, and is found once because handshakes ask for it. `needs_chain`: whether a verdict depends
    on more of a chain than its leaf, the document's `deny` aside. `moments`: where pins begin or end (Unix seconds).
    """

    host: str
    action: Action
    pins: tuple[Pin, ...] | None
    deny: frozenset[str]
    ct: CtRule
    rollout: int
    when_expired: WhenExpired
    needs_chain: bool = field(init=False, repr=False, compare=False)
    moments: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        pins = self.pins or ()
        above = self.deny or self.ct.action is not Action.OFF or any(pin.position is not Position.LEAF for pin in pins)
        object.__setattr__(self, "needs_chain", self.action is not Action.OFF and bool(above))
        ends = (moment for pin in pins for moment in (pin.start, pin.end) if moment is not None)
        object.__setattr__(self, "moments", tuple(ends))


SHA256, _SHA512 = digest(256), digest(512)

_PIN = structure(
    {
        "spki_sha256": SHA256,
        "spki_sha512": _SHA512,
        "cert_sha256": SHA256,
        "cert_sha512": _SHA512,
        "position": one_of("leaf", "ca", "any"),
        "from": TIME,
        "until": TIME,
    },
    at_most_one=frozenset(DIGEST_MEMBERS),
)


def _is_base64(value: Any) -> bool:
    try:
        b64_decode(value)
    except EncodingInvalid:
        return False
    return True


_LOG_MEMBERS = {
    "id": SHA256,
    "key": each(_is_base64, "canonical Base64"),
    "operator": TEXT,
    "kind": TEXT,
    "state": TEXT,
    "from": TIME,
    "until": TIME,
    "retired_at": TIME,
}
LOG_KINDS = frozenset(Kind)
_KNOWN_LOG = structure(_LOG_MEMBERS, required=("id", "key", "operator", "kind", "state"))


def _log(value: Any) -> bool:
    """A CT log; in one of unknown kind nothing but `critical` is checked."""
    if type(value) is not dict:
        return False
    text_member(value, "kind")
    if value["kind"] in LOG_KINDS:
        run(_KNOWN_LOG, value)
    return knows_critical(value, _LOG_MEMBERS)


_CT = structure(
    {
        "action": one_of("off", "report", "enforce"),
        "policy": one_of("chrome", "apple", "any"),
        "operators": array(TEXT),
        "logs": array(SHA256),
    }
)

_HOST = structure(
    {
        "host": each(hosts.is_pattern, hosts.PATTERN_FORM),
        "action": one_of("enforce", "report", "off"),
        "pins": array(_PIN),
        "deny": array(SHA256),
        "ct": _CT,
        "rollout": integer(0, 100),
        "when_expired": one_of("enforce", "allow"),
    },
    required=("host", "action"),
)

_CT_LOGS = structure({"issued_at": TIME, "logs": array(each(_log, "an object"))}, required=("issued_at", "logs"))

_DOCUMENT = structure(
    {
        "format": integer(FORMAT, FORMAT),
        "organization": IDENTIFIER,
        "project": IDENTIFIER,
        "serial": integer(1),
        "issued_at": TIME,
        "expires_at": TIME,
        "refresh_after": integer(1, MAX_REFRESH_AFTER),
        "extendable_until": TIME,
        "unlisted": one_of("allow", "report", "block"),
        "deny": array(SHA256),
        "hosts": array(_HOST, most=MAX_HOSTS, code="too_large"),
        "ct_logs": _CT_LOGS,
    },
    required=("format", "organization", "project", "serial", "issued_at", "expires_at", "hosts"),
)


class Document:
    """A payload that passed V5."""

    __slots__ = (
        "_ct_logs",
        "_patterns_below",
        "_policies",
        "deny",
        "expires_at",
        "extendable_until",
        "issued_at",
        "organization",
        "payload",
        "project",
        "refresh_after",
        "serial",
        "unlisted",
    )

    def __init__(self, payload: dict[str, Any], policies: dict[str, Any]) -> None:
        """For `parse` and `from_payload`, which check first."""
        self.payload = payload
        self._policies = policies
        self._patterns_below: Mapping[str, list[str]] | None = None
        self._ct_logs: LogList | None = None
        self.organization: str = payload["organization"]
        self.project: str = payload["project"]
        self.serial: int = payload["serial"]
        self.issued_at: int = payload["issued_at"]
        self.expires_at: int = payload["expires_at"]
        # How far a freshness statement may move the expiry (core/freshness.py).
        self.extendable_until: int = payload.get("extendable_until", self.expires_at)
        self.refresh_after: int = payload.get("refresh_after", DEFAULT_REFRESH_AFTER)
        self.unlisted = Unlisted(payload.get("unlisted", "allow"))
        self.deny: frozenset[str] = frozenset(payload.get("deny", ()))

    @classmethod
    def parse(cls, payload: bytes) -> Document:
        """Document of payload bytes. Raises `DocumentRefused` (V5)."""
        try:
            value = strictjson.loads(payload)
        except JsonInvalid as error:
            raise _refused("payload_invalid", error.message) from None
        return cls.from_payload(value)

    @classmethod
    def from_payload(cls, value: Any) -> Document:
        """Document of a value that came out of strict JSON. Raises `DocumentRefused` (V5)."""
        _check_format(value)
        try:
            run(_DOCUMENT, value)
        except Fault as fault:
            raise _refused(fault.code, f"{fault.where} {fault.why}".strip()) from None
        entries: list[dict[str, Any]] = value["hosts"]
        policies: dict[str, Any] = {entry["host"]: entry for entry in entries}
        if len(policies) != len(entries):
            raise _refused("payload_invalid", "hosts has one pattern twice")
        return cls(value, policies)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Texts of all host patterns, in the document's order."""
        return tuple(self._policies)

    def lookup(self, host: str) -> Policy | None:
        """Policy of the most specific pattern for a normalized host (J2), or None."""
        for candidate in hosts.candidates(host):
            if candidate in self._policies:
                return self.policy(candidate)
        return None

    def named(self, certificate_name: str) -> list[Policy]:
        """Policies of all hosts for which a name in a certificate (perhaps `*.example.com`) can stand."""
        label, _, above = certificate_name.partition(".")
        try:
            if "*" not in label:
                policy = self.lookup(hosts.normalize(certificate_name))
                return [] if policy is None else [policy]
            above = hosts.normalize(above)
        except HostInvalid:
            return []
        wildcards = (text for text in hosts.wildcards_below(above) if text in self._policies)
        return [self.policy(text) for text in (*wildcards, *self._below.get(above, ()))]

    @property
    def _below(self) -> Mapping[str, list[str]]:
        """Patterns of single names and of `**.`, by the name that is one label above theirs; made when first needed."""
        if self._patterns_below is None:
            below: dict[str, list[str]] = {}
            for text in self._policies:
                if not text.startswith(hosts.Wildcard.ONE_LABEL):
                    below.setdefault(text.removeprefix(hosts.Wildcard.ANY_DEPTH).partition(".")[2], []).append(text)
            self._patterns_below = below
        return self._patterns_below

    def policy(self, pattern: str) -> Policy:
        """Policy of one pattern by its text. Raises `KeyError` for a pattern that the document does not have."""
        found = self._policies[pattern]
        if type(found) is dict:
            found = self._policies[pattern] = _policy(found)
        policy: Policy = found
        return policy

    @property
    def ct_logs(self) -> LogList | None:
        """The logs of Certificate Transparency that it names; None where it names none. Made when first needed."""
        if self._ct_logs is None and "ct_logs" in self.payload:
            self._ct_logs = LogList.of(self.payload["ct_logs"])
        return self._ct_logs

    def policies(self) -> Iterator[Policy]:
        """All policies, in the document's order."""
        return (self.policy(pattern) for pattern in self._policies)


def _check_format(value: Any) -> None:
    """Before all else: of another format not even the other members' names are known."""
    number = value.get("format") if type(value) is dict else None
    if type(number) is int and number != FORMAT:
        raise _refused("unsupported_format", f"it has format {number}; this version reads format {FORMAT}")


def _refused(code: str, why: str) -> DocumentRefused:
    return DocumentRefused(code, "V5", f"the payload is refused: {why}")


def _policy(entry: Mapping[str, Any]) -> Policy:
    ct = entry.get("ct", {})
    pins = entry.get("pins")
    return Policy(
        host=entry["host"],
        action=Action(entry["action"]),
        pins=None if pins is None else tuple(_pins(pins)),
        deny=frozenset(entry.get("deny", ())),
        ct=CtRule(Action(ct.get("action", "off")), ct.get("policy", "any"), _set(ct, "operators"), _set(ct, "logs")),
        rollout=entry.get("rollout", 100),
        when_expired=WhenExpired(entry.get("when_expired", "enforce")),
    )


def _set(ct: Mapping[str, Any], member: str) -> frozenset[str] | None:
    return frozenset(ct[member]) if member in ct else None


def _pins(entries: list[dict[str, Any]]) -> Iterator[Pin]:
    """The pins that can match: one with no digest of a known kind never does, and is left out."""
    for entry in entries:
        for member in entry.keys() & set(DIGEST_MEMBERS):
            position = Position(entry.get("position", "leaf"))
            yield Pin(member, entry[member], position, entry.get("from"), entry.get("until"))


def serialize(payload: Mapping[str, Any]) -> bytes:
    """The bytes that are signed for a payload: sorted members, no white space, UTF-8."""
    return json.dumps(payload, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode("utf-8")
