"""`livepin diff`: what publishing would change."""

from __future__ import annotations

from dataclasses import asdict

import click

from livepin.cli.findings import changes_text
from livepin.cli.options import json_option
from livepin.cli.output import Output
from livepin.cli.projects import open_project
from livepin.cli.where import Where, project_options


@click.command()
@project_options
@json_option
def diff(where: Where, as_json: bool) -> None:
    """Compare the draft with what is published."""
    out = Output(as_json)
    found = open_project(where).compare()
    for note in found.notes:
        out.note(note)
    members = {"published": found.published, "changes": [asdict(one) for one in found.changes]}
    out.result(members, changes_text(found.changes) or f"nothing differs from {found.published or 'nothing'}")
