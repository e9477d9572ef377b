"""`livepin publishes`: what was asked for on a server, and what waits there for somebody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import click

from livepin.author.staging import Change
from livepin.cli import server_publish
from livepin.cli.findings import changes_text, settlement_text
from livepin.cli.options import dry_run_option, json_option
from livepin.cli.output import Output, moment, table
from livepin.cli.project_server import ServerProject, changes_of
from livepin.cli.projects import on_server
from livepin.cli.where import Where, project_options
from livepin.errors import Conflict, ProjectInvalid

#: The newest ones are looked through.
_MOST = 50
#: As much of an ID as is shown: nobody has to type the rest.
_SHOWN = 8


@click.group()
def publishes() -> None:
    """Publishes of a server's project. `livepin publish` asks for one."""


@publishes.command("list")
@project_options
@json_option
def list_(where: Where, as_json: bool) -> None:
    """List the newest publishes: what became of them, and what waits for somebody."""
    project = on_server(where)
    found = _newest(project)
    heads = ("ID", "WHAT", "STATE", "ASKED FOR", "REVISION", "NOTE")
    text = table([_row(one) for one in found], heads) or "nothing was asked for"
    Output(as_json).result({"server": project.api.url, "publishes": found}, text)


def _newest(project: ServerProject) -> list[dict[str, Any]]:
    return list(project.api.get(f"{project.path}/publishes", limit=_MOST).members["items"])


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    number = f"{one['epoch']}.{one['serial']}" if "serial" in one else "-"
    note = one.get("problem", {}).get("code") or one["note"] or "-"
    return str(one["id"])[:_SHOWN], one["what"], server_publish.standing(one), moment(one["created_at"]), number, note


def _deciding(command: Callable[..., Any]) -> Callable[..., Any]:
    """The argument and the options of a command that decides about one publish."""
    for option in (json_option, dry_run_option, project_options, click.argument("publish", metavar="ID")):
        command = option(command)
    return command


@publishes.command()
@_deciding
def approve(publish: str, where: Where, dry_run: bool, as_json: bool) -> int:
    """Say yes to the publish ID, which another member asked for; then follow it. --dry-run shows what it changes."""
    return _decide("approve", publish, where, Output(as_json), dry_run=dry_run)


@publishes.command()
@_deciding
def retry(publish: str, where: Where, dry_run: bool, as_json: bool) -> int:
    """Go on with the publish ID, which failed; then follow it."""
    return _decide("retry", publish, where, Output(as_json), dry_run=dry_run)


@publishes.command()
@_deciding
def cancel(publish: str, where: Where, dry_run: bool, as_json: bool) -> int:
    """Call off the publish ID, of which nothing was delivered yet."""
    return _decide("cancel", publish, where, Output(as_json), dry_run=dry_run)


def _decide(act: str, text: str, where: Where, out: Output, *, dry_run: bool) -> int:
    project = on_server(where)
    one = _find(project, text)
    path = f"{project.path}/publishes/{one['id']}"
    if dry_run:
        changes = _changes(project, path)
        lines = ["  ".join(_row(one)), settlement_text(server_publish.settlement_of(one["findings"]))]
        lines += [changes_text(changes), f"would {act} it"]
        members = {"dry_run": True, "publish": one, "changes": [asdict(change) for change in changes]}
        out.result(members, "\n".join(line for line in lines if line))
        return 0
    done = project.api.ask("POST", f"{path}/{act}").members
    if act == "cancel":
        out.result({"dry_run": False, "publish": done}, f"{one['id']} is {done['state']}")
        return 0
    return server_publish.follow(out, project, path)


def _changes(project: ServerProject, path: str) -> tuple[Change, ...]:
    """What it would change: what was frozen when it was asked for, and not what the draft says now."""
    try:
        return tuple(changes_of(project.api.get(f"{path}/diff").members["changes"]))
    except Conflict:
        return ()  # it is over


def _find(project: ServerProject, text: str) -> dict[str, Any]:
    """The one publish whose ID begins like this. Raises `ProjectInvalid` (`entry_missing`)."""
    found = [one for one in _newest(project) if text and str(one["id"]).startswith(text)]
    if len(found) != 1:
        message = f"{len(found) or 'none'} of the newest publishes {'have' if found else 'has'} an ID that begins so"
        hint = "`livepin publishes list` shows them."
        raise ProjectInvalid("entry_missing", message, where=repr(text[:80]), hint=hint)
    return found[0]
