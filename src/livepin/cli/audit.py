"""`livepin audit`: an exported audit trail, verified without the server that wrote it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from livepin.author.files import read_text
from livepin.cli.exits import Exit
from livepin.cli.options import json_option
from livepin.cli.output import Output
from livepin.errors import InputInvalid
from livepin.server.trail import first_broken


@click.group()
def audit() -> None:
    """Audit trails that a server exported."""


@audit.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--contains", metavar="HASH", help="A hash that was noted earlier: the trail must still hold it.")
@json_option
def verify(file: Path, contains: str | None, as_json: bool) -> int:
    """Verify an exported trail: every entry follows from the one before.

    A chain alone cannot show that its end was cut off, or that it was written anew: note its last hash now and then,
    and pass it with --contains. Exit status 1 where the trail was changed.
    """
    entries = entries_of(read_text(file), str(file))
    broken = first_broken(entries)
    last = str(entries[-1].get("hash", "")) if entries else ""
    lost = contains is not None and contains not in [one.get("hash") for one in entries]
    members = {"entries": len(entries), "last_hash": last, "first_broken": broken, "contains": not lost}
    if broken is not None:
        text = f"CHANGED: entry {broken} does not follow from those before it."
    elif lost:
        text = "CHANGED: the hash that was noted earlier is not in it."
    else:
        text = f"{len(entries)} entries, each follows from the one before. The last hash: {last}"
    intact = broken is None and not lost
    Output(as_json).result({"intact": intact, **members}, text)
    return Exit.OK if intact else Exit.NO


def entries_of(text: str, where: str) -> list[dict[str, Any]]:
    """The entries of an export: JSON lines, a JSON array, or an object whose `entries` they are.

    Raises `InputInvalid`.
    """
    try:
        whole: Any = json.loads(text) if text.lstrip().startswith("[") else None
        found = whole if whole is not None else [json.loads(line) for line in text.splitlines() if line.strip()]
        if len(found) == 1 and isinstance(found[0], dict) and "entries" in found[0]:
            found = found[0]["entries"]
    except ValueError as error:
        raise InputInvalid("json_invalid", f"it is no exported trail: {error}", where=where) from None
    if not all(isinstance(one, dict) for one in found):
        raise InputInvalid("json_invalid", "it is no exported trail: an entry is no object", where=where)
    return list(found)
