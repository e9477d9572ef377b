"""`livepin adopt`: what was published without the server, in an emergency, is made known to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from livepin.author import staging
from livepin.cli.findings import changes_text
from livepin.cli.options import dry_run_option, json_option
from livepin.cli.output import Output
from livepin.cli.project_server import ServerProject
from livepin.cli.projects import on_server
from livepin.cli.where import Where, project_options
from livepin.errors import InputInvalid


@click.command()
@click.option("--draft", "into_draft", is_flag=True, help="Have the draft say what is published, too.")
@project_options
@dry_run_option
@json_option
def adopt(into_draft: bool, where: Where, dry_run: bool, as_json: bool) -> None:
    """Have a server look at its origins and at the public URL, and take over what it has not published itself.

    A publish does that, too, and is refused once when it comes upon something new. The draft stays as it is without
    --draft; with it, notes and where to look stay.
    """
    out, project = Output(as_json), on_server(where)
    out.progress(f"{project.api.url} asks its origins and the public URL")
    path = f"{project.path}/revisions/adopt"
    said = project.patient.ask("POST", path, {"dry_run": dry_run}).members
    for one in said["unanswered"]:
        out.note(f"not asked: {one['message']} ({one['where']})")
    found = [f"{one['epoch']}.{one['serial']}" for one in said["items"]]
    members: dict[str, Any] = {"adopted": found, "dry_run": dry_run, "server": project.api.url}
    lines = [_adopted(project, found, dry_run=dry_run)]
    if into_draft and dry_run:
        lines.append("the draft would say what is published")
    elif into_draft:
        changes = _take(project)
        members["changes"] = [asdict(one) for one in changes]
        lines.append(changes_text(changes) or "the draft says what is published already")
    elif not dry_run and differs(project):
        out.note("the draft says something else than what is published: `livepin diff`; --draft takes that over")
    out.result(members, "\n".join(lines))


def _adopted(project: ServerProject, found: Sequence[str], *, dry_run: bool) -> str:
    if found:
        return f"{'would adopt' if dry_run else 'adopted'} {', '.join(found)} of {project.name}"
    latest = project.latest()
    number = "nothing" if latest is None else f"{latest['epoch']}.{latest['serial']}"
    return f"nothing was published elsewhere; the server knows {number} of {project.name}"


def differs(project: ServerProject) -> bool:
    """Whether publishing the draft would change anything."""
    return project.latest() is not None and bool(project.compare().changes)


def _take(project: ServerProject) -> tuple[staging.Change, ...]:
    """Put what is published into the draft; what that changed there. Raises `InputInvalid`, `Conflict`."""
    latest, before, version = project.latest(), project.draft(), project.version
    if latest is None:
        raise InputInvalid("revision_missing", "nothing is published that the draft could say", where=project.name)
    path = f"{project.path}/revisions/{latest['epoch']}/{latest['serial']}/draft"
    project.api.ask("POST", path, if_match=version)
    after = ServerProject(project.api, project.organization, project.project, project.directory).draft()
    return staging.diff(staging.payload_of(before, 1, 0), staging.payload_of(after, 1, 0))
