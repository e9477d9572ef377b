"""`livepin sign`: a signed revision in `revisions/`, not published yet (by somebody else, from another machine)."""

from __future__ import annotations

from pathlib import Path

import click

from livepin.cli.desk import Desk
from livepin.cli.exits import Exit
from livepin.cli.findings import revision_members, settlement_members, settlement_text
from livepin.cli.options import (
    directory_option,
    dry_run_option,
    json_option,
    override_option,
    passphrase_option,
    timeout_option,
)
from livepin.cli.output import Output
from livepin.cli.publish import signer_of
from livepin.cli.release import Release, refuse_open, stage
from livepin.core.guard import Rule


@click.command()
@override_option
@passphrase_option
@timeout_option
@directory_option
@dry_run_option
@json_option
def sign(
    overrides: tuple[tuple[Rule, str], ...],
    passphrase_file: Path | None,
    timeout: float,
    directory: Path,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Stage, check and sign; the next `livepin publish` delivers these bytes, without asking for the passphrase."""
    out, desk = Output(as_json), Desk.open(directory)
    staged = stage(desk)
    for note in staged.held.notes:
        out.note(note)
    release = Release(desk, dict(overrides), timeout, out.progress)
    settlement = release.settle(staged.draft, staged.held.published)
    path = desk.revisions.path(0, staged.payload["serial"])
    if dry_run:
        members = {"dry_run": True, "file": str(path), **settlement_members(settlement)}
        out.result(members, f"{settlement_text(settlement)}\nwould sign {path}".strip())
        return Exit.NO if settlement.open else Exit.OK
    refuse_open(settlement)
    revision = staged.pending or release.sign(staged.payload, signer_of(desk, passphrase_file)(), settlement)
    members = {"file": str(path), "already": staged.pending is not None, **revision_members(revision)}
    text = f"{settlement_text(settlement)}\n{'signed already' if staged.pending else 'signed'}: {path}"
    out.result({**members, **settlement_members(settlement)}, text.strip())
    return Exit.OK
