"""`livepin decommission`: the last revision of a project, after which nothing is pinned any more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from livepin.author import staging
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
from livepin.cli.project import Wishes
from livepin.cli.publishing import run
from livepin.errors import PublishRefused

#: Applications refresh at least hourly while they run; others start again within days.
KEEP_HOURS = 72


@click.command()
@override_option
@passphrase_option
@no_confirm_option
@timeout_option
@directory_option
@dry_run_option
@json_option
def decommission(directory: Path, as_json: bool, **wishes: Any) -> int:
    """Publish a last revision in which every host is off. Applications stop judging, and nothing breaks.

    The documents stay where they are: `livepin withdraw` removes them, when applications have had time to fetch this.
    """
    out, desk = Output(as_json), Desk.open(directory)
    last = desk.held().published
    if last is None:
        raise PublishRefused("revision_missing", "nothing is published that could end", where=desk.origin.name)
    out.note(f"leave it there for {KEEP_HOURS} hours or longer, then `livepin withdraw`; livepin.toml is not changed")
    return run(out, desk, Wishes(**wishes), staging.off_everywhere(last.document.payload), decommissioned=True)
