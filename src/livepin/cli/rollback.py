"""`livepin rollback`: a new serial with old content; applications never go back to an old number (V8)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from livepin.cli.desk import Desk
from livepin.cli.options import NumberType, publishing_options
from livepin.cli.output import Output
from livepin.cli.publish import Wishes, run
from livepin.core.trust import Revision, verify_held
from livepin.errors import DocumentRefused, ProjectInvalid
from livepin.publish.places import revision_key


@click.command()
@click.argument("number", type=NumberType(), metavar="[EPOCH.]SERIAL")
@publishing_options
def rollback(number: tuple[int | None, int], directory: Path, as_json: bool, **wishes: Any) -> int:
    """Publish what revision SERIAL said, under the next serial. The project file stays as it is."""
    out, desk, wanted = Output(as_json), Desk.open(directory), Wishes(**wishes)
    epoch = desk.epoch if number[0] is None else number[0]
    old = _find(desk, epoch, number[1])
    if not wanted.dry_run:
        out.note("livepin.toml is not changed: `livepin diff` shows what the next publish will bring back")
    of = old.serial if number[0] is None else f"{old.epoch}.{old.serial}"
    return run(out, desk, wanted, old.document.payload, rollback_of=of)


def _find(desk: Desk, epoch: int, serial: int) -> Revision:
    """The revision from the drawer, else from the folder. Raises `ProjectInvalid` (`revision_missing`)."""
    for revision in desk.revisions.kept(desk.trust):
        if revision.number == (epoch, serial):
            return revision
    project = desk.project
    data = desk.origin.read(revision_key(project.organization, project.project, epoch, serial))
    try:
        return verify_held(data or b"", desk.trust)
    except DocumentRefused as error:
        why = error.message if data else "neither in revisions/ nor in the folder"
        name = f"{epoch}.{serial}" if epoch else str(serial)
        raise ProjectInvalid("revision_missing", f"there is no revision {name}: {why}", where="rollback") from None
