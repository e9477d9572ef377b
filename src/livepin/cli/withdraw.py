"""`livepin withdraw`: remove a project's documents from where they are published, at once."""

from __future__ import annotations

import click

from livepin.cli.options import ReasonType, dry_run_option, json_option, yes_option
from livepin.cli.output import Output
from livepin.cli.project import Ending
from livepin.cli.projects import open_project
from livepin.cli.where import Where, project_options


@click.command()
@click.option("--reason", type=ReasonType(), required=True, help="Why; it is recorded.")
@yes_option
@project_options
@dry_run_option
@json_option
def withdraw(reason: str, yes: bool, where: Where, dry_run: bool, as_json: bool) -> int:
    """Remove every document of the project from its folder, or from its server. The CDN has to be purged as well.

    Applications go on judging by what they hold until it expires; those that start without a document refuse their
    hosts. For a project that is over, and at once for one whose keys or documents cannot be trusted any more. On a
    server nothing is signed for the project any more.
    """
    return open_project(where).withdraw(Output(as_json), Ending(reason, agreed=yes, dry_run=dry_run))
