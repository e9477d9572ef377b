"""`livepin profile`: the servers that this machine knows, and which of their projects commands work on."""

from __future__ import annotations

from dataclasses import replace

import click

from livepin.cli import profiles
from livepin.cli.options import json_option
from livepin.cli.output import Output, table


@click.group()
def profile() -> None:
    """Servers that somebody signed in to on this machine."""


@profile.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the profiles; * is used where none is named."""
    known = profiles.load()
    rows: list[tuple[str, ...]] = []
    members: list[dict[str, object]] = []
    for one in known.by_name.values():
        is_default, signed = one.name == known.default, bool(one.token)
        rows.append(("*" if is_default else "", one.name, one.url, one.project or "-", "yes" if signed else "no"))
        said = {"profile": one.name, "server": one.url, "project": one.project}
        members.append({**said, "default": is_default, "signed_in": signed})
    text = table(rows, ("", "PROFILE", "SERVER", "PROJECT", "SIGNED IN")) or "no profiles"
    Output(as_json).result({"profiles": members, "file": str(profiles.path())}, text)


@profile.command()
@click.argument("name")
@click.option("--project", default="", metavar="ORG/PROJECT", help="The project that commands work on from now on.")
@json_option
def use(name: str, project: str, as_json: bool) -> None:
    """Make the profile NAME the one that commands use where none is named."""
    known = profiles.load()
    if project:
        profiles.check_project(project)
    found = known.find(name)
    chosen = replace(found, project=project or found.project)
    known.with_profile(chosen, default=True).save()
    members = {"profile": name, "server": chosen.url, "project": chosen.project}
    Output(as_json).result(members, f"{name}: {chosen.project or 'no project'} on {chosen.url}")
