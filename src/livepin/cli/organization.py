"""`livepin organization`: the organizations of a server that one belongs to."""

from __future__ import annotations

from pathlib import Path

import click

from livepin.cli.options import json_option
from livepin.cli.output import Output, table
from livepin.cli.where import Where, server_of

server_option = click.option("--server", default="", metavar="PROFILE", help="The server; else the default profile's.")


@click.group()
def organization() -> None:
    """Organizations on a server. They are made, and people invited, in the dashboard."""


@organization.command("list")
@server_option
@json_option
def list_(server: str, as_json: bool) -> None:
    """List the organizations that the account, or the token, sees."""
    profile = server_of(Where(Path(), server=server))
    found = list(profile.api().every("/organizations"))
    rows = [(str(one["organization"]), str(one["name"])) for one in found]
    members = {"server": profile.url, "organizations": found}
    Output(as_json).result(members, table(rows, ("ORGANIZATION", "NAME")) or "no organizations")
