"""`livepin token`: API tokens of an organization on a server, for machines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from livepin.cli.api import one_line, part
from livepin.cli.options import dry_run_option, json_option
from livepin.cli.organization import SHOWN, identity, organization_option, server_option, there_of
from livepin.cli.output import Output, moment, table
from livepin.cli.shown_once import hand_over, to_option

#: What a token may at most, from the least to the most.
SCOPES = ("read", "stage", "publish")
_MAX_DAYS = 366


@click.group()
def token() -> None:
    """API tokens on a server, for machines. A person signs in by `livepin login`."""


@token.command("list")
@organization_option
@server_option
@json_option
def list_(organization: str, server: str, as_json: bool) -> None:
    """List the valid tokens that one may revoke: all of them for who manages the organization, else one's own."""
    there = there_of(server, organization)
    found = there.every("token")
    heads = ("ID", "NAME", "SCOPE", "PROJECT", "ACCOUNT", "UNTIL", "LAST USED")
    text = table([_row(one) for one in found], heads) or "no tokens"
    Output(as_json).result({"server": there.api.url, "organization": there.name, "tokens": found}, text)


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    used = moment(one.get("last_used_at")) or "never"
    about = (
        one_line(str(one["name"])),
        str(one["scope"]),
        str(one.get("project", "(all)")),
        str(one["account"])[:SHOWN],
    )
    return str(one["id"])[:SHOWN], *about, moment(one["expires_at"]), used


@token.command()
@click.option("--name", required=True, help="What it is for, for people.")
@click.option("--scope", type=click.Choice(SCOPES), required=True, help="What it may at most.")
@click.option("--project", default="", metavar="ORG/PROJECT", help="The one project that it is for; else all of them.")
@click.option("--days", type=click.IntRange(1, _MAX_DAYS), default=90, show_default=True, help="How long it is valid.")
@to_option
@organization_option
@server_option
@dry_run_option
@json_option
def new(
    name: str,
    scope: str,
    project: str,
    days: int,
    file: Path | None,
    organization: str,
    server: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make a token of one's own account, which never may more than that. It takes a person who signed in.

    Its secret is shown once: alone on standard output, or in a new file.
    """
    out, there = Output(as_json), there_of(server, organization, project)
    identifier = project.partition("/")[2]
    wish = {"name": name, "scope": scope, "days": days, "project": identifier}
    if dry_run:
        there.api.get(f"{there.path}/projects/{part(identifier)}" if identifier else there.path)
        text = f"would make a token that may {scope} in {project or there.name} for {days} days"
        out.result({"dry_run": True, "server": there.api.url, "organization": there.name, **wish}, text)
        return

    def told(made: Mapping[str, Any]) -> str:
        where = project or f"all projects of {there.name}"
        return f"token {identity(made)[:SHOWN]} may {scope} in {where} until {moment(made['expires_at'])}"

    hand_over(out, file, "token", lambda: there.api.ask("POST", f"{there.path}/tokens", wish).members, told)


@token.command()
@click.argument("token", metavar="ID")
@organization_option
@server_option
@dry_run_option
@json_option
def revoke(token: str, organization: str, server: str, dry_run: bool, as_json: bool) -> None:
    """End the token ID at once; the beginning of its ID will do. The token itself is never an argument."""
    there = there_of(server, organization)
    one = there.find("token", token)
    if not dry_run:
        there.api.ask("DELETE", f"{there.path}/tokens/{identity(one)}")
    said = f"would revoke {identity(one)}" if dry_run else f"{identity(one)} is revoked"
    members = {"dry_run": dry_run, "server": there.api.url, "organization": there.name, "token": one}
    Output(as_json).result(members, f"{said} ({one_line(str(one['name']))}, {one['scope']})")
