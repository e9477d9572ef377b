"""`livepin logout`: the token ends on the server, and is forgotten here."""

from __future__ import annotations

from dataclasses import replace

import click

from livepin.cli import profiles
from livepin.cli.options import json_option
from livepin.cli.output import Output
from livepin.errors import ServerFailed, Unauthenticated


@click.command()
@click.option("--profile", "name", default="", help="The server to sign out of; else the default one.")
@click.option("--forget", is_flag=True, help="Remove the profile as well.")
@json_option
def logout(name: str, forget: bool, as_json: bool) -> None:
    """Sign out of a server. The token is worth nothing from then on."""
    out, known = Output(as_json), profiles.load()
    profile = known.find(name)
    ended = False
    if profile.token:
        try:
            profile.api().ask("DELETE", "/me/token")
            ended = True
        except Unauthenticated:
            ended = True  # it was worth nothing already
        except ServerFailed as error:
            out.note(f"the token could not be ended on the server: {error.message}; end it in the dashboard")
    after = known.without(profile.name) if forget else known.with_profile(replace(profile, token=""))
    after.save()
    members = {"profile": profile.name, "server": profile.url, "ended": ended, "forgotten": forget}
    out.result(members, f"signed out of {profile.url}")
