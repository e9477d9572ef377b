"""Hosts and pins, read from tables: those of the project file, or those of JSON (draft_json.py)."""

from __future__ import annotations

from typing import Any

from livepin.author.draft import ACTIONS, POSITIONS, WHEN_EXPIRED, HostEntry, PinEntry
from livepin.author.toml import Table
from livepin.core.hosts import parse_pattern
from livepin.core.pins import DIGEST_MEMBERS
from livepin.errors import PatternInvalid


def host_of(table: Table) -> HostEntry:
    """A host; its pattern must be in normal form. Raises what the table's `fault` makes."""
    pins = table.tables("pins")
    entry = HostEntry(
        host=_pattern(table),
        action=table.choice("action", ACTIONS),
        pins=None if pins is None else tuple(pin_of(one) for one in pins),
        deny=table.texts("deny"),
        rollout=table.integer("rollout", 0, 100, 100),
        when_expired=table.choice("when_expired", WHEN_EXPIRED, "enforce"),
        reason=table.text("reason", ""),
        ct=_ct(table.table("ct")) if table.has("ct") else None,
        look_at=table.texts("look_at"),
        address=table.text("address", ""),
    )
    table.end()
    return entry


def _pattern(table: Table) -> str:
    text = table.text("host")
    try:
        return parse_pattern(text).text
    except PatternInvalid as error:
        raise table.fault("host", f"({text!r}) is no pattern: {error.message}") from None


def pin_of(table: Table) -> PinEntry:
    """A pin. Raises what the table's `fault` makes."""
    named = [member for member in DIGEST_MEMBERS if table.has(member)]
    if len(named) != 1:
        raise table.fault("", f"needs one of {', '.join(DIGEST_MEMBERS)}")
    entry = PinEntry(
        member=named[0],
        digest=table.text(named[0]),
        position=table.choice("position", POSITIONS, "leaf"),
        start=table.moment("from"),
        end=table.moment("until"),
        note=table.text("note", ""),
        source=table.text("source", ""),
    )
    table.end()
    return entry


def _ct(table: Table) -> dict[str, Any]:
    rule: dict[str, Any] = {"action": table.choice("action", ACTIONS, "off")}
    rule["policy"] = table.choice("policy", ("chrome", "apple", "any"), "any")
    for member in ("operators", "logs"):
        if table.has(member):
            rule[member] = list(table.texts(member))
    table.end()
    return rule
