"""`livepin publish`: stage → check → sign → deliver, in one command that is safe to repeat."""

from __future__ import annotations

from typing import Any

import click

from livepin.cli.output import Output
from livepin.cli.project import Wishes
from livepin.cli.projects import open_project
from livepin.cli.where import Where, publishing_options


@click.command()
@publishing_options
def publish(where: Where, as_json: bool, **wishes: Any) -> int:
    """Publish the project: what is live is looked at, the guard asked, the document signed and delivered."""
    return open_project(where).publish(Output(as_json), Wishes(**wishes))
