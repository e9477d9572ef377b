"""`livepin decommission`: the last revision of a project, after which nothing is pinned any more."""

from __future__ import annotations

from typing import Any

import click

from livepin.cli.options import ReasonType, yes_option
from livepin.cli.output import Output
from livepin.cli.project import KEEP_HOURS, Ending, Wishes
from livepin.cli.projects import open_project
from livepin.cli.where import Where, publishing_options


@click.command()
@click.option("--reason", type=ReasonType(), default=None, help="Why; it is recorded. A server asks for it.")
@click.option(
    "--keep-hours",
    type=click.IntRange(0, 8760),
    default=KEEP_HOURS,
    show_default=True,
    help="Hours until the documents may go: a server removes them then.",
)
@yes_option
@publishing_options
def decommission(reason: str | None, keep_hours: int, yes: bool, where: Where, as_json: bool, **wishes: Any) -> int:
    """Publish a last revision in which every host is off. Applications stop judging, and nothing breaks.

    In files the documents stay where they are: `livepin withdraw` removes them, when applications have had time to
    fetch this. A server removes them by itself, and takes no changes of the project any more.
    """
    given = Wishes(**wishes)
    ending = Ending(reason or "", keep_hours, yes, given.dry_run)
    return open_project(where).decommission(Output(as_json), given, ending)
