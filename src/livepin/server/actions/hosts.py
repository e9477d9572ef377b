"""Hosts of a draft: listed page by page, put and removed whole; their pins added and removed one by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from livepin.author.draft import Draft, HostEntry, PinEntry
from livepin.author.names import typed_pattern
from livepin.errors import Conflict, NotFound, PatternInvalid, ValueInvalid
from livepin.server.actions import drafts, limits
from livepin.server.actions.actor import Actor, May, reach_project
from livepin.server.models import Host, Organization, Pin, Project


@dataclass(frozen=True, slots=True)
class Page:
    """Some hosts in the order of their patterns; `next` is the pattern to go on after, empty at the end."""

    hosts: tuple[HostEntry, ...]
    next: str
    version: int


def listed(actor: Actor, organization: str, project: str, after: str = "", most: int = 100, like: str = "") -> Page:
    """At most `most` hosts (1 to 500) after the pattern `after`, of those that contain `like`. Raises `NotFound`."""
    _, found = reach_project(actor, organization, project, May.READ)
    asked = {"pattern__gt": after} | ({"pattern__contains": like} if like else {})
    rows = found.hosts.filter(**asked).order_by("pattern")
    page = list(rows[: max(1, min(most, 500)) + 1])
    more = len(page) > max(1, min(most, 500))
    shown = page[:-1] if more else page
    # Asked for in the same words: with up to 500 numbers instead, half of the time would go into the SQL.
    last = shown[-1].pattern if shown else ""
    of_host = {f"host__{name}": value for name, value in asked.items()}
    pins = Pin.objects.filter(host__project=found, host__pattern__lte=last, **of_host)
    return Page(drafts.entries_of(shown, pins), last if more else "", found.draft_version)


def drafted(actor: Actor, organization: str, project: str, patterns: Iterable[str]) -> frozenset[str]:
    """Those of some patterns that are in the draft. Raises `NotFound`."""
    _, found = reach_project(actor, organization, project, May.READ)
    return frozenset(found.hosts.filter(pattern__in=list(patterns)).values_list("pattern", flat=True))


def read(actor: Actor, organization: str, project: str, pattern: str) -> tuple[HostEntry, int]:
    """One host, and the version of the draft. Raises `NotFound`."""
    _, found = reach_project(actor, organization, project, May.READ)
    return drafts.entry_of(_row(found, pattern)), found.draft_version


def put(actor: Actor, organization: str, project: str, version: int | None, entry: HostEntry) -> Project:
    """Add a host, or put a whole policy in place of the one that it has.

    Raises as `drafts.edit`, `ValueInvalid`, `LimitReached`. The pattern may be typed in any way that has one meaning.
    """
    entry = replace(entry, host=normal_pattern(entry.host))

    def change(found: Project) -> tuple[str, str]:
        _check(found, entry)
        row = found.hosts.filter(pattern=entry.host).first()
        if row is None:
            # The organization's row is the lock under which hosts of all its projects are counted.
            Organization.objects.select_for_update(no_key=True).get(id=found.organization_id)
            limits.check_hosts(found.organization)
            drafts.write_hosts(found, [entry])
            return "host added", entry.host
        for name, value in drafts.host_members(entry).items():
            setattr(row, name, value)
        row.save()
        drafts.write_pins(row, entry.pins or ())
        return "host changed", entry.host

    return drafts.edit(actor, organization, project, version, change)


def remove(actor: Actor, organization: str, project: str, version: int | None, pattern: str) -> Project:
    """Remove a host with its pins. Raises as `drafts.edit`, and `NotFound`."""

    def change(found: Project) -> tuple[str, str]:
        _row(found, pattern).delete()
        return "host removed", pattern

    return drafts.edit(actor, organization, project, version, change)


def add_pins(
    actor: Actor, organization: str, project: str, version: int | None, pattern: str, pins: tuple[PinEntry, ...]
) -> Project:
    """Add pins to a host; those that it has already stay as they are. Raises as `drafts.edit`, `NotFound`."""

    def change(found: Project) -> tuple[str, str]:
        row = _row(found, pattern)
        entry = drafts.entry_of(row)
        known = {_identity(pin) for pin in entry.pins or ()}
        new = tuple(pin for pin in dict.fromkeys(pins) if _identity(pin) not in known)
        _check(found, replace(entry, pins=(*(entry.pins or ()), *new)))
        drafts.write_pins(row, (*(entry.pins or ()), *new))
        row.has_pins = True
        row.save(update_fields=["has_pins"])
        return "pins added", pattern

    return drafts.edit(actor, organization, project, version, change)


def remove_pin(
    actor: Actor, organization: str, project: str, version: int | None, pattern: str, digest: str
) -> Project:
    """Remove the one pin whose digest starts with `digest`. Raises as `drafts.edit`, `NotFound`, `Conflict`."""

    def change(found: Project) -> tuple[str, str]:
        row = _row(found, pattern)
        pins = [pin for pin in row.pins.all() if pin.digest.startswith(digest)]
        if not pins:
            raise NotFound("not_found", "no pin of this host has such a digest", where=pattern)
        if len(pins) > 1:
            raise Conflict("state_wrong", f"{len(pins)} pins have such a digest: give more of it", where=pattern)
        pins[0].delete()
        if not row.pins.exists():
            # Without the member J6 would pass; with an empty one nothing matches. The guard asks either way.
            row.has_pins = False
            row.save(update_fields=["has_pins"])
        return "pin removed", pattern

    return drafts.edit(actor, organization, project, version, change)


def _identity(pin: PinEntry) -> tuple[str, str, str]:
    return pin.member, pin.digest, pin.position


def normal_pattern(text: str) -> str:
    """A pattern in normal form. Raises `ValueInvalid`."""
    try:
        return typed_pattern(text).text
    except PatternInvalid as error:
        raise ValueInvalid("pattern_invalid", error.message, where=error.where or text[:80]) from None


def _row(project: Project, pattern: str) -> Host:
    row = project.hosts.filter(pattern=pattern).first()
    if row is None:
        raise NotFound("not_found", "the draft has no such host", where=pattern)
    return row


def _check(project: Project, entry: HostEntry) -> None:
    """Hold one host against the format, as if it were alone: what others say cannot be wrong because of it."""
    identities = [_identity(pin) for pin in entry.pins or ()]
    if len(set(identities)) < len(identities):
        raise ValueInvalid("value_invalid", "one digest stands twice at one position", where=f"{entry.host} pins")
    alone = Draft(
        organization=project.organization.identifier,
        project=project.identifier,
        life_days=project.life_days,
        refresh_after=project.refresh_after,
        unlisted=project.unlisted,
        deny=(),
        hosts=(entry,),
    )
    drafts.check(alone)
