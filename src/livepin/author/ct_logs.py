"""The log table `ct-logs.toml`: the logs of Certificate Transparency that a person has looked at, beside the project.

It is a table of our own, with identities of operators of our own: every list calls an operator something else, and a
rule that demands two of them must not count one twice. Nothing fills it by itself; `livepin ct logs` does when told.

Each log has a `source` that answers for it: a published list, or `hand`. Of each source stands there as of when it was
looked at; that date, and not the day of publishing, is what documents carry and what ages (J7).
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from livepin.author.draft import is_identifier
from livepin.author.files import read_text, write_atomically
from livepin.author.toml import Table
from livepin.core.base64s import b64, b64_decode
from livepin.core.logs import MIMICS, Kind, Log, LogList
from livepin.errors import EncodingInvalid, ProjectInvalid

FILE_NAME = "ct-logs.toml"
STATES = ("pending", "qualified", "usable", "readonly", "retired", "rejected")
#: States in which an SCT can count. One of a retired log counts if it is older than the retirement.
COUNTING = frozenset({"qualified", "usable", "readonly", "retired"})

_HEADER = (
    "The logs of Certificate Transparency that this project knows, as somebody has reviewed them.",
    "`livepin ct logs` changes it; docs/ct.md says where logs come from. Documents carry only what they need of it.",
)
_CROWDED = re.compile(r"^([^#\n].*)\n(?=\[\[)", re.MULTILINE)
#: What differs between the shards of one log: the year, perhaps the half, perhaps the letter of a second try.
_SHARD = re.compile(r"20\d\d(?:h[12][a-z]?)?")


class Source(StrEnum):
    """Who answers for a log."""

    CHROME = "chrome"
    APPLE = "apple"
    HAND = "hand"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A `[[log]]`. `id` and `key` in Base64; `start`, `end` (its interval) and `retired_at` in Unix seconds."""

    name: str
    id: str
    key: str
    operator: str
    kind: str = "rfc6962"
    state: str = "usable"
    start: int | None = None
    end: int | None = None
    retired_at: int | None = None
    source: str = "hand"

    def member(self) -> dict[str, Any]:
        """The log as documents carry it, in `ct_logs`."""
        times = {"from": self.start, "until": self.end, "retired_at": self.retired_at}
        members = {"id": self.id, "key": self.key, "operator": self.operator, "kind": self.kind, "state": self.state}
        return members | {name: moment for name, moment in times.items() if moment is not None}

    def can_count(self, now: float) -> bool:
        """Whether an SCT of it can count for a certificate that is still valid at `now` (Unix seconds)."""
        dated = self.state != "retired" or self.retired_at is not None
        return self.state in COUNTING and dated and not self.ended(now)

    def ended(self, now: float) -> bool:
        """Whether every certificate that it may hold has run out at `now`."""
        return self.end is not None and self.end <= now

    @property
    def family(self) -> str:
        """What the shards of one log have in common; lists disagree about blanks and capitals."""
        return _SHARD.sub("#", re.sub(r"\s", "", self.name.casefold()), count=1)

    def is_sibling(self, other: LogEntry) -> bool:
        """Whether both are shards of one log."""
        return self.operator == other.operator and self.family == other.family


@dataclass(frozen=True, slots=True)
class Operator:
    """An `[[operator]]`: our identity, and what others call it."""

    id: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """A `[[list]]`: as of when (Unix seconds) a source was looked at. `signed_by`: SPKI SHA-256 of the list's key."""

    source: str
    issued_at: int
    version: str = ""
    signed_by: str = ""


