"""`livepin login`: a token for this machine, by a code that somebody approves in the dashboard, or as it is given."""

from __future__ import annotations

import os
import socket
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from livepin.author.files import read_text
from livepin.cli import profiles
from livepin.cli.api import Api, checked_url, part
from livepin.cli.options import json_option
from livepin.cli.output import Output, moment, table
from livepin.cli.profiles import Profile, Profiles
from livepin.errors import CommandFailed, InputInvalid, NotFound, RateLimited

TOKEN_PREFIX = "lvp_"
DEFAULT_NAME = "default"


@click.command()
@click.argument("url", required=False)
@click.option("--profile", "name", default="", help="The name under which the server is kept. Default: `default`.")
@click.option("--project", default="", metavar="ORG/PROJECT", help="The project that commands work on from now on.")
@click.option(
    "--with-token", is_flag=True, help="Ask for a token (or an operator's code), not shown; else read standard input."
)
@click.option(
    "--token-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File with the token, or an operator's code, on its first line.",
)
@click.option(
    "--ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PEM file with a private CA that the server's certificate is from.",
)
@json_option
def login(
    url: str | None,
    name: str,
    project: str,
    with_token: bool,
    token_file: Path | None,
    ca: Path | None,
    as_json: bool,
) -> None:
    """Sign in to the server at URL; later again, without URL.

    Without a token this shows a code: compare it in the dashboard, on the page that is named, and approve it there.
    """
    out, known = Output(as_json), profiles.load()
    wanted = _wanted(known, url, name, project, ca)
    api = Api(wanted.url, "", wanted.ca or None)
    token = _given(api, token_file) if with_token or token_file is not None else _by_code(out, api)
    signed = replace(wanted, token=token)
    me = signed.api().get("/me").members
    signed = replace(signed, project=wanted.project or _only_project(signed.api()))
    known.with_profile(signed).save()
    _tell(out, signed, me)


def _wanted(known: Profiles, url: str | None, name: str, project: str, ca: Path | None) -> Profile:
    """The profile that is to be signed in: a new one, or one that is there with what was given now."""
    named = profiles.check_name(name or (known.default if url is None else "") or DEFAULT_NAME)
    before = known.by_name.get(named)
    url = url or (before.url if before is not None else "") or os.environ.get(profiles.SERVER, "")
    if not url:
        raise InputInvalid("usage", "the first time, say where the server is", where="URL")
    if project:
        profiles.check_project(project)
    checked = checked_url(url)
    kept = before if before is not None and before.url == checked else Profile(named, checked)
    authority = str(ca.absolute()) if ca is not None else kept.ca
    return replace(kept, project=project or kept.project, ca=authority, token="")


# ---------------------------------------------------------------- a token that is there already


def _given(api: Api, file: Path | None) -> str:
    """A token, from a file, a prompt or standard input; a code that an operator made is traded for one."""
    if file is not None:
        text = read_text(file).partition("\n")[0].strip()
    elif sys.stdin.isatty():
        text = str(click.prompt("Token", hide_input=True, err=True)).strip()
    else:
        text = sys.stdin.readline().strip()
    if not text or not text.isascii() or not text.isprintable():
        raise InputInvalid("usage", "there is no token", where="standard input" if file is None else str(file))
    if text.startswith(TOKEN_PREFIX):
        return text
    made = api.ask("POST", "/sign-ins/redeem", {"secret": text, "client": _client()})
    return str(made.members["token"])


# ---------------------------------------------------------------- a code that is approved in the dashboard


def _by_code(out: Output, api: Api) -> str:
    begun = api.ask("POST", "/sign-ins", {"client": _client()}).members
    out.progress(f"open {begun['page']}")
    out.progress(f"and approve the code {begun['user_code']}, which it must show as yours")
    end, pause = time.monotonic() + int(begun["expires_in"]), float(begun["interval"])
    while time.monotonic() < end:
        time.sleep(pause)
        try:
            polled = _polled(api, str(begun["device_code"]))
        except RateLimited as error:
            pause = max(pause, float(error.seconds))
            continue
        if polled:
            return polled
    raise CommandFailed("sign_in_ended", "nobody approved the code in time", where=api.url)


def _polled(api: Api, device_code: str) -> str:
    try:
        polled = api.ask("POST", "/sign-ins/poll", {"device_code": device_code}).members
    except NotFound:
        raise CommandFailed("sign_in_ended", "the sign-in was denied, or is too old", where=api.url) from None
    return str(polled.get("token", ""))


def _client() -> str:
    """What this command line calls itself, for the person who approves it."""
    return f"livepin on {socket.gethostname()}"[:100]


# ---------------------------------------------------------------- afterwards


def _only_project(api: Api) -> str:
    """The project, where only one can be meant; else nothing."""
    organizations = api.get("/organizations", limit=2).members["items"]
    if len(organizations) != 1:
        return ""
    organization = str(organizations[0]["organization"])
    projects = api.get(f"/organizations/{part(organization)}/projects", limit=2).members["items"]
    return f"{organization}/{projects[0]['project']}" if len(projects) == 1 else ""


def _tell(out: Output, profile: Profile, me: dict[str, Any]) -> None:
    token = me["token"]
    rows = [
        ("profile", profile.name),
        ("server", profile.url),
        ("account", str(me["account"]["email"])),
        ("may", str(token["scope"])),
        ("until", moment(int(token["expires_at"]))),
        ("project", profile.project or "(none: name it with --project)"),
        ("kept in", str(profiles.path())),
    ]
    members = {"profile": profile.name, "server": profile.url, "project": profile.project}
    members |= {"account": me["account"]["email"], "scope": token["scope"], "expires_at": token["expires_at"]}
    out.result(members, f"signed in\n{table(rows)}")
