"""`livepin deny`: keys that are refused, whatever the pins say (J5)."""

from __future__ import annotations

from pathlib import Path

import click

from livepin.author.digests import typed_digest
from livepin.author.files import names_a_file, read_text
from livepin.author.names import typed_pattern
from livepin.cli.options import dry_run_option, json_option
from livepin.cli.output import Output, table
from livepin.cli.project import OpenProject
from livepin.cli.projects import open_project
from livepin.cli.where import Where, project_options
from livepin.core.pins import digests_of_pem

host_option = click.option("--host", "pattern", help="Only for this host pattern, instead of for every host.")


@click.group()
def deny() -> None:
    """Denied keys: SPKI SHA-256 digests that are refused for every host, or for one."""


def _digest(key: str) -> str:
    """A digest as typed, or of the certificate or key in a PEM file of that name."""
    if names_a_file(key):
        return digests_of_pem(read_text(Path(key)))["spki_sha256"]
    return typed_digest(key, "spki_sha256")


@deny.command()
@click.argument("key", metavar="DIGEST|PEM")
@host_option
@project_options
@dry_run_option
@json_option
def add(key: str, pattern: str | None, where: Where, dry_run: bool, as_json: bool) -> None:
    """Deny a key: its SPKI SHA-256 digest (Base64 or hexadecimal), or a PEM file that holds it."""
    project, digest = open_project(where), _digest(key)
    changed = project.change_deny(_typed(pattern), add=[digest])
    _finish(project, digest, pattern, "denied" if changed else "denied already", dry_run, as_json)


@deny.command()
@click.argument("key", metavar="DIGEST|PEM")
@host_option
@project_options
@dry_run_option
@json_option
def remove(key: str, pattern: str | None, where: Where, dry_run: bool, as_json: bool) -> None:
    """No longer deny a key."""
    project, digest = open_project(where), _digest(key)
    project.change_deny(_typed(pattern), remove=digest)
    _finish(project, digest, pattern, "no longer denied", dry_run, as_json)


def _typed(pattern: str | None) -> str | None:
    return None if pattern is None else typed_pattern(pattern).text


def _finish(project: OpenProject, digest: str, pattern: str | None, verb: str, dry_run: bool, as_json: bool) -> None:
    project.draft()  # what it says has to be a draft, whether it is kept or not
    if not dry_run:
        project.save()
    members = {"digest": digest, "host": _typed(pattern), "dry_run": dry_run}
    Output(as_json).result(members, f"{digest} {'would be ' if dry_run else ''}{verb}")


@deny.command("list")
@project_options
@json_option
def list_(where: Where, as_json: bool) -> None:
    """List the denied keys."""
    project = open_project(where).draft()
    rows = [("(every host)", digest) for digest in project.deny]
    rows += [(entry.host, digest) for entry in project.hosts for digest in entry.deny]
    members = [{"host": None if host.startswith("(") else host, "digest": digest} for host, digest in rows]
    Output(as_json).result({"deny": members}, table(rows, ("HOST", "DIGEST")) or "no denied keys")
