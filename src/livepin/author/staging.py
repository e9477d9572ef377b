"""From a draft to the payload of the next revision, and what would change by it.

Staging changes nothing; the clock and what the origins hold are arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from livepin.author import ct_rules
from livepin.author.ct_logs import LogTable
from livepin.author.draft import Draft, HostEntry, PinEntry
from livepin.core.document import FORMAT, Document
from livepin.core.guard import DAY
from livepin.core.pins import DIGEST_MEMBERS
from livepin.core.strictjson import MAX_INTEGER as MAX_SERIAL
from livepin.core.trust import Revision
from livepin.errors import PublishRefused

#: What a revision is made of besides what it says: two payloads that differ only here say the same.
CIRCUMSTANCE = frozenset({"serial", "issued_at", "expires_at", "extendable_until"})


def payload_of(draft: Draft, serial: int, now: int, table: LogTable | None = None) -> dict[str, Any]:
    """The payload of a draft at `now` (Unix seconds); `table`: the logs that it knows, if it knows any.

    Raises `DocumentRefused` (V5) for what no reader accepts.
    """
    payload: dict[str, Any] = {
        "format": FORMAT,
        "organization": draft.organization,
        "project": draft.project,
        "serial": serial,
        "issued_at": now,
        "expires_at": now + draft.life_days * DAY,
        "hosts": [_host(entry) for entry in draft.hosts],
    }
    if draft.extendable_days is not None:
        payload["extendable_until"] = now + draft.extendable_days * DAY
    if draft.refresh_after is not None:
        payload["refresh_after"] = draft.refresh_after
    if draft.unlisted != "allow":
        payload["unlisted"] = draft.unlisted
    if draft.deny:
        payload["deny"] = list(draft.deny)
    if table is not None and (logs := ct_rules.ct_logs(payload["hosts"], table, now)) is not None:
        payload["ct_logs"] = logs
    return Document.from_payload(payload).payload


def _host(entry: HostEntry) -> dict[str, Any]:
    """Defaults are left out: a document says what its author decided."""
    host: dict[str, Any] = {"host": entry.host, "action": entry.action}
    if entry.pins is not None:
        host["pins"] = [_pin(pin) for pin in entry.pins]
    if entry.deny:
        host["deny"] = list(entry.deny)
    if entry.rollout != 100:
        host["rollout"] = entry.rollout
    if entry.when_expired != "enforce":
        host["when_expired"] = entry.when_expired
    if entry.ct is not None and entry.ct["action"] != "off":
        host["ct"] = dict(entry.ct)
    return host


def _pin(entry: PinEntry) -> dict[str, Any]:
    pin: dict[str, Any] = {entry.member: entry.digest, "position": entry.position}
    if entry.start is not None:
        pin["from"] = entry.start
    if entry.end is not None:
        pin["until"] = entry.end
    return pin


def again(payload: Mapping[str, Any], life_days: int, serial: int, now: int) -> dict[str, Any]:
    """Old content under a new serial, with a new life: a roll-back, or a renewal of what is published.

    Statements may prolong it for as long as they could prolong the old one.
    """
    fresh = {"serial": serial, "issued_at": now, "expires_at": now + life_days * DAY}
    if "extendable_until" in payload:
        fresh["extendable_until"] = max(0, now + payload["extendable_until"] - payload["issued_at"])
    return Document.from_payload({**payload, **fresh}).payload


def off_everywhere(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The last thing that a project says: the same patterns, so that nothing becomes unlisted, and none is judged."""
    kept = {name: payload[name] for name in ("organization", "project", "serial", "issued_at", "expires_at")}
    return {"format": FORMAT, **kept, "hosts": [{"host": one["host"], "action": "off"} for one in payload["hosts"]]}


def next_serial(held: Iterable[Revision], epoch: int) -> int:
    """One more than the highest serial of this epoch that the folder, the public URL and the drawer hold.

    Serials start again at 1 in a new epoch (V8). Raises `PublishRefused` (`serials_exhausted`).
    """
    highest = max((revision.serial for revision in held if revision.epoch == epoch), default=0)
    if highest >= MAX_SERIAL:
        message = f"the highest serial of epoch {epoch} is taken: nobody but a thief of the key gets there"
        raise PublishRefused("serials_exhausted", message)
    return highest + 1


def same_content(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two payloads say the same, whenever and under whichever number."""
    return _content(one) == _content(other)


def _content(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in payload.items() if name not in CIRCUMSTANCE}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `what`: added, removed or changed; `where`: a pattern and member; values as JSON has them."""

    what: str
    where: str
    before: Any = None
    after: Any = None


def diff(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> tuple[Change, ...]:
    """What publishing `after` changes in what is published (`before`, None for nothing)."""
    old, new = _content(before or {"hosts": []}), _content(after)
    old_hosts = {host["host"]: host for host in old.pop("hosts")}
    new_hosts = {host["host"]: host for host in new.pop("hosts")}
    changes = [] if before is None else list(_members("", old, new))
    for pattern in [*old_hosts, *(one for one in new_hosts if one not in old_hosts)]:
        if pattern not in new_hosts:
            changes.append(Change("removed", pattern, before=old_hosts[pattern]))
        elif pattern not in old_hosts:
            changes.append(Change("added", pattern, after=new_hosts[pattern]))
        else:
            changes += _members(pattern, old_hosts[pattern], new_hosts[pattern])
    return tuple(changes)


def _members(where: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterable[Change]:
    for name in [*old, *(one for one in new if one not in old)]:
        place = f"{where} {name}".strip()
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        if name == "ct_logs":
            yield from _logs(before or {"logs": []}, after or {"logs": []})
        elif isinstance(before or after, list):
            yield from _items(place, before or [], after or [])
        else:
            what = "added" if before is None else "removed" if after is None else "changed"
            yield Change(what, place, before, after)


def _items(where: str, old: list[Any], new: list[Any]) -> Iterable[Change]:
    """Differences of a list of pins or digests. A pin keeps its identity, its digest, when its window changes."""
    old_by, new_by = ({_identity(item): item for item in items} for items in (old, new))
    for key in [*old_by, *(one for one in new_by if one not in old_by)]:
        if old_by.get(key) != new_by.get(key):
            what = "added" if key not in old_by else "removed" if key not in new_by else "changed"
            yield Change(what, where, old_by.get(key), new_by.get(key))


def _logs(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterable[Change]:
    """Differences of the lists of logs, without their keys: the IDs are digests of them."""
    dates = old.get("issued_at"), new.get("issued_at")
    if dates[0] != dates[1]:
        what = "added" if dates[0] is None else "removed" if dates[1] is None else "changed"
        yield Change(what, "ct_logs issued_at", *dates)
    plain = [[{name: one[name] for name in one if name != "key"} for one in logs["logs"]] for logs in (old, new)]
    yield from _items("ct_logs", *plain)


def _identity(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    if "id" in item:
        return str(item["id"])
    digest = next((f"{member} {item[member]}" for member in DIGEST_MEMBERS if member in item), str(item))
    return f"{digest} {item.get('position', 'leaf')}"


def reasons(draft: Draft) -> dict[str, str]:
    """Why patterns say `when_expired: allow` (G7)."""
    return {entry.host: entry.reason for entry in draft.hosts if entry.reason}
