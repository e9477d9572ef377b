"""`livepin embed`: the three strings and the URL that an application carries, and a seed for its first start."""

from __future__ import annotations

from pathlib import Path

import click

from livepin.author.files import write_atomically
from livepin.author.keys import embedded_text
from livepin.cli.desk import Desk
from livepin.cli.options import directory_option, dry_run_option, json_option
from livepin.cli.output import Output, table
from livepin.cli.source import read_source
from livepin.core.trust import verify_held

#: What stands in for the URL until there is one.
NO_URL = "https://YOUR-CDN/"


@click.command()
@click.option("--seed", type=click.Path(dir_okay=False, path_type=Path), help="Write the published document here.")
@click.option("--python", "only_python", is_flag=True, help="Print the lines of Python alone, for a file of their own.")
@directory_option
@dry_run_option
@json_option
def embed(seed: Path | None, only_python: bool, directory: Path, dry_run: bool, as_json: bool) -> None:
    """Print what an application embeds, for Python and as plain values: all anchors, and the threshold above 1.

    With --seed the document itself is bundled: a first start then needs no network. Containers ship a seed.
    """
    out, desk = Output(as_json), Desk.open(directory)
    if seed is not None:
        text, _ = read_source(None, directory)
        verify_held(text, desk.trust)
        if not dry_run:
            write_atomically(seed, text)
    if not desk.url:
        out.note("no public URL is configured: set `url` under [publish] in livepin.toml")
    members = {**values(desk), "seed": None if seed is None else str(seed), "dry_run": dry_run}
    members["python"] = snippet(desk, seed)
    plain = "" if only_python else f"{table(_rows(desk))}\n\n"
    out.result(members, plain + snippet(desk, seed))


def values(desk: Desk) -> dict[str, str | list[str] | int]:
    """The values, by the names that set-up has for them: one anchor as text, several as a list."""
    anchors = [embedded_text(anchor) for anchor in desk.project.anchors]
    threshold = {"threshold": desk.project.threshold} if desk.project.threshold > 1 else {}
    return {
        "organization_id": desk.project.organization,
        "project_id": desk.project.project,
        "public_key": anchors[0] if len(anchors) == 1 else anchors,
        **threshold,
        "configuration_url": desk.project.url or NO_URL,
    }


def _rows(desk: Desk) -> list[tuple[str, str]]:
    """The values, one a line."""
    rows: list[tuple[str, str]] = []
    for name, value in values(desk).items():
        rows += [(name, str(one)) for one in (value if isinstance(value, list) else [value])]
    return rows


def _python(name: str, value: str | list[str] | int) -> list[str]:
    if isinstance(value, list):
        return [f"    {name}=[", *(f'        "{one}",' for one in value), "    ],"]
    return [f"    {name}={value}," if isinstance(value, int) else f'    {name}="{value}",']


def snippet(desk: Desk, seed: Path | None) -> str:
    """The lines of Python."""
    lines = ["import livepin", ""]
    arguments = [line for name, value in values(desk).items() for line in _python(name, value)]
    if seed is not None:
        lines = ["from pathlib import Path", "", *lines]
        arguments.append(f'    seed=Path(__file__).with_name("{seed.name}"),')
    return "\n".join([*lines, "livepin.setup(", *arguments, ")"])
