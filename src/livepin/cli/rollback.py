"""`livepin rollback`: a new serial with old content; applications never go back to an old number (V8)."""

from __future__ import annotations

from pathlib import Path

import click

from livepin.cli.desk import Desk
from livepin.cli.options import (
    directory_option,
    dry_run_option,
    json_option,
    no_confirm_option,
    override_option,
    passphrase_option,
    timeout_option,
)
from livepin.cli.output import Output
from livepin.cli.publish import Wishes, run
from livepin.core.guard import Rule
from livepin.core.trust import Revision, verify_held
from livepin.errors import DocumentRefused, ProjectInvalid
from livepin.publish.places import revision_key


@click.command()
@click.argument("serial", type=click.IntRange(1))
@override_option
@passphrase_option
@no_confirm_option
@timeout_option
@directory_option
@dry_run_option
@json_option
def rollback(
    serial: int,
    overrides: tuple[tuple[Rule, str], ...],
    passphrase_file: Path | None,
    no_confirm: bool,
    timeout: float,
    directory: Path,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Publish what revision SERIAL said, under the next serial. The project file stays as it is."""
    out, desk = Output(as_json), Desk.open(directory)
    old = _find(desk, serial)
    wishes = Wishes(overrides, passphrase_file, no_confirm, timeout, dry_run)
    status = run(out, desk, wishes, old.document.payload, rollback_of=serial)
    if not dry_run and not as_json:
        out.note("livepin.toml was not changed: `livepin diff` shows what the next publish would bring back")
    return status


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
