"""Lists of logs that others publish, as they publish them: Chrome's (version 3) and Apple's.

They are material for a person who reviews them, never a source that anything follows: what they say is turned into a
`LogTable` by `ct_import`, and only then. Members that nobody knows are ignored; an entry that cannot be used is left
out, and told.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from livepin.author.ct_logs import STATES, LogEntry, Source, log_id, why_not
from livepin.core.logs import MIMICS
from livepin.errors import InputInvalid

#: The real ones have less than a tenth of it.
MAX_LIST = 16 * 1024 * 1024

_LEAST_BITS = 2048
_QUOTED = re.compile(r"'([^']+)'(?:\s+(?:CT )?log)?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ForeignList:
    """A list as published. `logs` are entries whose `operator` is the name that this list gives it.

    `issued_at` (Unix seconds) is None where the list does not say it; `known_at` is the newest change of state that it
    tells of: it cannot be older than that. `notes`: what was left out and why, for people. `mimics`: whether it names
    logs that stand there to be found by programs it is not meant for.
    """

    source: Source
    version: str
    issued_at: int | None
    known_at: int
    logs: tuple[LogEntry, ...]
    notes: tuple[str, ...] = ()
    mimics: bool = False

    @property
    def operators(self) -> tuple[str, ...]:
        """Names of the operators, in the list's order."""
        return tuple(dict.fromkeys(one.operator for one in self.logs))


def check_signature(data: bytes, signature: bytes, public_key: bytes) -> str:
    """SPKI SHA-256 of the key that signed a list: RSA, PKCS#1 v1.5, SHA-256, over the bytes as they were fetched.

    `public_key`: PEM or DER. Raises `InputInvalid` (`key_invalid`, `ct_list_signature`).
    """
    key = _rsa_key(public_key)
    try:
        key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        message = "the signature is not this key's over this file"
        raise InputInvalid("ct_list_signature", message, where="--signature") from None
    return log_id(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))


def _rsa_key(data: bytes) -> rsa.RSAPublicKey:
    load = serialization.load_pem_public_key if b"-----BEGIN" in data else serialization.load_der_public_key
    try:
        key = load(data)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < _LEAST_BITS:
        message = f"not a public RSA key of {_LEAST_BITS} bits or more, in PEM or DER"
        hint = "Give the public key that the publisher of the list names."
        raise InputInvalid("key_invalid", message, where="--public-key", hint=hint)
    return key


def parse(data: bytes) -> ForeignList:
    """Read a list; which one it is shows. Raises `InputInvalid` (`ct_list_invalid`)."""
    if len(data) > MAX_LIST:
        raise _invalid("it is larger than any list of logs")
    try:
        members = json.loads(data)
    except (ValueError, RecursionError):
        raise _invalid("it is not JSON") from None
    if type(members) is not dict or type(members.get("operators")) is not list:
        raise _invalid("it is not an object with operators")
    source = Source.APPLE if "assetVersion" in members or "assetVersionV2" in members else Source.CHROME
    if source is Source.CHROME and "log_list_timestamp" not in members and "is_all_logs" not in members:
        raise _invalid("it is neither Chrome's list (version 3) nor Apple's")
    issued_at = _time(members.get("log_list_timestamp"), "log_list_timestamp")
    reading = _Reading(source)
    logs = tuple(reading.logs(members["operators"]))
    return ForeignList(
        source, _version(members, source), issued_at, reading.known_at, logs, tuple(reading.notes()), reading.mimics
    )


def _invalid(why: str) -> InputInvalid:
    return InputInvalid("ct_list_invalid", f"this is no list of logs: {why}")


def _version(members: Mapping[str, Any], source: Source) -> str:
    # Apple's counts up with every list; its assetVersionV2 is the number of the file.
    version = members.get("version", members.get("assetVersionV2", "") if source is Source.APPLE else "")
    return str(version) if type(version) in (str, int) else ""


class _Unusable(Exception):
    """Why an entry is left out."""


