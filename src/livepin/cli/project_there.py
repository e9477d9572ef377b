"""`livepin project`: the projects of a server, for those who have no files of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from livepin.author.files import names_a_file, read_text
from livepin.author.signers.pem import KeyKind
from livepin.cli import profiles
from livepin.cli.api import Api, part
from livepin.cli.options import dry_run_option, json_option
from livepin.cli.organization import server_option
from livepin.cli.output import Output, moment, table
from livepin.cli.profiles import Profile
from livepin.cli.project_server import ServerProject
from livepin.cli.where import Where, audience, server_of
from livepin.core.base64s import b64
from livepin.core.jws import PublicKey
from livepin.errors import InputInvalid

_name = click.argument("name", metavar="ORG/PROJECT")


@click.group("project")
def project_there() -> None:
    """Projects on a server: what there is, and a new one. `livepin init` begins one of files."""


@project_there.command("list")
@click.argument("organization", required=False)
@server_option
@json_option
def list_(organization: str | None, server: str, as_json: bool) -> None:
    """List the projects of ORGANIZATION, or of all organizations that one belongs to; * is the profile's."""
    profile = server_of(Where(Path(), server=server))
    found = list(_projects(profile.api(), organization))
    rows = []
    for one in found:
        name = f"{one['organization']}/{one['project']}"
        rows.append(("*" if name == profile.project else "", name, str(one["state"]), str(one["name"])))
    text = table(rows, ("", "PROJECT", "STATE", "NAME")) or "no projects"
    Output(as_json).result({"server": profile.url, "projects": found}, text)


def _projects(api: Api, organization: str | None) -> Iterator[dict[str, Any]]:
    if organization is not None:
        names: Iterable[str] = [organization]
    else:
        names = [str(one["organization"]) for one in api.every("/organizations")]
    for name in names:
        yield from api.every(f"/organizations/{part(name)}/projects")


@project_there.command()
@_name
@click.option("--name", "title", default="", help="A name for people; else the project's ID.")
@click.option("--kind", type=click.Choice(list(KeyKind)), help="The signing key that the server makes. Default: p256.")
@click.option("--public-key", default="", help="Your own key, by its public half: Base64 SPKI DER, or a PEM file.")
@click.option("--url", default="", help="Where applications read the document, if not from the operator's origin.")
@click.option("--use", is_flag=True, help="Have commands work on it from now on: it becomes the profile's project.")
@server_option
@dry_run_option
@json_option
def new(
    name: str,
    title: str,
    kind: str | None,
    public_key: str,
    url: str,
    use: bool,
    server: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make the project ORG/PROJECT, with a signing key of its own. Takes the right to manage.

    Its ID is what applications embed: it never changes, and is never used again.
    """
    out, profile = Output(as_json), server_of(Where(Path(), server=server))
    organization, identifier = profiles.check_project(name)
    if kind and public_key:
        raise click.UsageError("--kind is of a key that the server makes; --public-key says that it makes none")
    if use and not profile.name:
        raise InputInvalid("usage", "nothing is kept of a server that the environment names", where="--use")
    body = {"project": identifier, "name": title, "kind": kind or "", "public_key": _spki(public_key)}
    there = f"{name} on {profile.url}"
    if dry_run:
        profile.api().get(f"/organizations/{part(organization)}")
        out.result({"dry_run": True, "project": name, "server": profile.url}, f"would make {there}")
        return
    project = ServerProject(profile.api(), organization, identifier, Path())
    given = {member: text for member, text in body.items() if text}
    made = project.api.ask("POST", f"/organizations/{part(organization)}/projects", given).members
    if url:
        made = project.api.ask("PATCH", project.path, {"url": url}).members
    _keep(out, profile, name, use=use)
    lines = [f"{there} is there; `livepin embed` says what applications embed", *_anchor_lines(made)]
    out.result({"dry_run": False, "server": profile.url, **made}, "\n".join(lines))


def _spki(text: str) -> str:
    """A public key as the API takes it. Raises `InputInvalid` (`key_invalid`)."""
    if not text:
        return ""
    return b64(PublicKey.from_text(read_text(Path(text)) if names_a_file(text) else text).spki)


def _keep(out: Output, profile: Profile, name: str, *, use: bool) -> None:
    if use:
        profiles.load().with_profile(replace(profile, project=name), default=True).save()
    elif profile.name and profile.project != name:
        out.note(
            f"commands work on it with --project {name}, or after `livepin profile use {profile.name} --project {name}`"
        )


def _anchor_lines(about: dict[str, Any]) -> list[str]:
    return [f"public key: {one}" for one in about["anchors"]]


@project_there.command()
@click.argument("name", metavar="[ORG/PROJECT]", required=False)
@server_option
@json_option
def show(name: str | None, server: str, as_json: bool) -> None:
    """Show a project: its state, what is published, what its origins have, and what applications embed."""
    where = Where(Path(), server=server, project=name or "")
    profile = server_of(where)
    project = ServerProject(profile.api(), *audience(where, profile), Path())
    about, latest = project.settings(), project.latest()
    origins = project.api.get(f"{project.path}/origins").members["items"]
    number = "nothing" if latest is None else f"{latest['epoch']}.{latest['serial']}"
    expires = "" if latest is None else f", expires {moment(int(latest['expires_at']))}"
    rows = [
        ("project", f"{project.organization}/{project.project}  {about['name']}"),
        ("server", profile.url),
        ("state", str(about["state"])),
        ("published", f"{number}{expires}"),
        ("draft", f"version {about['draft_version']}"),
        ("url", str(about["configuration_url"]) or "(none)"),
        *(("origin", _origin(one)) for one in origins),
        *(("anchor", str(one)) for one in about["anchors"]),
    ]
    members = {"server": profile.url, **about, "published": latest, "origins": origins}
    Output(as_json).result(members, table(rows))


def _origin(one: dict[str, Any]) -> str:
    problem = f"  {one['problem']}" if one.get("problem") else ""
    return f"{one['name']}  {one.get('revision', 'nothing')}{problem}"
