"""`livepin show`: what a document says, verified or not."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import click

from livepin.author.names import readable
from livepin.cli.options import json_option
from livepin.cli.output import Output, moment, table
from livepin.cli.project import OpenProject
from livepin.cli.projects import open_project
from livepin.cli.scts import rule_text
from livepin.cli.source import read_given
from livepin.cli.where import Where, project_options
from livepin.core import jws, keyset
from livepin.core.document import Action, Document, Policy
from livepin.core.logs import LogList
from livepin.core.trust import verify_held
from livepin.errors import DocumentRefused, ProjectInvalid, ServerFailed


@click.command()
@click.argument("source", required=False, metavar="[FILE|URL]")
@project_options
@json_option
def show(source: str | None, where: Where, as_json: bool) -> None:
    """Show a document: of a file, of a URL, or what the project has published."""
    project: OpenProject | None
    if source is None:
        project = open_project(where)
        text, place = project.document()
    else:
        project, (text, place) = _project(where), read_given(source, where.directory)
    compact = jws.split(text)
    document = Document.parse(compact.payload)
    verified = None if project is None else _verified(text, project)
    members = {"source": place, "verified": verified, "header": json.loads(compact.header), "payload": document.payload}
    Output(as_json).result(members, _text(document, place, verified, members["header"]))


def _project(where: Where) -> OpenProject | None:
    """The project whose document this may be; None where there is none here."""
    try:
        return open_project(where)
    except ProjectInvalid:
        return None


def _verified(text: str, project: OpenProject) -> bool | None:
    """Whether the project's key signed it; None where the project cannot be asked."""
    try:
        verify_held(text, project.trust)
    except (ProjectInvalid, ServerFailed):
        return None
    except DocumentRefused:
        return False
    return True


def _keyset_rows(header: dict[str, Any]) -> list[tuple[str, str]]:
    """What the key set in a header says of itself; like the document, it is shown whether it verifies or not."""
    keys = header.get("keys", [])
    copies = [keys] if isinstance(keys, str) else keys
    if not copies:
        return []
    said = keyset.parse(jws.split(copies[0]).payload, {})
    anchors = f"{len(copies)} anchor{'s' if len(copies) > 1 else ''}"
    return [("key set", f"epoch {said.epoch}, expires {moment(said.expires_at)}, signed by {anchors}")]


def _text(document: Document, where: str, verified: bool | None, header: dict[str, Any]) -> str:
    signed = {True: "by this project's key", False: "NOT by this project's key", None: "not verified (no project here)"}
    lines: list[tuple[str, ...]] = [
        ("source", where),
        ("project", f"{document.organization}/{document.project}"),
        ("serial", str(document.serial)),
        ("signed", signed[verified]),
        ("issued", moment(document.issued_at)),
        ("expires", moment(document.expires_at)),
        ("unlisted", document.unlisted.value),
    ]
    lines += [("denied", digest) for digest in sorted(document.deny)]
    if document.ct_logs is not None:
        lines.append(("log list", f"as of {moment(document.ct_logs.issued_at)}: {_logs_text(document.ct_logs)}"))
    rows = [row for policy in document.policies() for row in _rows(policy)]
    lines[3:3] = _keyset_rows(header)
    return f"{table(lines)}\n\n{table(rows, ('HOST', 'ACTION', 'PIN', 'POSITION', 'WINDOW'))}"


def _logs_text(logs: LogList) -> str:
    """How many logs of whom, for people."""
    of = Counter(log.operator for log in logs.logs)
    return ", ".join(f"{number} of {operator}" for operator, number in of.items()) or "no logs that can count"


def _rows(policy: Policy) -> list[tuple[str, ...]]:
    host, action = readable(policy.host), f"{policy.action.value} {policy.rollout} %"
    rows: list[tuple[str, ...]] = []
    for pin in policy.pins or ():
        window = f"{moment(pin.start)}..{moment(pin.end)}" if pin.start is not None or pin.end is not None else ""
        rows.append(("", "", f"{pin.member} {pin.digest}", pin.position.value, window))
    others = [] if rows else list(_nothing(policy))
    others += [f"deny {one}" for one in sorted(policy.deny)]
    if policy.ct.action is not Action.OFF:
        others.append(f"ct {policy.ct.action}: {rule_text(policy.ct)}")
    rows += [("", "", one, "", "") for one in others]
    return [(host, action, *rows[0][2:]), *rows[1:]]


def _nothing(policy: Policy) -> Iterator[str]:
    """What is said where no pin is there: a policy with an empty list of pins matches nobody (J6)."""
    if policy.pins is not None:
        yield "(no pin matches anything)"
    elif not policy.deny and policy.ct.action is Action.OFF:
        yield "(no pins)"
