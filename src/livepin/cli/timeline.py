"""`livepin timeline`: what certificates, pins, the document and its key set cover, as a picture in characters."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict

import click

from livepin.cli.options import json_option, timeout_option
from livepin.cli.output import Output, moment
from livepin.cli.project import OpenProject
from livepin.cli.projects import open_project
from livepin.cli.where import Where, project_options
from livepin.core.document import Action
from livepin.core.trust import Revision
from livepin.errors import ProjectInvalid
from livepin.watch.timeline import SeenCertificate, text
from livepin.watch.timeline import timeline as timeline_of


@click.command()
@click.option("--no-look", is_flag=True, help="Do not look at the hosts: pins and document alone.")
@timeout_option
@project_options
@json_option
def timeline(no_look: bool, timeout: float, where: Where, as_json: bool) -> None:
    """Draw what is published over time, with gaps and overlaps of pins."""
    out = Output(as_json)
    project = open_project(where)
    published = project.published()
    if published is None:
        raise ProjectInvalid("revision_missing", "nothing is published yet", hint="`livepin publish` does it.")
    seen = () if no_look else tuple(_seen(project, published, timeout, out))
    picture = timeline_of(int(time.time()), published, seen, list(published.document.hosts))
    window = f"{moment(picture.start)} to {moment(picture.end)}; | is now, ! no active pin"
    out.result(asdict(picture), f"{window}\n\n{text(picture)}")


def _seen(project: OpenProject, published: Revision, timeout: float, out: Output) -> Iterator[SeenCertificate]:
    patterns = [policy.host for policy in published.document.policies() if policy.action is not Action.OFF]
    for seen in project.last_seen(patterns, timeout, out.progress):
        leaf = seen.chain[0] if seen.chain else None
        if leaf is not None and leaf.not_before is not None and leaf.not_after is not None:
            name = leaf.subject or ", ".join(leaf.names[:1])
            digest = leaf.digests["spki_sha256"]
            yield SeenCertificate(seen.pattern, digest, name, leaf.not_before, leaf.not_after)