class _Reading:
    """One pass over a list: what could not be used is counted by its reason."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.known_at = 0
        self.mimics = False
        self._left_out: Counter[str] = Counter()
        self._examples: dict[str, str] = {}
        self._changed_hands: list[str] = []

    def notes(self) -> Iterator[str]:
        """What was left out, for people."""
        for why, number in self._left_out.items():
            example = self._examples[why]
            what = f"{example!r}" if number == 1 else f"{number} entries, {example!r} among them,"
            yield f"{what} left out: {why}"
        for name in self._changed_hands:
            yield f"{name!r} had another operator before; all its SCTs count for the present one"

    def logs(self, operators: Iterable[Any]) -> Iterator[LogEntry]:
        """All entries that can be used, each ID once."""
        seen: set[str] = set()
        for operator in operators:
            for kind, members in self._members(operator):
                try:
                    entry = self._entry(members, kind, operator["name"])
                    if entry.id in seen:
                        raise _Unusable("its ID stands in the list twice")
                except _Unusable as why:
                    self._leave_out(members, str(why))
                    continue
                seen.add(entry.id)
                yield entry

    def _members(self, operator: Any) -> Iterator[tuple[str, Any]]:
        if type(operator) is not dict or type(operator.get("name")) is not str or not operator["name"].strip():
            self._leave_out(operator, "an operator without a name")
            return
        for member, kind in (("logs", "rfc6962"), ("tiled_logs", "static")):
            entries = operator.get(member, [])
            if type(entries) is not list:
                self._leave_out(operator, f"{member} is not an array")
                continue
            yield from ((kind, one) for one in entries)

    def _leave_out(self, members: Any, why: str) -> None:
        self._left_out[why] += 1
        name = (members.get("description") or members.get("name")) if type(members) is dict else None
        self._examples.setdefault(why, str(name or "?"))

    def _entry(self, members: Any, kind: str, operator: str) -> LogEntry:
        if type(members) is not dict:
            raise _Unusable("not an object")
        texts = [members.get(name) for name in ("log_id", "key", "description")]
        if any(type(one) is not str for one in texts[:2]):
            raise _Unusable("it has no log_id, or no key")
        if texts[0] in MIMICS:
            self.mimics = True
        if members.get("previous_operators"):
            self._changed_hands.append(str(texts[2] or texts[0]))
        state, changed_at = self._state(members.get("state"))
        interval = members.get("temporal_interval") or {}
        if type(interval) is not dict:
            raise _Unusable("its temporal_interval is not an object")
        entry = LogEntry(
            name=_name(texts[2] if type(texts[2]) is str else "", operator) or str(texts[0])[:12],
            id=str(texts[0]),
            key=str(texts[1]),
            operator=operator.strip(),
            kind=kind,
            state=state,
            start=_log_time(interval.get("start_inclusive")),
            end=_log_time(interval.get("end_exclusive")),
            retired_at=changed_at if state == "retired" else None,
            source=self.source,
        )
        if fault := why_not(entry):
            raise _Unusable(f"it {fault}")
        return entry

    def _state(self, state: Any) -> tuple[str, int | None]:
        """The state, and since when. Retirements are announced ahead, so they say nothing of the list's own date."""
        if type(state) is not dict or len(state) != 1:
            raise _Unusable("it has no state, as logs for tests have none")
        name, details = next(iter(state.items()))
        if name not in STATES:
            raise _Unusable(f"its state {name!r} is unknown")
        changed_at = _log_time(details.get("timestamp")) if type(details) is dict else None
        if changed_at is not None and name != "retired":
            self.known_at = max(self.known_at, changed_at)
        return name, changed_at


def _log_time(value: Any) -> int | None:
    try:
        return _time(value, "")
    except InputInvalid:
        raise _Unusable("one of its times cannot be read") from None


def _time(value: Any, member: str) -> int | None:
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        raise _invalid(f"{member} is not a date and time") from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


def _name(description: str, operator: str) -> str:
    """The log's own name: lists put the operator before it, quotes around it and "log" behind it, or do not."""
    description = " ".join(description.split())
    if quoted := _QUOTED.search(description):
        return quoted[1]
    if description.casefold().startswith(f"{operator.casefold()} "):
        description = description[len(operator) + 1 :]
    return re.sub(r"(?<=.)\s+log$", "", description, flags=re.IGNORECASE)
