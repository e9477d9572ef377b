"""`livepin invitation`: people who are asked to join an organization on a server."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from livepin.cli.options import dry_run_option, json_option
from livepin.cli.organization import ROLES, SHOWN, identity, organization_option, server_option, there_of
from livepin.cli.output import Output, moment, table
from livepin.cli.shown_once import hand_over, to_option


@click.group()
def invitation() -> None:
    """Invitations to an organization on a server. All of this takes the right to manage."""


@invitation.command("list")
@organization_option
@server_option
@json_option
def list_(organization: str, server: str, as_json: bool) -> None:
    """List the invitations that wait for an answer."""
    there = there_of(server, organization)
    found = there.every("invitation")
    rows = [(identity(one)[:SHOWN], str(one["email"]), str(one["role"]), moment(one["expires_at"])) for one in found]
    text = table(rows, ("ID", "E-MAIL", "ROLE", "UNTIL")) or "nobody is invited"
    Output(as_json).result({"server": there.api.url, "organization": there.name, "invitations": found}, text)


@invitation.command()
@click.argument("email")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What they will be; only an owner invites one.")
@to_option
@organization_option
@server_option
@dry_run_option
@json_option
def new(email: str, role: str, file: Path | None, organization: str, server: str, dry_run: bool, as_json: bool) -> None:
    """Invite the address EMAIL by mail, for a week. An earlier invitation of it ends.

    The code that is mailed is shown, too, this once: where mail does not go out, hand it over.
    """
    out, there = Output(as_json), there_of(server, organization)
    if dry_run:
        there.api.get(there.path)
        members = {"dry_run": True, "server": there.api.url, "organization": there.name, "email": email, "role": role}
        out.result(members, f"would invite {email} to {there.name} as {role}")
        return

    def told(made: Mapping[str, Any]) -> str:
        mailed = "the code was mailed" if made["mailed"] else "the mail could not be sent: hand the code over"
        return f"{made['email']} is invited as {role} until {moment(made['expires_at'])}; {mailed}"

    body = {"email": email, "role": role}
    hand_over(out, file, "secret", lambda: there.api.ask("POST", f"{there.path}/invitations", body).members, told)


@invitation.command()
@click.argument("invitation", metavar="INVITATION")
@organization_option
@server_option
@dry_run_option
@json_option
def withdraw(invitation: str, organization: str, server: str, dry_run: bool, as_json: bool) -> None:
    """End INVITATION, named by the e-mail address or the beginning of its ID. Its code works no more."""
    there = there_of(server, organization)
    one = there.find("invitation", invitation)
    if not dry_run:
        there.api.ask("DELETE", f"{there.path}/invitations/{identity(one)}")
    said = "would withdraw the invitation of" if dry_run else "withdrawn: the invitation of"
    members = {"dry_run": dry_run, "server": there.api.url, "organization": there.name, "invitation": one}
    Output(as_json).result(members, f"{said} {one['email']} as {one['role']}")
