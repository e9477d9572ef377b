"""From a published document back to a project file: when the folder, or the server, that made it is gone.

A document says everything that applications obey. What it does not say (notes, where to look, where to publish) was
for people, and is asked for again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from livepin.author import ct_rules, edit, staging
from livepin.author.ct_logs import STATES, LogEntry, LogTableFile, Operator, Review, Source, why_not
from livepin.author.draft import MAX_LIFE_DAYS, PinEntry, is_identifier
from livepin.author.project import FILE_NAME, ProjectFile
from livepin.author.staging import Change
from livepin.core.document import DEFAULT_REFRESH_AFTER
from livepin.core.guard import DAY
from livepin.core.hosts import parse_pattern
from livepin.core.logs import Kind
from livepin.core.pins import DIGEST_MEMBERS
from livepin.core.trust import Revision


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a document became. `logs` None where it carries none; `lost`: what the project file cannot say."""

    file: ProjectFile
    logs: LogTableFile | None
    lost: tuple[Change, ...]


def recover(directory: Path, revision: Revision, settings: Mapping[str, Mapping[str, Any]]) -> Recovered:
    """The project file of a revision; nothing is written. `settings`: `publish`, `key`, `trust`, `look`.

    Raises `ProjectInvalid` for a document that says what no project file can say.
    """
    payload = revision.document.payload
    file = ProjectFile(directory / FILE_NAME, tomlkit.document())
    edit.new_project(file, payload["organization"], payload["project"], settings)
    _document(file, payload)
    for host in payload["hosts"]:
        _host(file, host, revision)
    logs = logs_of(directory, payload)
    return Recovered(file, logs, _lost(file, logs, payload))


def _document(file: ProjectFile, payload: Mapping[str, Any]) -> None:
    table: Any = file.toml["document"]
    days = -(-(payload["expires_at"] - payload["issued_at"]) // DAY)
    table["life_days"] = min(max(days, 1), MAX_LIFE_DAYS)
    if payload.get("extendable_until", 0) > payload["expires_at"]:
        table["extendable_days"] = min(-(-(payload["extendable_until"] - payload["issued_at"]) // DAY), MAX_LIFE_DAYS)
    if payload.get("refresh_after", DEFAULT_REFRESH_AFTER) != DEFAULT_REFRESH_AFTER:
        table["refresh_after"] = payload["refresh_after"]
    if payload.get("unlisted", "allow") != "allow":
        table["unlisted"] = payload["unlisted"]
    if payload.get("deny"):
        edit.change_deny(file, None, add=payload["deny"])


def _host(file: ProjectFile, host: Mapping[str, Any], revision: Revision) -> None:
    pattern = host["host"]
    members: dict[str, Any] = {name: host[name] for name in ("action", "rollout", "when_expired") if name in host}
    if host.get("when_expired") == "allow":
        members["reason"] = f"as published in {revision.epoch}.{revision.serial}"  # G7; whoever knows better edits it
    if host.get("ct", {}).get("action", "off") != "off":
        known = ("action", "policy", "operators", "logs")
        members["ct"] = edit.rule_table({name: host["ct"][name] for name in known if name in host["ct"]})
    edit.set_host(file, pattern, members)
    if host.get("deny"):
        edit.change_deny(file, pattern, add=host["deny"])
    entries = [entry for pin in host.get("pins", ()) if (entry := _pin(pin, revision)) is not None]
    if "pins" in host and not entries:
        # Nothing matches: without the member everything would (J6).
        edit.set_host(file, pattern, {"pins": tomlkit.array()})
    for entry in entries:
        edit.add_pin(file, pattern, entry)


def _pin(pin: Mapping[str, Any], revision: Revision) -> PinEntry | None:
    """The pin as people write it; one of no known kind matches nothing, and is left out."""
    for member in DIGEST_MEMBERS:
        if member in pin:
            note = f"as published in {revision.epoch}.{revision.serial}"
            position = pin.get("position", "leaf")
            return PinEntry(member, pin[member], position, pin.get("from"), pin.get("until"), note=note)
    return None


def logs_of(directory: Path, payload: Mapping[str, Any]) -> LogTableFile | None:
    """The log table: what the document carries, under names that say little. Its date is the document's."""
    carried = payload.get("ct_logs")
    if carried is None:
        return None
    table = LogTableFile.open(directory)
    table.put_review(Review(Source.HAND, carried["issued_at"]))
    entries = [_log(log) for log in carried["logs"] if log["kind"] in set(Kind) and log["state"] in STATES]
    entries = [one for one in entries if is_identifier(one.operator) and not why_not(one)]
    for operator in sorted({one.operator for one in entries}):
        table.put_operator(Operator(operator))
    for entry in entries:
        table.put_log(entry)
    return table


def _log(log: Mapping[str, Any]) -> LogEntry:
    times = (log.get("from"), log.get("until"), log.get("retired_at"))
    name = f"{log['operator']} {log['id'][:8]}"
    return LogEntry(name, log["id"], log["key"], log["operator"], log["kind"], log["state"], *times)


def _lost(file: ProjectFile, logs: LogTableFile | None, payload: Mapping[str, Any]) -> tuple[Change, ...]:
    """What a publish of the project file as it is would change: nothing, but for what it has no words for."""
    table = None if logs is None else logs.read()
    project = ProjectFile(file.path, tomlkit.parse(file.text())).read()
    again = staging.payload_of(project, payload["serial"], payload["issued_at"], None)
    if table is not None and (carried := ct_rules.ct_logs(again["hosts"], table, payload["issued_at"])) is not None:
        again["ct_logs"] = carried
    return staging.diff(_explicit(payload), _explicit(again))


def _explicit(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A payload in which defaults are written the way the project file's are."""
    said = {name: value for name, value in payload.items() if (name, value) != ("refresh_after", DEFAULT_REFRESH_AFTER)}
    if said.get("unlisted") == "allow":
        del said["unlisted"]
    return {**said, "hosts": [_explicit_host(host) for host in payload["hosts"]]}


def _explicit_host(host: Mapping[str, Any]) -> dict[str, Any]:
    defaults = {"rollout": 100, "when_expired": "enforce", "deny": []}
    said = {name: value for name, value in host.items() if name not in defaults or value != defaults[name]}
    if "pins" in said:
        said["pins"] = [{"position": "leaf", **pin} for pin in said["pins"]]
    if said.get("ct", {}).get("action", "off") == "off":
        said.pop("ct", None)
    else:
        said["ct"] = {"policy": "any", **said["ct"]}
    return said


def unseen(payload: Mapping[str, Any]) -> list[str]:
    """Patterns that somebody has to say where to look for: nobody can guess the hosts of a wildcard."""
    judged = [host["host"] for host in payload["hosts"] if host["action"] != "off"]
    return [pattern for pattern in judged if parse_pattern(pattern).wildcard]
