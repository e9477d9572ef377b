"""A draft of a server as a project file: what `livepin pull` writes, and what `livepin push` compares.

A file that is there keeps what is its own: the key, the folder, comments, and every host that did not change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomlkit

from livepin.author import draft_json, edit
from livepin.author.draft import Draft, HostEntry
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
    for entry in draft.hosts:
        _put_host(file, entry)
    _put_document(file, draft)
    return file


def put_draft(file: ProjectFile, draft: Draft) -> None:
    """Let a project file that is there say what a draft says; nothing is written."""
    before = {entry.host: entry for entry in file.read().hosts}
    for pattern in before.keys() - {entry.host for entry in draft.hosts}:
        edit.remove_host(file, pattern)
    for entry in draft.hosts:
        if entry.host in before and before[entry.host] != entry:
            edit.remove_host(file, entry.host)
        if before.get(entry.host) != entry:
            _put_host(file, entry)
    _put_document(file, draft)


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


def _put_host(file: ProjectFile, entry: HostEntry) -> None:
    members: dict[str, Any] = {"action": entry.action}
    said = {
        "rollout": (entry.rollout, 100),
        "when_expired": (entry.when_expired, "enforce"),
        "reason": (entry.reason, ""),
        "address": (entry.address, ""),
        "look_at": (list(entry.look_at), []),
    }
    members |= {name: value for name, (value, default) in said.items() if value != default}
    if entry.ct is not None:
        members["ct"] = edit.rule_table(entry.ct)
    edit.set_host(file, entry.host, members)
    if entry.deny:
        edit.change_deny(file, entry.host, add=entry.deny)
    if entry.pins == ():
        edit.set_host(file, entry.host, {"pins": tomlkit.array()})  # nothing matches; without it everything would (J6)
    for pin in entry.pins or ():
        edit.add_pin(file, entry.host, pin)
