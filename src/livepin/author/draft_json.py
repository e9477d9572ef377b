"""A draft as JSON: what the server's API speaks, and what `livepin pull` and `push` carry.

Names and values are those of documents; what is absent has its default, and `null` is never a value. A host also
says what only authors know: `reason`, `look_at`, `address`, and beside pins `note` and `source`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from livepin.author.draft import DEFAULT_LIFE_DAYS, MAX_LIFE_DAYS, UNLISTED, Draft, HostEntry, PinEntry
from livepin.author.entries import host_of, pin_of
from livepin.author.toml import Table
from livepin.core.document import MAX_REFRESH_AFTER
from livepin.errors import ValueInvalid


class Members(Table):
    """An object of JSON, read member by member; faults are `ValueInvalid` and name the place, `hosts[2].action`."""

    def __init__(self, values: Mapping[str, Any], file: str = "", where: str = "") -> None:
        super().__init__(values, file, where)

    def fault(self, member: str, why: str) -> ValueInvalid:
        """The error for a member."""
        return ValueInvalid("value_invalid", f"it {why}", where=self.place(member))

    def moment(self, member: str) -> int | None:
        """Unix seconds, 0 or more; None where absent."""
        return self.integer(member, 0, 2**53 - 1) if self.has(member) else None


def pin_members(pin: PinEntry) -> dict[str, Any]:
    """A pin as JSON."""
    members: dict[str, Any] = {pin.member: pin.digest, "position": pin.position}
    if pin.start is not None:
        members["from"] = pin.start
    if pin.end is not None:
        members["until"] = pin.end
    return {**members, "note": pin.note, "source": pin.source}


def host_members(entry: HostEntry) -> dict[str, Any]:
    """A host as JSON: everything but what it does not have at all (`pins`, `ct`)."""
    members: dict[str, Any] = {"host": entry.host, "action": entry.action}
    if entry.pins is not None:
        members["pins"] = [pin_members(pin) for pin in entry.pins]
    if entry.ct is not None:
        members["ct"] = dict(entry.ct)
    return {
        **members,
        "deny": list(entry.deny),
        "rollout": entry.rollout,
        "when_expired": entry.when_expired,
        "reason": entry.reason,
        "look_at": list(entry.look_at),
        "address": entry.address,
    }


def settings_members(draft: Draft) -> dict[str, Any]:
    """A draft as JSON, without its hosts."""
    members: dict[str, Any] = {
        "organization": draft.organization,
        "project": draft.project,
        "life_days": draft.life_days,
    }
    for name in ("extendable_days", "refresh_after"):
        if getattr(draft, name) is not None:
            members[name] = getattr(draft, name)
    return {**members, "unlisted": draft.unlisted, "deny": list(draft.deny)}


def draft_members(draft: Draft) -> dict[str, Any]:
    """A whole draft as JSON."""
    return {**settings_members(draft), "hosts": [host_members(entry) for entry in draft.hosts]}


def pin_entry(members: Mapping[str, Any], where: str = "") -> PinEntry:
    """The pin that JSON describes. Raises `ValueInvalid`."""
    return pin_of(Members(members, where=where))


def host_entry(members: Mapping[str, Any], where: str = "") -> HostEntry:
    """The host that JSON describes. Raises `ValueInvalid`."""
    return host_of(Members(members, where=where))


def draft_of(members: Mapping[str, Any]) -> Draft:
    """The draft that JSON describes. Raises `ValueInvalid`."""
    table = Members(members)
    hosts = tuple(host_of(one) for one in table.tables("hosts") or ())
    if len({entry.host for entry in hosts}) < len(hosts):
        raise table.fault("hosts", "has one pattern twice")
    draft = Draft(
        organization=table.text("organization"),
        project=table.text("project"),
        life_days=table.integer("life_days", 1, MAX_LIFE_DAYS, DEFAULT_LIFE_DAYS),
        extendable_days=table.integer("extendable_days", 1, MAX_LIFE_DAYS) if table.has("extendable_days") else None,
        refresh_after=table.integer("refresh_after", 1, MAX_REFRESH_AFTER) if table.has("refresh_after") else None,
        unlisted=table.choice("unlisted", UNLISTED, "allow"),
        deny=table.texts("deny"),
        hosts=hosts,
    )
    table.end()
    return draft
