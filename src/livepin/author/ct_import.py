"""What a published list would change in the log table: decided here, shown to a person, and only then written.

    a log that the list names          is added, or changed where this list answers for it
    a log that it no longer names      goes, where this list answers for it
    ... of an operator that is gone    stays, and so does the date: a list that lost a whole operator is no review
    a log that another source has      stays as it is; what the list says otherwise is told
    a log whose interval has ended     is of no use any more: every certificate in it has run out

Operators get identities of our own. One is recognized by a name that it had before, or by its logs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from livepin.author.ct_lists import ForeignList
from livepin.author.ct_logs import LogEntry, LogTable, LogTableFile, Operator, Review, Source, date_text
from livepin.author.draft import is_identifier
from livepin.core.logs import MAX_AGE
from livepin.core.trust import CLOCK_TOLERANCE
from livepin.errors import InputInvalid

_DAY = 86_400
#: What a person looks at first when a log changes.
_FIELDS = ("operator", "kind", "state", "start", "end", "retired_at")


@dataclass(frozen=True, slots=True)
class Identity:
    """Which operator of ours a name stands for. `new`: none yet, the ID is derived from the name."""

    name: str
    id: str
    new: bool


def of_use(table: LogTable, foreign: ForeignList, now: float) -> ForeignList:
    """A list without what is of no use at `now` (Unix seconds): logs that we do not have and that can never count."""
    useful = [one for one in foreign.logs if table.log(one.id) or (one.state != "rejected" and not one.ended(now))]
    left_out = len(foreign.logs) - len(useful)
    notes = (*foreign.notes, f"{left_out} logs left out that are rejected, or whose interval has ended")
    return replace(foreign, logs=tuple(useful), notes=notes if left_out else foreign.notes)


def identities(table: LogTable, foreign: ForeignList, given: Mapping[str, str]) -> tuple[Identity, ...]:
    """An identity for every operator of a list. `given`: IDs by name, as a person typed them.

    Raises `InputInvalid` (`usage`) for a given name that the list does not have, or an ID that is none.
    """
    for name, wanted in given.items():
        if name not in foreign.operators or not is_identifier(wanted):
            why = "is not an ID" if name in foreign.operators else f"is for none of {', '.join(foreign.operators)}"
            raise InputInvalid("usage", f"{name}={wanted} {why}", where="--operator", hint="Write NAME=ID.")
    return tuple(_identity(table, foreign, name, given.get(name)) for name in foreign.operators)


def _identity(table: LogTable, foreign: ForeignList, name: str, given: str | None) -> Identity:
    if given is not None:
        return Identity(name, given, new=given not in {one.id for one in table.operators})
    known = table.operator(name)
    if known is not None:
        return Identity(name, known.id, new=False)
    # The same logs under another name: the same operator. Two identities for it would count as two operators.
    ours = {found.operator for one in foreign.logs if one.operator == name and (found := table.log(one.id))}
    if len(ours) == 1:
        return Identity(name, ours.pop(), new=False)
    wanted = derived_id(name)
    return Identity(name, wanted, new=table.operator(wanted) is None)


def derived_id(name: str) -> str:
    """An ID made of a name: `Let's Encrypt` becomes `lets-encrypt`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii").casefold()
    return re.sub(r"[^a-z0-9]+", "-", plain.replace("'", "")).strip("-")[:64].rstrip("-") or "operator"


@dataclass(frozen=True, slots=True)
class LogChange:
    """One difference. `what`: added, removed or changed; `why`: what of it changes, or why it goes."""

    what: str
    log: LogEntry
    why: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What importing a list does. `review` None: the date stays. `notes` are for people."""

    changes: tuple[LogChange, ...]
    operators: tuple[Operator, ...]
    review: Review | None
    notes: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether nothing at all would be written."""
        return not self.changes and not self.operators and self.review is None

    def apply(self, file: LogTableFile) -> None:
        """Change the table's text; nothing is written to the disk."""
        if self.review is not None:
            file.put_review(self.review)
        for operator in self.operators:
            file.put_operator(operator)
        for change in self.changes:
            if change.what == "removed":
                file.remove_log(change.log.id)
            else:
                file.put_log(change.log)


def plan(
    table: LogTable, foreign: ForeignList, review: Review, names: Mapping[str, str], now: float, *, remove_missing: bool
) -> Plan:
    """What `foreign` (as `of_use` left it) changes in the table.

    `names`: IDs of all its operators; `review`: what would be said of having looked at it; `remove_missing`: logs of
    operators that the list does not name at all go too.
    """
    before = table.review(foreign.source)
    listed = [replace(one, operator=names[one.operator]) for one in foreign.logs]
    missing = [] if remove_missing else _missing(table, foreign, {one.operator for one in listed}, now)
    changes = (*_listed(table, foreign, listed, now), *_gone(table, foreign, listed, missing, now))
    dated = None if review == before or (missing and before is not None) else review
    notes = [*foreign.notes, *_notes(table, foreign, review, listed, now)]
    if missing:
        notes.append(_told_missing(table, foreign, missing))
    operators = tuple(_operators(table, names))
    return Plan(changes, operators, dated, tuple(notes))


