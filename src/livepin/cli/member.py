"""`livepin member`: who belongs to an organization on a server, and as what."""

from __future__ import annotations

import click

from livepin.cli.api import one_line
from livepin.cli.options import dry_run_option, json_option
from livepin.cli.organization import ROLES, SHOWN, identity, organization_option, server_option, there_of
from livepin.cli.output import Output, moment, table

_member = click.argument("member", metavar="MEMBER")


@click.group()
def member() -> None:
    """Members of an organization on a server. `livepin invitation` asks new ones."""


@member.command("list")
@organization_option
@server_option
@json_option
def list_(organization: str, server: str, as_json: bool) -> None:
    """List the members and their roles."""
    there = there_of(server, organization)
    found = there.every("member")
    rows = []
    for one in found:
        who = identity(one)[:SHOWN], str(one["email"]), one_line(str(one["name"])) or "-"
        rows.append((*who, str(one["role"]), moment(one["created_at"])))
    text = table(rows, ("ACCOUNT", "E-MAIL", "NAME", "ROLE", "SINCE"))
    Output(as_json).result({"server": there.api.url, "organization": there.name, "members": found}, text)


@member.command()
@_member
@click.argument("role", type=click.Choice(ROLES))
@organization_option
@server_option
@dry_run_option
@json_option
def role(member: str, role: str, organization: str, server: str, dry_run: bool, as_json: bool) -> None:
    """Give MEMBER (an e-mail address, or the beginning of an account's ID) another role.

    Takes the right to manage; only an owner makes owners, or makes them something else.
    """
    there = there_of(server, organization)
    one = there.find("member", member)
    before = one["role"]
    if not dry_run:
        one = there.api.ask("PATCH", f"{there.path}/members/{identity(one)}", {"role": role}).members
    said = f"would make {one['email']}, {before}, {role}" if dry_run else f"{one['email']}, {before}, is {role} now"
    members = {"dry_run": dry_run, "server": there.api.url, "organization": there.name, "before": before, "member": one}
    Output(as_json).result(members, f"{said} in {there.name}")


@member.command()
@_member
@organization_option
@server_option
@dry_run_option
@json_option
def remove(member: str, organization: str, server: str, dry_run: bool, as_json: bool) -> None:
    """Remove MEMBER, or leave, if it is oneself. Their tokens of the organization end at once.

    Takes the right to manage; of an owner, to own.
    """
    there = there_of(server, organization)
    one = there.find("member", member)
    if not dry_run:
        there.api.ask("DELETE", f"{there.path}/members/{identity(one)}")
    said = "would remove {}, {}, from {}" if dry_run else "{}, {}, is removed from {}"
    members = {"dry_run": dry_run, "server": there.api.url, "organization": there.name, "member": one}
    Output(as_json).result(members, said.format(one["email"], one["role"], there.name))
