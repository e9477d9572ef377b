"""A secret that a server shows once: on standard output, or in a new file that nobody else may read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from livepin.author.files import PRIVATE, write_atomically, write_once
from livepin.cli.output import Output
from livepin.errors import ProjectInvalid

to_option = click.option(
    "--to",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the secret to this new file (mode 0600); else it is on standard output.",
)


def hand_over(
    out: Output, file: Path | None, secret: str, make: Callable[[], Mapping[str, Any]], told: Callable[..., str]
) -> None:
    """Have the server make something, and tell its secret, the member `secret` of the answer, and what else is `told`.

    The secret is alone on standard output, for a pipe; with a file it is there alone. Raises `ProjectInvalid`
    (`file_unwritable`) before anything is made, and what the server refuses with.
    """
    if file is None:
        made = dict(make())
        out.note(f"{told(made)}; it is shown this once")
        out.result({"dry_run": False, **made}, str(made[secret]))
        return
    if not write_once(file, "", PRIVATE):
        hint = "Name a file that is not there yet."
        raise ProjectInvalid("file_unwritable", "is there already, and is not overwritten", where=str(file), hint=hint)
    try:
        made = dict(make())
        write_atomically(file, f"{made.pop(secret)}\n", PRIVATE)
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    out.result({"dry_run": False, **made, "file": str(file)}, f"{told(made)}; it is in {file}")