def check_date(table: LogTable, foreign: ForeignList, review: Review, now: float) -> None:
    """Refuse a list that is from the future, or older than the one before it. `now` in Unix seconds.

    Raises `InputInvalid` (`ct_list_older`, `ct_list_invalid`).
    """
    if review.issued_at > now + CLOCK_TOLERANCE:
        raise InputInvalid("ct_list_invalid", "the list is from the future", where=date_text(review.issued_at))
    # A day's grace: a date without a time is its midnight.
    if foreign.issued_at is None and review.issued_at <= foreign.known_at - _DAY:
        message = f"the list tells of things that happened on {date_text(foreign.known_at)}"
        raise InputInvalid("ct_list_invalid", message, where=f"--date {date_text(review.issued_at)}")
    before = table.review(foreign.source)
    if before is None:
        return
    renumbered = _number(review.version) < _number(before.version) if review.version else False
    if review.issued_at < before.issued_at or renumbered:
        have, is_ = (f"version {one.version or '?'} of {date_text(one.issued_at)}" for one in (before, review))
        raise InputInvalid("ct_list_older", f"this is {is_}; the table has {have}", where=foreign.source)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def _listed(table: LogTable, foreign: ForeignList, listed: list[LogEntry], now: float) -> Iterator[LogChange]:
    for entry in listed:
        ours = table.log(entry.id)
        if ours is None:
            yield LogChange("added", entry)
        elif ours.source == foreign.source and not entry.ended(now):
            # The name is ours to give: a rule in livepin.toml may have been typed with it.
            entry = replace(entry, name=ours.name)
            if entry != ours:
                yield LogChange("changed", entry, _difference(ours, entry))


def _difference(ours: LogEntry, theirs: LogEntry) -> str:
    parts = []
    for name in _FIELDS:
        before, after = getattr(ours, name), getattr(theirs, name)
        if before != after:
            parts.append(f"{_WORDS.get(name, name)} {_value(before)} -> {_value(after)}")
    return ", ".join(parts)


_WORDS = {"start": "from", "end": "until"}


def _value(value: object) -> str:
    return "-" if value is None else date_text(value) if isinstance(value, int) else str(value)


def _missing(table: LogTable, foreign: ForeignList, present: set[str], now: float) -> list[str]:
    """Operators with logs that this list answers for and does not name, though they still matter."""
    ours = [one for one in table.logs if one.source == foreign.source and not one.ended(now)]
    return list(dict.fromkeys(one.operator for one in ours if one.operator not in present and one.state != "rejected"))


def _gone(
    table: LogTable, foreign: ForeignList, listed: list[LogEntry], missing: list[str], now: float
) -> Iterator[LogChange]:
    named = {one.id for one in listed}
    for ours in table.logs:
        if ours.source != foreign.source:
            continue
        if ours.ended(now):
            yield LogChange("removed", ours, f"its interval ended on {_value(ours.end)}")
        elif ours.id not in named and ours.operator not in missing:
            yield LogChange("removed", ours, "the list does not name it any more")


def _told_missing(table: LogTable, foreign: ForeignList, missing: list[str]) -> str:
    number = sum(one.operator in missing and one.source == foreign.source for one in table.logs)
    return (
        f"THE LIST NAMES NOT ONE LOG OF {', '.join(missing)}: is it whole? Their {number} logs stay as they are, and "
        "so does the date of the table, since this list cannot answer for them (--remove-missing: they go)"
    )


def _notes(table: LogTable, foreign: ForeignList, review: Review, listed: list[LogEntry], now: float) -> Iterator[str]:
    if foreign.source is Source.CHROME:
        yield LICENCE
    if foreign.mimics:
        yield MIMICS_TOLD
    before = table.review(foreign.source)
    if before is not None and before.signed_by != review.signed_by:
        yield f"the list before this one was {f'signed by {before.signed_by}' if before.signed_by else 'not signed'}"
    if now - review.issued_at > MAX_AGE:
        days = int(now - review.issued_at) // _DAY
        yield f"the list is {days} days old: from 70 days on CT is not evaluated (J7)"
    for entry in listed:
        ours = table.log(entry.id)
        if ours is not None and ours.source != foreign.source and (other := _difference(ours, entry)):
            yield f"{ours.name} stays as {ours.source} has it; this list says otherwise: {other}"


LICENCE = (
    "Google's terms: Chrome's list may not be used to enforce CT in other clients than Chrome without Google's written "
    "permission. Enforce by it only if you have that; otherwise import Apple's, or add the logs that you have looked "
    "at by hand (docs/ct.md)"
)
MIMICS_TOLD = (
    "the list names logs whose private keys are public. Google puts them into the list that it serves to programs "
    "other than Chrome, and freezes what else is in it: it may be stale whatever its date says"
)


def _operators(table: LogTable, names: Mapping[str, str]) -> Iterator[Operator]:
    """Operators that are new, or that this list calls something we had not heard."""
    called: dict[str, list[str]] = {}
    for name, operator_id in names.items():
        called.setdefault(operator_id, []).append(name)
    for operator_id, heard in called.items():
        ours = next((one for one in table.operators if one.id == operator_id), Operator(operator_id))
        fresh = [name for name in heard if name.casefold() not in {one.casefold() for one in ours.names}]
        if fresh or ours not in table.operators:
            yield Operator(operator_id, (*ours.names, *fresh))
