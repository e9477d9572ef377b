"""`livepin withdraw`: remove a project's documents from where they are published, at once."""

from __future__ import annotations

import time
from pathlib import Path

import click

from livepin.cli.desk import Desk
from livepin.cli.options import directory_option, dry_run_option, json_option
from livepin.cli.output import Output
from livepin.errors import InputInvalid
from livepin.publish import withdrawal

_LONGEST = 500


@click.command()
@click.option("--reason", required=True, help="Why; it goes into the journal.")
@directory_option
@dry_run_option
@json_option
def withdraw(reason: str, directory: Path, dry_run: bool, as_json: bool) -> None:
    """Remove every document of the project from its folder. The CDN has to be purged as well.

    Applications go on judging by what they hold until it expires; those that start without a document refuse their
    hosts. For a project that is over, and at once for one whose keys or documents cannot be trusted any more.
    """
    out, desk = Output(as_json), Desk.open(directory)
    project = desk.project
    if not reason.strip() or len(reason) > _LONGEST or not reason.isprintable():
        raise InputInvalid("usage", f"not one line of 1 to {_LONGEST} characters", where="--reason")
    held = desk.held()
    numbers = {one.number for one in held.everything}
    if dry_run:
        text = f"would remove {project.organization}/{project.project} from {desk.origin.name}"
        out.result({"dry_run": True, "origin": desk.origin.name, "known": len(numbers)}, text)
        return
    removed = withdrawal.remove([desk.origin], project.organization, project.project, numbers)
    entry = {"at": int(time.time()), "what": "withdrawn", "reason": reason.strip(), "origin": desk.origin.name}
    desk.revisions.record(entry)
    if desk.url:
        out.note(f"purge the CDN: {desk.url} may go on serving a copy")
    lines = [f"{removed} revisions and the pointer are gone from {desk.origin.name}"]
    lines.append("applications go on by what they hold, until it expires; new ones refuse their hosts")
    out.result({"dry_run": False, "origin": desk.origin.name, "removed": removed}, "\n".join(lines))
