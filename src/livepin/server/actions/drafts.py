"""Drafts: what the next document will say. A draft has a version, which every change of it must name.

Hosts and pins are changed host by host (hosts.py), or all at once (`replace`), as `livepin push` does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace as changed
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from livepin.author import staging
from livepin.author.draft import MAX_LIFE_DAYS, UNLISTED, Draft, HostEntry, PinEntry
from livepin.core.document import MAX_REFRESH_AFTER
from livepin.core.pins import DIGEST_MEMBERS
from livepin.errors import Conflict, DocumentRefused, HostInvalid, ValueInvalid
from livepin.server.actions import audit, limits
from livepin.server.actions.actor import Actor, May, reach_locked, reach_project
from livepin.server.models import Host, Organization, Pin, Project
from livepin.watch.address import parse_address


def read(actor: Actor, organization: str, project: str) -> tuple[Draft, int]:
    """The draft and its version. Raises `NotFound`."""
    _, found = reach_project(actor, organization, project, May.READ)
    return draft_of(found), found.draft_version


def version(actor: Actor, organization: str, project: str) -> int:
    """The version of the draft alone. Raises `NotFound`."""
    return reach_project(actor, organization, project, May.READ)[1].draft_version


def draft_of(project: Project) -> Draft:
    """The draft of a project, in three queries whatever its size."""
    return Draft(
        organization=project.organization.identifier,
        project=project.identifier,
        life_days=project.life_days,
        extendable_days=project.extendable_days,
        refresh_after=project.refresh_after,
        unlisted=project.unlisted,
        deny=tuple(project.deny),
        hosts=_entries(
            project.hosts.order_by("pattern").values_list(*_HOST), Pin.objects.filter(host__project=project)
        ),
    )


def entries_of(hosts: Iterable[Host], pins: QuerySet[Pin]) -> tuple[HostEntry, ...]:
    """Hosts of one project as authoring knows them; `pins` are theirs."""
    return _entries(([getattr(one, name) for name in _HOST] for one in hosts), pins)


#: The columns of a pin, in the order of `PinEntry`, and those of a host.
_PIN = ("member", "digest", "position", "start", "end", "note", "source")
_HOST = (
    "pattern", "action", "has_pins", "deny", "rollout", "when_expired", "reason", "ct", "look_at", "address",
)  # fmt: skip


def _entries(hosts: Iterable[Sequence[Any]], pins: QuerySet[Pin]) -> tuple[HostEntry, ...]:
    """Rows as tuples: of a large project there are many. By pattern: making an ID of each would take a third of it."""
    found: defaultdict[str, list[PinEntry]] = defaultdict(list)
    for pattern, *members in pins.order_by("pk").values_list("host__pattern", *_PIN):
        found[pattern].append(PinEntry(*members))
    return tuple(_entry_of(row, tuple(found[row[0]])) for row in hosts)


def _entry_of(row: Sequence[Any], pins: tuple[PinEntry, ...]) -> HostEntry:
    pattern, action, has_pins, deny, rollout, when_expired, reason, ct, look_at, address = row
    return HostEntry(
        host=pattern,
        action=action,
        pins=pins if has_pins else None,
        deny=tuple(deny),
        rollout=rollout,
        when_expired=when_expired,
        reason=reason,
        ct=ct,
        look_at=tuple(look_at),
        address=address,
    )


def entry_of(host: Host) -> HostEntry:
    """One host as authoring knows it."""
    [entry] = entries_of([host], host.pins.all())
    return entry


def edit(
    actor: Actor, organization: str, project: str, version: int | None, change: Callable[[Project], tuple[str, str]]
) -> Project:
    """Run `change` on the project in one transaction, if the draft still has `version`; the version rises.

    `change` returns what the audit trail says: what was done, and to what. `version` None: whatever it is now.
    Takes the right to stage. Raises `Conflict` (`draft_changed`) and what `change` raises.
    """
    reach_project(actor, organization, project, May.STAGE)
    with transaction.atomic():
        found = reach_locked(actor, organization, project, May.STAGE)
        if version is not None and found.draft_version != version:
            message = f"the draft has version {found.draft_version}, not {version}"
            raise Conflict("draft_changed", message, where=f"{organization}/{project}")
        if found.state != "active":
            raise Conflict("state_wrong", f"the project is {found.state}", where=f"{organization}/{project}")
        what, target = change(found)
        found.draft_version += 1
        found.save(update_fields=["draft_version"])
        audit.append(found.organization, actor, what, target, project=project, version=found.draft_version)
    return found


def set_settings(actor: Actor, organization: str, project: str, version: int | None, **settings: Any) -> Project:
    """Change `life_days`, `extendable_days`, `refresh_after`, `unlisted` or `deny` of the draft.

    Raises as `edit`, and `ValueInvalid`.
    """

    def change(found: Project) -> tuple[str, str]:
        draft = changed(draft_of(found), **settings)
        _save_settings(found, draft)
        return "draft settings changed", ", ".join(sorted(settings))

    return edit(actor, organization, project, version, change)


def replace(actor: Actor, organization: str, project: str, version: int | None, draft: Draft) -> Project:
    """Put a whole draft in place of the one that is there. Raises as `edit`, `ValueInvalid` and `LimitReached`."""
    return put(actor, organization, project, version, lambda found: draft, "draft replaced")


def put(
    actor: Actor, organization: str, project: str, version: int | None, made: Callable[[Project], Draft], what: str
) -> Project:
    """The same with what `made` makes of the project, under its lock; `what`: for the audit trail."""

    def change(found: Project) -> tuple[str, str]:
        draft = made(found)
        Organization.objects.select_for_update(no_key=True).get(id=found.organization_id)
        limits.check_hosts(found.organization, len(draft.hosts) - found.hosts.count())
        _save_settings(found, draft)
        found.hosts.all().delete()
        write_hosts(found, draft.hosts)
        return what, project

    return edit(actor, organization, project, version, change)


def _save_settings(project: Project, draft: Draft) -> None:
    check(draft)
    project.life_days, project.extendable_days = draft.life_days, draft.extendable_days
    project.refresh_after = draft.refresh_after
    project.unlisted, project.deny = draft.unlisted, list(draft.deny)
    project.save(update_fields=["life_days", "extendable_days", "refresh_after", "unlisted", "deny"])


def check(draft: Draft) -> None:
    """Raise `ValueInvalid` for a draft of which no document could be made (V5), or which is too long to be kept."""
    _check_range("life_days", draft.life_days, 1, MAX_LIFE_DAYS)
    if draft.extendable_days is not None:
        _check_range("extendable_days", draft.extendable_days, 1, MAX_LIFE_DAYS)
    if draft.refresh_after is not None:
        _check_range("refresh_after", draft.refresh_after, 1, MAX_REFRESH_AFTER)
    if draft.unlisted not in UNLISTED:
        raise ValueInvalid("value_invalid", f"it is none of {', '.join(UNLISTED)}", where="unlisted")
    for entry in draft.hosts:
        _check_texts(entry)
        # A document may carry pins of kinds that a reader does not know; nobody means to write one.
        if any(pin.member not in DIGEST_MEMBERS for pin in entry.pins or ()):
            message = f"a pin holds one of {', '.join(DIGEST_MEMBERS)}"
            raise ValueInvalid("value_invalid", message, where=f"{entry.host} pins")
    try:
        staging.payload_of(draft, 1, 0)
    except DocumentRefused as error:
        raise ValueInvalid("value_invalid", error.message, where=error.where or "draft") from None


def _check_range(where: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise ValueInvalid("value_invalid", f"it is not a number from {least} to {most}", where=where)


def _check_texts(entry: HostEntry) -> None:
    texts = {"reason": (entry.reason, 500), "address": (entry.address, 260)}
    texts |= {f"look_at[{number}]": (text, 260) for number, text in enumerate(entry.look_at)}
    texts |= {f"pins[{number}].note": (pin.note, 200) for number, pin in enumerate(entry.pins or ())}
    for where, (text, most) in texts.items():
        if len(text) > most or any(ord(one) < 32 for one in text):
            message = f"it is not one line of at most {most} characters"
            raise ValueInvalid("value_invalid", message, where=f"{entry.host} {where}")
    if len(entry.look_at) > 32:
        raise ValueInvalid("value_invalid", "there are more than 32 places to look at", where=entry.host)
    try:
        for text in (*entry.look_at, *((entry.address,) if entry.address else ())):
            parse_address(text)
    except HostInvalid as error:
        raise ValueInvalid("value_invalid", error.message, where=f"{entry.host} look_at") from None


def write_hosts(project: Project, entries: Iterable[HostEntry]) -> None:
    """Write new hosts with their pins, in two statements a thousand."""
    pairs = [(_host_row(project, entry), entry) for entry in entries]
    Host.objects.bulk_create([row for row, _ in pairs], batch_size=500)
    Pin.objects.bulk_create([_pin_row(row, pin) for row, entry in pairs for pin in entry.pins or ()], batch_size=500)


def _host_row(project: Project, entry: HostEntry) -> Host:
    return Host(project=project, pattern=entry.host, **host_members(entry))


def host_members(entry: HostEntry) -> dict[str, Any]:
    """The columns of a host, but for its pattern and its pins."""
    return {
        "action": entry.action,
        "has_pins": entry.pins is not None,
        "deny": list(entry.deny),
        "rollout": entry.rollout,
        "when_expired": entry.when_expired,
        "reason": entry.reason,
        "ct": None if entry.ct is None else dict(entry.ct),
        "look_at": list(entry.look_at),
        "address": entry.address,
    }


def _pin_row(host: Host, pin: PinEntry) -> Pin:
    return Pin(
        host=host,
        member=pin.member,
        digest=pin.digest,
        position=pin.position,
        start=pin.start,
        end=pin.end,
        note=pin.note,
        source=pin.source,
    )


def write_pins(host: Host, pins: Iterable[PinEntry]) -> None:
    """Put pins in place of those that a host has."""
    host.pins.all().delete()
    Pin.objects.bulk_create([_pin_row(host, pin) for pin in pins], batch_size=500)
