"""`livepin rollback`: a new serial with old content; applications never go back to an old number (V8)."""

from __future__ import annotations

from typing import Any

import click

from livepin.cli.options import NumberType
from livepin.cli.output import Output
from livepin.cli.project import Wishes
from livepin.cli.projects import open_project
from livepin.cli.where import Where, publishing_options


@click.command()
@click.argument("number", type=NumberType(), metavar="[EPOCH.]SERIAL")
@publishing_options
def rollback(number: tuple[int | None, int], where: Where, as_json: bool, **wishes: Any) -> int:
    """Publish what revision SERIAL said, under the next serial. The draft stays as it is."""
    return open_project(where).rollback(Output(as_json), Wishes(**wishes), *number)
