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
    """Print what an application embeds, for Python and as plain values.

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
    plain = "" if only_python else f"{table(list(values(desk).items()))}\n\n"
    out.result(members, plain + snippet(desk, seed))


def values(desk: Desk) -> dict[str, str]:
    """The plain values, by the names that set-up has for them."""
    return {
        "organization_id": desk.project.organization,
        "project_id": desk.project.project,
        "public_key": embedded_text(desk.project.public_key),
        "configuration_url": desk.project.url or NO_URL,
    }


def snippet(desk: Desk, seed: Path | None) -> str:
    """The lines of Python."""
    lines = ["import livepin", ""]
    arguments = [f'    {name}="{value}",' for name, value in values(desk).items()]
    if seed is not None:
        lines = ["from pathlib import Path", "", *lines]
        arguments.append(f'    seed=Path(__file__).with_name("{seed.name}"),')
    return "\n".join([*lines, "livepin.setup(", *arguments, ")"])
