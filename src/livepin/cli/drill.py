"""`livepin drill`: lose a key, a CDN, a disk, on loopback, before it happens; and see how long it takes to be safe."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import click

from livepin.cli.drills import stolen_keys, stolen_places, stolen_servers
from livepin.cli.drills.report import DrillFailed, Report
from livepin.cli.drills.stage import Stage
from livepin.cli.exits import Exit
from livepin.cli.options import json_option
from livepin.cli.output import Output, table
from livepin.client.directory import private_directory
from livepin.client.schedule import LONGEST, SHORTEST

#: What the operator has to get along with, in seconds of commands.
OPERATOR_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Drill:
    """What is stolen, and what is played then. `server`: it takes the extra of that name."""

    stolen: str
    play: Callable[[Stage], None]
    server: bool = False


DRILLS = {
    "signing-key": Drill("the signing key", stolen_keys.signing_key),
    "anchor": Drill("one of two anchors, one is asked for", stolen_keys.anchor),
    "anchor-of-two": Drill("one of two anchors, both are asked for", stolen_keys.anchor_of_two),
    "without-key-set": Drill("the only key of a project without key sets", stolen_keys.without_key_set),
    "cdn": Drill("the account of the CDN", stolen_places.cdn),
    "database": Drill("the server's database, then its master key", stolen_servers.database, server=True),
    "token": Drill("a token for the API, of scope publish", stolen_servers.token, server=True),
    "store": Drill("the disk of the application", stolen_places.store),
}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(DRILLS)), metavar="[NAME]...")
@click.option(
    "--refresh-after",
    type=click.IntRange(int(SHORTEST), int(LONGEST)),
    default=int(SHORTEST),
    show_default=True,
    help="Seconds after which the application looks again: what its documents say.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    show_default="the current folder",
    help="Where a folder is made for it, and removed again.",
)
@json_option
def drill(names: tuple[str, ...], refresh_after: int, folder: Path, as_json: bool) -> int:
    """Play an attack on loopback, with real processes: what the operator types, what is refused, how long it takes.

    Without names all drills are played: NAMES. Nothing of yours is touched.
    """
    out = Output(as_json)
    made = Path(tempfile.mkdtemp(prefix="livepin-drill-", dir=folder)).resolve()
    try:
        private_directory(made)
        if any(DRILLS[name].server for name in names):
            import_module("django")  # who misses it is told before anything is made
        say = partial(click.echo, err=as_json)
        reports = [_play(made / name, name, refresh_after, say) for name in names or _all(out)]
    finally:
        shutil.rmtree(made, ignore_errors=True)
    rows = [_row(one) for one in reports]
    heads = ("DRILL", "STOLEN", "OPERATOR", "THIEF OUT AFTER", "AT MOST", "REFUSED", "")
    out.result(
        {"holds": all(one.holds for one in reports), "drills": [one.members() for one in reports]},
        f"\n{table(rows, heads)}",
    )
    return Exit.OK if all(one.holds for one in reports) else Exit.NO


drill.help = (drill.help or "").replace("NAMES", ", ".join(DRILLS))


def _all(out: Output) -> list[str]:
    """Every drill that can be played with what is installed."""
    if find_spec("django") is not None:
        return list(DRILLS)
    left_out = [name for name, one in DRILLS.items() if one.server]
    out.note(f"not played, for want of the extra `server`: {', '.join(left_out)}")
    return [name for name in DRILLS if name not in left_out]


def _play(folder: Path, name: str, refresh_after: int, say: Callable[[str], None]) -> Report:
    report = Report(name, DRILLS[name].stolen, say)
    say(f"\n{name}: stolen: {report.stolen}")
    try:
        with Stage(folder, report, refresh_after) as stage:
            DRILLS[name].play(stage)
    except DrillFailed as error:
        report.claim(str(error), False)
    if report.commands:
        # How fast a command starts says something of this machine, and nothing of what is refused: it fails no drill.
        slow = (
            "" if report.operator < OPERATOR_SECONDS else f": more than {OPERATOR_SECONDS:.0f} s, this machine is busy"
        )
        report.tell(f"the operator's commands ran for {report.operator:.1f} s{slow}")
    return report


def _row(report: Report) -> tuple[str, ...]:
    operator = f"{report.operator:.1f} s" if report.commands else "nothing"
    took = "never in" if report.took is None else f"{report.took:.1f} s"
    bound = "" if report.bound is None else f"{report.bound:.1f} s"
    refused = ", ".join(dict.fromkeys(report.refused))
    return report.name, report.stolen, operator, took, bound, refused, "ok" if report.holds else "FAILED"
