"""`livepin embed`: the three strings and the URL that an application carries, and a seed for its first start."""

from __future__ import annotations

from pathlib import Path

import click

from livepin.author.files import write_atomically
from livepin.author.keys import embedded_text
from livepin.cli.options import dry_run_option, json_option
from livepin.cli.output import Output, table
from livepin.cli.projects import open_project
from livepin.cli.where import Where, project_options
from livepin.core.trust import Trust, verify_held

#: What stands in for the URL until there is one.
NO_URL = "https://YOUR-CDN/"


@click.command()
@click.option("--seed", type=click.Path(dir_okay=False, path_type=Path), help="Write the published document here.")
@click.option("--python", "only_python", is_flag=True, help="Print the lines of Python alone, for a file of their own.")
@project_options
@dry_run_option
@json_option
def embed(seed: Path | None, only_python: bool, where: Where, dry_run: bool, as_json: bool) -> None:
    """Print what an application embeds, for Python and as plain values: all anchors, and the threshold above 1.

    With --seed the document itself is bundled: a first start then needs no network. Containers ship a seed.
    """
    out, project = Output(as_json), open_project(where)
    trust, url = project.trust, project.url
    if seed is not None:
        text, _ = project.document()
        verify_held(text, trust)
        if not dry_run:
            write_atomically(seed, text)
    if not url:
        place = "for the project on its server" if project.on_server else "under [publish] in livepin.toml"
        out.note(f"no public URL is configured: set `url` {place}")
    members = {**values(trust, url), "seed": None if seed is None else str(seed), "dry_run": dry_run}
    members["python"] = snippet(trust, url, seed)
    plain = "" if only_python else f"{table(_rows(trust, url))}\n\n"
    out.result(members, plain + snippet(trust, url, seed))


def values(trust: Trust, url: str) -> dict[str, str | list[str] | int]:
    """The values, by the names that set-up has for them: one anchor as text, several as a list."""
    anchors = [embedded_text(anchor) for anchor in trust.anchors.values()]
    threshold = {"threshold": trust.threshold} if trust.threshold > 1 else {}
    return {
        "organization_id": trust.organization,
        "project_id": trust.project,
        "public_key": anchors[0] if len(anchors) == 1 else anchors,
        **threshold,
        "configuration_url": url or NO_URL,
    }


def _rows(trust: Trust, url: str) -> list[tuple[str, str]]:
    """The values, one a line."""
    rows: list[tuple[str, str]] = []
    for name, value in values(trust, url).items():
        rows += [(name, str(one)) for one in (value if isinstance(value, list) else [value])]
    return rows


def _python(name: str, value: str | list[str] | int) -> list[str]:
    if isinstance(value, list):
        return [f"    {name}=[", *(f'        "{one}",' for one in value), "    ],"]
    return [f"    {name}={value}," if isinstance(value, int) else f'    {name}="{value}",']


def snippet(trust: Trust, url: str, seed: Path | None) -> str:
    """The lines of Python."""
    lines = ["import livepin", ""]
    arguments = [line for name, value in values(trust, url).items() for line in _python(name, value)]
    if seed is not None:
        lines = ["from pathlib import Path", "", *lines]
        arguments.append(f'    seed=Path(__file__).with_name("{seed.name}"),')
    return "\n".join([*lines, "livepin.setup(", *arguments, ")"])
