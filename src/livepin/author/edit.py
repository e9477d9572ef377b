"""Changes to a project file: one function per thing that a person does, comments and order left as they are.

Nothing is written here; `ProjectFile.save` checks what came out and writes it whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import tomlkit
from tomlkit.items import Array

from livepin.author.draft import PinEntry
from livepin.author.project import FILE_NAME, ProjectFile
from livepin.author.signers.places import PemPlace, parse_place
from livepin.core.base64s import b64
from livepin.core.jws import PublicKey
from livepin.core.pins import DIGEST_MEMBERS
from livepin.errors import ProjectInvalid

_HEADER = (
    "What this project pins. `livepin publish` signs it and brings it to the folder below;",
    "docs/cli.md describes every member.",
)


def new_project(file: ProjectFile, organization: str, project: str, settings: Mapping[str, Mapping[str, Any]]) -> None:
    """Fill an empty project file. `settings`: tables (`publish`, `key`, `trust`, `look`) with their members."""
    for line in _HEADER:
        file.toml.add(tomlkit.comment(line))
    file.toml.add("organization", tomlkit.item(organization))
    file.toml.add("project", tomlkit.item(project))
    document = tomlkit.table()
    document.add("life_days", 30)
    file.toml.add("document", document)
    for name, members in settings.items():
        table = tomlkit.table()
        for member, value in members.items():
            table.add(member, value)
        file.toml.add(name, table)
    file.toml.add(tomlkit.nl())


def key_members(signer: str, public_key: PublicKey) -> dict[str, str]:
    """The table `key` for a key at a place."""
    place = parse_place(signer)
    where = {"file": place.file} if isinstance(place, PemPlace) else {"signer": signer}
    return {**where, "public_key": b64(public_key.spki)}


def set_key(file: ProjectFile, signer: str, public_key: PublicKey) -> None:
    """Say which key signs documents from now on, and where it is."""
    table: Any = file.toml.setdefault("key", tomlkit.table())
    members = key_members(signer, public_key)
    for name in {"file", "signer"} - members.keys():
        table.pop(name, None)
    table.update(members)


def trust_members(anchors: Iterable[PublicKey], threshold: int, keyset_file: str) -> dict[str, Any]:
    """The table `trust`: what applications embed, and the key set that those anchors signed."""
    members: dict[str, Any] = {"anchors": array_of([b64(anchor.spki) for anchor in anchors])}
    if threshold > 1:
        members["threshold"] = threshold
    return members | ({"keyset": keyset_file} if keyset_file else {})


def set_trust(file: ProjectFile, anchors: Iterable[PublicKey], threshold: int, keyset_file: str) -> None:
    """Say what applications embed, and which key set those anchors signed."""
    if "trust" not in file.toml:
        file.toml.add("trust", tomlkit.table())
    table: Any = file.toml["trust"]
    for name in ("anchors", "threshold", "keyset"):
        table.pop(name, None)
    table.update(trust_members(anchors, threshold, keyset_file))


def set_host(file: ProjectFile, pattern: str, members: Mapping[str, Any]) -> bool:
    """Add or change a `[[host]]`; a member that is None is removed. Whether the pattern is new."""
    table = _find_host(file, pattern)
    is_new = table is None
    if table is None:
        table = tomlkit.table()
        table.add("host", pattern)
        table.add("action", "enforce")
        _hosts(file).append(table)
    for member, value in members.items():
        if value is None:
            table.pop(member, None)
        else:
            table[member] = value
    return is_new


def rule_table(rule: Mapping[str, Any]) -> Any:
    """A CT rule as people write it: on one line, but for arrays that are long."""
    table = tomlkit.inline_table()
    for name, value in rule.items():
        table.add(name, array_of(value) if isinstance(value, list) and len(value) > 2 else value)
    return table


def remove_host(file: ProjectFile, pattern: str) -> None:
    """Remove a `[[host]]` with its pins. Raises `ProjectInvalid` (`entry_missing`)."""
    _need_host(file, pattern)
    hosts = _hosts(file)
    del hosts[next(number for number, one in enumerate(hosts) if one["host"] == pattern)]


def add_pin(file: ProjectFile, pattern: str, entry: PinEntry) -> bool:
    """Add a pin to a host; False if the host has this digest at this position already.

    Raises `ProjectInvalid` (`entry_missing`).
    """
    host = _need_host(file, pattern)
    for pin in host.get("pins", ()):
        if pin.get(entry.member) == entry.digest and pin.get("position", "leaf") == entry.position:
            return False
    pins = host.get("pins")
    table = tomlkit.inline_table() if isinstance(pins, Array) else tomlkit.table()
    table.update(pin_members(entry))
    if pins is None:
        pins = tomlkit.aot()
        pins.append(table)
        host.add("pins", pins)
    else:
        pins.append(table)
    return True


def pin_members(entry: PinEntry) -> dict[str, Any]:
    """A pin as a table says it."""
    members: dict[str, Any] = {entry.member: entry.digest, "position": entry.position}
    for name, moment in (("from", entry.start), ("until", entry.end)):
        if moment is not None:
            members[name] = datetime.fromtimestamp(moment, UTC)
    return members | {name: text for name, text in (("source", entry.source), ("note", entry.note)) if text}


def remove_pin(file: ProjectFile, pattern: str, digest_prefix: str) -> str:
    """Remove the one pin of a host whose digest starts with `digest_prefix`; its whole digest.

    Raises `ProjectInvalid` (`entry_missing`) when there is none, or more than one.
    """
    host = _need_host(file, pattern)
    pins = host.get("pins", ())
    found = [(number, digest) for number, pin in enumerate(pins) if (digest := _digest(pin)).startswith(digest_prefix)]
    if len(found) != 1:
        what = "no pin" if not found else f"{len(found)} pins"
        message = f"{what} of {pattern} has a digest that starts with {digest_prefix!r}"
        raise ProjectInvalid("entry_missing", message, where=FILE_NAME)
    del pins[found[0][0]]
    if not pins:
        # Without the member J6 would pass; with an empty one nothing matches. The guard asks either way.
        del host["pins"]
    return found[0][1]


def _digest(pin: Mapping[str, Any]) -> str:
    return next((str(pin[member]) for member in DIGEST_MEMBERS if member in pin), "")


def change_deny(file: ProjectFile, pattern: str | None, *, add: Iterable[str] = (), remove: str = "") -> bool:
    """Add digests to, or remove one from, the denied keys of a host, or of the whole document. Whether it changed.

    Raises `ProjectInvalid` (`entry_missing`).
    """
    if pattern is None and "document" not in file.toml:
        file.toml.add("document", tomlkit.table())
    table: Any = file.toml["document"] if pattern is None else _need_host(file, pattern)
    before = list(table.get("deny", []))
    after = [*(one for one in before if one != remove), *(one for one in dict.fromkeys(add) if one not in before)]
    if remove and remove not in before:
        raise ProjectInvalid("entry_missing", f"{remove} is not denied there", where=FILE_NAME)
    if after:
        table["deny"] = array_of(after)
    else:
        table.pop("deny", None)
    return after != before


def array_of(values: list[str]) -> Array:
    """An array with one value a line."""
    array = tomlkit.array()
    array.extend(values)
    return array.multiline(multiline=True)


def _hosts(file: ProjectFile) -> Any:
    if "host" not in file.toml:
        file.toml.add("host", tomlkit.aot())
    return file.toml["host"]


def _find_host(file: ProjectFile, pattern: str) -> Any:
    return next((one for one in file.toml.get("host", ()) if one.get("host") == pattern), None)


def _need_host(file: ProjectFile, pattern: str) -> Any:
    table = _find_host(file, pattern)
    if table is None:
        message = f"the project has no host {pattern}"
        raise ProjectInvalid("entry_missing", message, where=FILE_NAME, hint=f"`livepin host set {pattern}` adds it.")
    return table