@dataclass(frozen=True, slots=True)
class LogTable:
    """What a log table says."""

    operators: tuple[Operator, ...] = ()
    logs: tuple[LogEntry, ...] = ()
    reviews: tuple[Review, ...] = ()

    def operator(self, name: str) -> Operator | None:
        """The operator of an identity, or of a name that a list gives it."""
        wanted = name.casefold()
        for one in self.operators:
            if wanted in (one.id.casefold(), *(known.casefold() for known in one.names)):
                return one
        return None

    def log(self, log_id: str) -> LogEntry | None:
        """The log of an ID."""
        return next((one for one in self.logs if one.id == log_id), None)

    def find(self, text: str) -> LogEntry:
        """The one log that has this name, or an ID that begins so. Raises `ProjectInvalid` (`entry_missing`)."""
        named = [one for one in self.logs if one.name.casefold() == text.casefold()]
        found = named or [one for one in self.logs if text and one.id.startswith(text)]
        if len(found) == 1:
            return found[0]
        message = f"{len(found) or 'no'} log{'s have' if found else ' has'} the name {text!r}, or an ID that begins so"
        raise ProjectInvalid("entry_missing", message, where=FILE_NAME, hint="`livepin ct logs list` shows them.")

    def review(self, source: str) -> Review | None:
        """When a source was looked at."""
        return next((one for one in self.reviews if one.source == source), None)

    def issued_at(self, logs: Iterable[LogEntry] | None = None) -> int | None:
        """The oldest date of the sources that answer for these logs (default: all); None where nothing was reviewed.

        The oldest, because nobody can say of a list that one half of it is fresh. What was retired by hand does not
        age: nothing worse can become of it.
        """
        asked = self.logs if logs is None else logs
        sources = {one.source for one in asked if one.source != Source.HAND or one.state != "retired"}
        dates = [one.issued_at for one in self.reviews if one.source in sources]
        return min(dates or [one.issued_at for one in self.reviews], default=None)

    def log_list(self) -> LogList:
        """The table as SCTs are judged by it, as if a document carried the whole of it."""
        issued_at = self.issued_at()
        entries = [one.member() for one in self.logs]
        return LogList.of({"issued_at": 0 if issued_at is None else issued_at, "logs": entries})


def log_id(key: bytes) -> str:
    """Log ID of a log's key (SPKI in DER), RFC 6962 section 3.2: Base64 of its SHA-256."""
    return b64(hashlib.sha256(key).digest())


def why_not(entry: LogEntry) -> str:
    """Why an entry can be no log at all, whatever anybody says; empty for one that can."""
    if entry.id in MIMICS:
        return "is a log whose private key is public: anybody can sign for it"
    try:
        key = b64_decode(entry.key)
    except EncodingInvalid:
        return "has a key that is not canonical Base64"
    if log_id(key) != entry.id:
        return "has an ID that is not the digest of its key"
    if not Log(entry.id, key, entry.operator, Kind.RFC6962).has_usable_key:
        return "has a key of a kind that logs do not have (P-256, or RSA of 2048 bits and more)"
    return ""


class LogTableFile:
    """`ct-logs.toml` with its comments: what is read, changed and written is the TOML text itself."""

    def __init__(self, path: Path, toml: tomlkit.TOMLDocument) -> None:
        self.path = path
        self.toml = toml

    @classmethod
    def open(cls, directory: Path) -> LogTableFile:
        """The log table of a folder; an empty one where there is none yet. Raises `ProjectInvalid`."""
        path = directory / FILE_NAME
        if not path.exists():
            toml = tomlkit.document()
            for line in _HEADER:
                toml.add(tomlkit.comment(line))
            return cls(path, toml)
        try:
            return cls(path, tomlkit.parse(read_text(path)))
        except TOMLKitError as error:
            raise ProjectInvalid("project_invalid", f"not TOML: {error}", where=str(path)) from None

    def read(self) -> LogTable:
        """What it says. Raises `ProjectInvalid`."""
        return log_table_of(Table(self.toml.unwrap(), str(self.path)))

    def save(self) -> LogTable:
        """Write it, if it can be read again; otherwise the file on disk stays. Raises `ProjectInvalid`."""
        # Tables that were added after reading come without the line between them.
        text = _CROWDED.sub(r"\1\n\n", tomlkit.dumps(self.toml))
        table = LogTableFile(self.path, tomlkit.parse(text)).read()
        write_atomically(self.path, text)
        return table

    def put_log(self, entry: LogEntry) -> None:
        """Add a log, or change what is said of it."""
        members: dict[str, Any] = {"name": entry.name, **entry.member(), "source": entry.source}
        members |= {name: _date(members.get(name)) for name in ("from", "until", "retired_at")}
        self._put("log", "id", members)

    def remove_log(self, log_id: str) -> None:
        """Remove a log."""
        tables: Any = self.toml["log"]
        del tables[next(number for number, one in enumerate(tables) if one["id"] == log_id)]

    def put_operator(self, operator: Operator) -> None:
        """Add an operator, or change what it is called."""
        self._put("operator", "id", {"id": operator.id, "names": list(operator.names) or None})

    def put_review(self, review: Review) -> None:
        """Say as of when a source was looked at."""
        members = {"source": review.source, "issued_at": _date(review.issued_at)}
        more = {"version": review.version or None, "signed_by": review.signed_by or None}
        self._put("list", "source", {**members, **more})

    def _put(self, name: str, key: str, members: Mapping[str, Any]) -> None:
        """Add or change the one table of an array that has this `key`; members that are None are removed."""
        if name not in self.toml:
            self.toml.add(name, tomlkit.aot())
        tables: Any = self.toml[name]
        table = next((one for one in tables if one.get(key) == members[key]), None)
        if table is None:
            table = tomlkit.table()
            tables.append(table)
            # Through the array: what was appended is a copy.
            table = tables[-1]
        for member, value in members.items():
            if value is None:
                table.pop(member, None)
            elif table.get(member) != value:
                table[member] = value


