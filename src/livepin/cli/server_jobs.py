"""`livepin server jobs`: work that the server gave up, for whoever has a shell on its machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from livepin.cli.exits import Exit
from livepin.cli.installation import data_option, enter
from livepin.cli.options import json_option
from livepin.cli.output import Output, moment, table
from livepin.errors import InputInvalid

_MOST = 1000
_ids = click.argument("numbers", type=click.IntRange(1), nargs=-1, metavar="[ID]...")
_all = click.option("--all", "everything", is_flag=True, help="All of them.")


@click.group()
def jobs() -> None:
    """Jobs that failed so often that the server does not try them again."""


@jobs.command("list")
@data_option
@json_option
def list_(data: Path | None, as_json: bool) -> None:
    """List dead jobs, the newest first: what, about which project, since when and why."""
    enter(data)
    from livepin.server import queue
    from livepin.server.jobs.about import about

    found = queue.dead(_MOST)
    names = about(found)
    rows, members = [], []
    for one in found:
        died_at = None if one.died_at is None else int(one.died_at.timestamp())
        rows.append((str(one.id), one.task, names[one.id] or "-", moment(died_at), one.problem or "-"))
        said = {"id": one.id, "task": one.task, "project": names[one.id], "arguments": one.arguments}
        members.append({**said, "died_at": died_at, "problem": one.problem})
    text = table(rows, ("ID", "TASK", "PROJECT", "SINCE", "WHY")) or "no job is dead"
    Output(as_json).result({"jobs": members}, text)


@jobs.command()
@_ids
@_all
@data_option
@json_option
def retry(numbers: tuple[int, ...], everything: bool, data: Path | None, as_json: bool) -> int:
    """Have the dead jobs ID run once more: eight tries again, the first of them now.

    A publish has given up by itself and is tried again on its page, or by `livepin publishes retry`.
    """
    enter(data)
    from livepin.server import queue

    return _each(numbers, everything, queue.retry, "waits again", Output(as_json))


@jobs.command()
@_ids
@_all
@data_option
@json_option
def drop(numbers: tuple[int, ...], everything: bool, data: Path | None, as_json: bool) -> int:
    """Forget the dead jobs ID. The server does it by itself after 60 days."""
    enter(data)
    from livepin.server import queue

    return _each(numbers, everything, queue.drop, "is forgotten", Output(as_json))


def _each(numbers: tuple[int, ...], everything: bool, act: Callable[[int], bool], what: str, out: Output) -> int:
    """Act on each; the exit status. Raises `InputInvalid` where nothing was named."""
    from livepin.server import queue

    if everything == bool(numbers):
        raise InputInvalid("usage", "name the jobs by their IDs, or all of them with --all", where="ID")
    wanted = [one.id for one in queue.dead(_MOST)] if everything else list(dict.fromkeys(numbers))
    done = [one for one in wanted if act(one)]
    missing = [one for one in wanted if one not in done]
    lines = [f"{one} {what}" for one in done] + [f"{one} is no dead job" for one in missing]
    out.result({"done": done, "missing": missing}, "\n".join(lines) or "no job is dead")
    return Exit.NO if missing else Exit.OK
