"""`livepin verify`: a document judged as an application would, V1 to V8."""

from __future__ import annotations

import time
from pathlib import Path

import click

from livepin.author.files import names_a_file, read_text
from livepin.cli.exits import Exit
from livepin.cli.findings import revision_members
from livepin.cli.options import MomentType, json_option
from livepin.cli.output import Output, moment
from livepin.cli.projects import open_project
from livepin.cli.source import read_source
from livepin.cli.where import Where, project_options
from livepin.core.jws import PublicKey
from livepin.core.trust import Arrival, Trust, verify_held
from livepin.core.trust import verify as verify_arriving


@click.command()
@click.argument("source", metavar="FILE|URL")
@click.option("--public-key", "keys", multiple=True, help="Anchor: Base64 SPKI DER, or a PEM file. Repeatable.")
@click.option("--for", "audience", metavar="ORG/PROJECT", help="Whose document it has to be.")
@click.option("--threshold", type=click.IntRange(1), help="Anchors that must sign; else the project's, else 1.")
@click.option("--held", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The document held before.")
@click.option("--at", type=MomentType(), help="Verify at this time instead of now.")
@project_options
@json_option
def verify(
    source: str,
    keys: tuple[str, ...],
    audience: str | None,
    threshold: int | None,
    held: Path | None,
    at: int | None,
    where: Where,
    as_json: bool,
) -> int:
    """Verify a document. What is not given (keys, audience) is taken from the project."""
    out = Output(as_json)
    text, place = read_source(source, where.directory)
    trust = _trust(out, keys, audience, threshold, where)
    before = None if held is None else verify_held(read_text(held).strip(), trust)
    arrival = verify_arriving(text, trust, time.time() if at is None else at, before)
    members = {"source": place, "fresh": arrival.fresh, "adopted": arrival.adopted}
    out.result({**members, **revision_members(arrival.revision)}, _text(arrival, place))
    return Exit.OK if arrival.adopted else Exit.NO


def _trust(out: Output, keys: tuple[str, ...], audience: str | None, threshold: int | None, where: Where) -> Trust:
    if keys and audience:
        organization, _, project = audience.partition("/")
        return Trust(organization, project, tuple(map(_key, keys)), threshold or 1)
    found = open_project(where)
    if found.on_server and not keys:
        out.note("the anchors are those that the server says; --public-key takes those that applications embed")
    known = found.trust
    organization, _, project = (audience or f"{known.organization}/{known.project}").partition("/")
    anchors = tuple(map(_key, keys)) or tuple(known.anchors.values())
    return Trust(organization, project, anchors, threshold or known.threshold)


def _key(text: str) -> PublicKey:
    return PublicKey.from_text(read_text(Path(text)) if names_a_file(text) else text)


def _text(arrival: Arrival, where: str) -> str:
    revision = arrival.revision
    state = f"{'expires' if arrival.fresh else 'EXPIRED'} {moment(revision.expires_at)}"
    verdict = "an application would use it" if arrival.adopted else "an application would NOT use it"
    return f"{where}\nrevision {revision.epoch}.{revision.serial}, {state}\nverified; {verdict}"
