"""`livepin rollback`: a new serial with old content; applications never go back to an old number (V8)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from livepin.cli.desk import Desk
from livepin.cli.options import publishing_options
from livepin.cli.output import Output
from livepin.cli.publish import Wishes, run
from livepin.core.trust import Revision, verify_held
from livepin.errors import DocumentRefused, ProjectInvalid
from livepin.publish.places import revision_key


@click.command()
@click.argument("serial", type=click.IntRange(1))
@publishing_options
def rollback(serial: int, directory: Path, as_json: bool, **wishes: Any) -> int:
    """Publish what revision SERIAL said, under the next serial. The project file stays as it is."""
    out, desk, wanted = Output(as_json), Desk.open(directory), Wishes(**wishes)
    old = _find(desk, serial)
    if not wanted.dry_run:
        out.note("livepin.toml is not changed: `livepin diff` shows what the next publish will bring back")
    return run(out, desk, wanted, old.document.payload, rollback_of=serial)


def _find(desk: Desk, serial: int) -> Revision:
    """The revision from the drawer, else from the folder. Raises `ProjectInvalid` (`revision_missing`)."""
    for revision in desk.revisions.kept(desk.trust):
        if revision.number == (0, serial):
            return revision
    project = desk.project
    data = desk.origin.read(revision_key(project.organization, project.project, 0, serial))
    try:
        return verify_held(data or b"", desk.trust)
    except DocumentRefused as error:
        why = error.message if data else "neither in revisions/ nor in the folder"
        raise ProjectInvalid("revision_missing", f"there is no revision {serial}: {why}", where="rollback") from None
