"""`livepin diff`: what publishing would change."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from livepin.author import staging
from livepin.cli.desk import Desk
from livepin.cli.findings import changes_text
from livepin.cli.options import directory_option, json_option
from livepin.cli.output import Output
from livepin.cli.release import stage


@click.command()
@directory_option
@json_option
def diff(directory: Path, as_json: bool) -> None:
    """Compare the project with what is published."""
    out = Output(as_json)
    staged = stage(Desk.open(directory))
    for note in staged.held.notes:
        out.note(note)
    published = staged.held.published
    changes = staging.diff(None if published is None else published.document.payload, staged.payload)
    number = None if published is None else f"{published.epoch}.{published.serial}"
    members = {"published": number, "changes": [asdict(one) for one in changes]}
    out.result(members, changes_text(changes) or f"nothing differs from {number or 'nothing'}")
