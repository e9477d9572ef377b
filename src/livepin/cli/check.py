"""`livepin check`: the draft held against what is live, as every publish will be."""

from __future__ import annotations

import click

from livepin.cli.exits import Exit
from livepin.cli.findings import settlement_members, settlement_text
from livepin.cli.options import json_option, override_option, timeout_option
from livepin.cli.output import Output
from livepin.cli.projects import open_project
from livepin.cli.where import Where, project_options
from livepin.core.guard import Rule


@click.command()
@override_option
@timeout_option
@project_options
@json_option
def check(overrides: tuple[tuple[Rule, str], ...], timeout: float, where: Where, as_json: bool) -> int:
    """Look at every host and ask the guard; exit status 1 when a publish would be refused."""
    out = Output(as_json)
    settlement = open_project(where).check(dict(overrides), timeout, out)
    verdict = "the guard refuses" if settlement.open else "the guard has nothing against publishing"
    members = {"passed": not settlement.open, **settlement_members(settlement)}
    out.result(members, f"{settlement_text(settlement)}\n{verdict}".strip())
    return Exit.NO if settlement.open else Exit.OK
