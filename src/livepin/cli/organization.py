"""`livepin organization`: the organizations of a server that one belongs to; and what is asked of one of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from livepin.cli import profiles
from livepin.cli.api import Api, part
from livepin.cli.login import TOKEN_PREFIX
from livepin.cli.options import json_option
from livepin.cli.output import Output, table
from livepin.cli.where import Where, server_of
from livepin.errors import InputInvalid, ProjectInvalid

#: What a member may, from the most to the least.
ROLES = ("owner", "admin", "publisher", "editor", "viewer")
#: As much of an ID as is shown: nobody has to type the rest.
SHOWN = 8
#: An ID as a whole.
_WHOLE = 36

server_option = click.option("--server", default="", metavar="PROFILE", help="The server; else the default profile's.")
organization_option = click.option(
    "--organization", default="", metavar="ORG", help="The organization; else that of the profile's project."
)


@dataclass(frozen=True, slots=True)
class There:
    """One organization on a server."""

    api: Api
    name: str

    @property
    def path(self) -> str:
        """Where the API has it."""
        return f"/organizations/{part(self.name)}"

    def every(self, noun: str) -> list[dict[str, Any]]:
        """All its entries of a kind: `member`, `invitation` or `token`. Raises what the server refuses with."""
        return list(self.api.every(f"{self.path}/{noun}s"))

    def find(self, noun: str, text: str) -> dict[str, Any]:
        """The one entry whose ID begins like this, or whose e-mail address this is.

        Raises `InputInvalid` (`usage`) for what is a secret, `ProjectInvalid` (`entry_missing`).
        """
        if text.startswith(TOKEN_PREFIX):
            message = "this looks like a token itself; arguments are seen by every process, and kept by shells"
            hint = "Name a token by its ID, which `livepin token list` shows. Revoke this one: it was seen."
            raise InputInvalid("usage", message, where="ID", hint=hint)
        wanted = text.strip().lower()
        found = [one for one in self.every(noun) if wanted and _is_called(one, wanted)]
        if len(found) != 1:
            message = f"{len(found) or 'none'} of the {noun}s {'have' if found else 'has'} an ID that begins so"
            # What is longer may be a secret that was mistaken for an ID.
            where = repr(text) if len(text) <= _WHOLE or "@" in text else "ID"
            raise ProjectInvalid("entry_missing", message, where=where, hint=f"`livepin {noun} list` shows them.")
        return found[0]


def _is_called(one: Mapping[str, Any], wanted: str) -> bool:
    return identity(one).startswith(wanted) or str(one.get("email", "")).lower() == wanted


def identity(one: Mapping[str, Any]) -> str:
    """The ID of an entry; of a member it is their account's."""
    return str(one["id"] if "id" in one else one["account"])


def there_of(server: str, organization: str, project: str = "") -> There:
    """The organization that is named, or that of the project that is. Raises `InputInvalid`, `Unauthenticated`."""
    profile = server_of(Where(Path(), server=server))
    text = project or ("" if organization else os.environ.get(profiles.PROJECT, "") or profile.project)
    name = profiles.check_project(text)[0] if text else organization
    if not name:
        message, hint = "nothing says which organization is meant", "Name it with --organization ORG."
        raise InputInvalid("project_unnamed", message, where=profile.url, hint=hint)
    if organization and name != organization:
        raise click.UsageError("--project is of another organization than --organization")
    return There(profile.api(), name)


@click.group()
def organization() -> None:
    """Organizations on a server. They are made in the dashboard; people are invited by `livepin invitation`, too."""


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
