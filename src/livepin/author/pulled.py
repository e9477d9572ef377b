"""A draft of a server as a project file: what `livepin pull` writes, and what `livepin push` compares.

A file that is there keeps what is its own: the key, the folder, comments, and every host that did not change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import AoT

from livepin.author import draft_json, edit
from livepin.author.draft import Draft, HostEntry, PinEntry
from livepin.author.project import FILE_NAME, ProjectFile, Pulled
from livepin.core.base64s import b64


def digest_of(draft: Draft) -> str:
    """What tells two drafts apart, wherever they are kept: hosts in any order, everything else as it stands."""
    sorted_draft = replace(draft, hosts=tuple(sorted(draft.hosts, key=lambda entry: entry.host)))
    text = json.dumps(draft_json.draft_members(sorted_draft), sort_keys=True, separators=(",", ":"))
    return b64(hashlib.sha256(text.encode()).digest())


def new_file(directory: Path, draft: Draft, settings: Mapping[str, Mapping[str, Any]]) -> ProjectFile:
    """A project file of a draft; nothing is written. `settings`: `publish`, `key`, `trust`, `look`."""
    file = ProjectFile(directory / FILE_NAME, tomlkit.document())
    edit.new_project(file, draft.organization, draft.project, settings)
    _put_document(file, draft)
    _add_hosts(file, draft.hosts)
    return file


def put_draft(file: ProjectFile, draft: Draft) -> None:
    """Let a project file that is there say what a draft says; nothing is written."""
    before = {entry.host: entry for entry in file.read().hosts}
    after = {entry.host: entry for entry in draft.hosts}
    tables: Any = file.toml.get("host", [])
    for number in reversed(range(len(tables))):
        pattern = str(tables[number]["host"])
        if before[pattern] != after.get(pattern):
            del tables[number]
    _put_document(file, draft)
    _add_hosts(file, [entry for pattern, entry in after.items() if before.get(pattern) != entry])


def put_mark(file: ProjectFile, pulled: Pulled) -> None:
    """Say from where the file was pulled, or to where it was pushed."""
    table = tomlkit.table()
    table.update({"url": pulled.url, "draft_version": pulled.draft_version, "draft_digest": pulled.draft_digest})
    if "server" in file.toml:
        file.toml["server"] = table
    else:
        file.toml.add("server", table)


def _put_document(file: ProjectFile, draft: Draft) -> None:
    table: Any = file.toml.setdefault("document", tomlkit.table())
    table["life_days"] = draft.life_days
    table.pop("deny", None)
    for name, value, default in (
        ("extendable_days", draft.extendable_days, None),
        ("refresh_after", draft.refresh_after, None),
        ("unlisted", draft.unlisted, "allow"),
    ):
        table.pop(name, None)
        if value != default:
            table[name] = value
    if draft.deny:
        edit.change_deny(file, None, add=draft.deny)


def _add_hosts(file: ProjectFile, entries: Sequence[HostEntry]) -> None:
    """One after the other, without a search for each: there may be ten thousand."""
    if not entries:
        return
    if not file.toml.get("host"):
        file.toml.pop("host", None)
        file.toml.add("host", tomlkit.aot())
    tables: Any = file.toml["host"]
    for entry in entries:
        tables.append(_host_table(entry))


def _host_table(entry: HostEntry) -> Any:
    table = tomlkit.table()
    table.update({"host": entry.host, "action": entry.action})
    said: dict[str, tuple[Any, Any]] = {
        "rollout": (entry.rollout, 100),
        "when_expired": (entry.when_expired, "enforce"),
        "reason": (entry.reason, ""),
        "address": (entry.address, ""),
        "look_at": (list(entry.look_at), []),
    }
    table.update({name: value for name, (value, default) in said.items() if value != default})
    if entry.deny:
        table["deny"] = edit.array_of(list(entry.deny))
    if entry.ct is not None:
        table["ct"] = edit.rule_table(entry.ct)
    if entry.pins is not None:
        # With an empty list nothing matches; without the member everything would (J6).
        table.add("pins", _pin_tables(entry.pins) if entry.pins else tomlkit.array())
    return table


def _pin_tables(pins: Sequence[PinEntry]) -> AoT:
    tables = tomlkit.aot()
    for pin in pins:
        table = tomlkit.table()
        table.update(edit.pin_members(pin))
        tables.append(table)
    return tables
