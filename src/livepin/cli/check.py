"""`livepin check`: the project held against what is live, as every publish will be."""

from __future__ import annotations

from pathlib import Path

import click

from livepin.cli.desk import Desk
from livepin.cli.exits import Exit
from livepin.cli.findings import settlement_members, settlement_text
from livepin.cli.options import directory_option, json_option, override_option, timeout_option
from livepin.cli.output import Output
from livepin.cli.release import Release, stage
from livepin.core.guard import Rule


@click.command()
@override_option
@timeout_option
@directory_option
@json_option
def check(overrides: tuple[tuple[Rule, str], ...], timeout: float, directory: Path, as_json: bool) -> int:
    """Look at every host and ask the guard; exit status 1 when a publish would be refused."""
    out = Output(as_json)
    desk = Desk.open(directory)
    staged = stage(desk)
    for note in staged.held.notes:
        out.note(note)
    settlement = Release(desk, dict(overrides), timeout, out.progress).settle(staged.draft, staged.held.published)
    verdict = "the guard refuses" if settlement.open else "the guard has nothing against publishing"
    members = {"passed": not settlement.open, **settlement_members(settlement)}
    out.result(members, f"{settlement_text(settlement)}\n{verdict}".strip())
    return Exit.NO if settlement.open else Exit.OK