def _date(moment: int | None) -> datetime | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC)


def date_text(moment: float) -> str:
    """A date for people."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")


def open_table(directory: Path) -> LogTable | None:
    """The log table of a folder; None where there is none. Raises `ProjectInvalid`."""
    return LogTableFile.open(directory).read() if (directory / FILE_NAME).exists() else None


def log_table_of(table: Table) -> LogTable:
    """The log table of a parsed file. Raises what the table's `fault` makes."""
    lists, operators, logs = (table.tables(name) or () for name in ("list", "operator", "log"))
    table.end()
    reviews, known = tuple(map(_review, lists)), tuple(map(_operator, operators))
    _once(table, "list", [one.source for one in reviews])
    called = [{one.id.casefold(), *(name.casefold() for name in one.names)} for one in known]
    _once(table, "operator", [name for names in called for name in names])
    found = LogTable(known, tuple(_log(one, known, reviews) for one in logs), reviews)
    _once(table, "log", [one.id for one in found.logs])
    return found


def _once(table: Table, member: str, keys: list[str]) -> None:
    for key, number in Counter(keys).items():
        if number > 1:
            raise table.fault(member, f"has {key!r} twice")


def _review(table: Table) -> Review:
    issued_at = table.moment("issued_at")
    if issued_at is None:
        raise table.fault("issued_at", "is missing")
    source = table.choice("source", tuple(Source))
    review = Review(source, issued_at, table.text("version", ""), table.text("signed_by", ""))
    table.end()
    return review


def _operator(table: Table) -> Operator:
    operator = Operator(table.text("id"), table.texts("names"))
    if not is_identifier(operator.id):
        raise table.fault("id", "is not an ID: 1 to 64 letters, digits, dots, hyphens or underscores")
    table.end()
    return operator


def _log(table: Table, operators: Iterable[Operator], reviews: Iterable[Review]) -> LogEntry:
    entry = LogEntry(
        name=table.text("name"),
        id=table.text("id"),
        key=table.text("key"),
        operator=table.text("operator"),
        kind=table.choice("kind", tuple(Kind)),
        state=table.choice("state", STATES),
        start=table.moment("from"),
        end=table.moment("until"),
        retired_at=table.moment("retired_at"),
        source=table.choice("source", tuple(Source), Source.HAND),
    )
    table.end()
    if fault := why_not(entry):
        raise table.fault("", f"({entry.name}) {fault}")
    if entry.operator not in {one.id for one in operators}:
        raise table.fault("operator", f"({entry.operator!r}) is the id of no [[operator]]")
    if entry.source not in {one.source for one in reviews}:
        raise table.fault("source", f"({entry.source!r}) is the source of no [[list]], so nobody knows how old it is")
    return entry
