"""`livepin timeline`: what certificates, pins, the document and its key set cover, as a picture in characters."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from livepin.cli.desk import Desk
from livepin.cli.options import directory_option, json_option, timeout_option
from livepin.cli.output import Output, moment
from livepin.core.trust import Revision
from livepin.errors import ProjectInvalid
from livepin.watch.describe import describe
from livepin.watch.sights import sights_of
from livepin.watch.survey import survey
from livepin.watch.timeline import SeenCertificate, text
from livepin.watch.timeline import timeline as timeline_of


@click.command()
@click.option("--no-look", is_flag=True, help="Do not look at the hosts: pins and document alone.")
@timeout_option
@directory_option
@json_option
def timeline(no_look: bool, timeout: float, directory: Path, as_json: bool) -> None:
    """Draw what is published over time, with gaps and overlaps of pins."""
    out = Output(as_json)
    desk = Desk.open(directory)
    published = desk.held().published
    if published is None:
        raise ProjectInvalid("revision_missing", "nothing is published yet", hint="`livepin publish` does it.")
    seen = () if no_look else tuple(_seen(desk, published, timeout, out))
    picture = timeline_of(int(time.time()), published, seen, list(published.document.hosts))
    window = f"{moment(picture.start)} to {moment(picture.end)}; | is now, ! no active pin"
    out.result(asdict(picture), f"{window}\n\n{text(picture)}")


def _seen(desk: Desk, published: Revision, timeout: float, out: Output) -> Iterator[SeenCertificate]:
    sights = sights_of(desk.project, published.document, None)
    for sight, look in survey(
        sights, desk.means(timeout), lambda one: out.progress(f"looking at {one.host}:{one.port}")
    ):
        for served in look.served_for(sight.pattern):
            leaf = describe(served.chain[0]) if served.chain else None
            if leaf is not None and leaf.not_before is not None and leaf.not_after is not None:
                name = leaf.subject or ", ".join(leaf.names[:1])
                yield SeenCertificate(sight.pattern, leaf.digests["spki_sha256"], name, leaf.not_before, leaf.not_after)
