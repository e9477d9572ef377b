"""The API against bare Django views that make the same queries and answer with the same JSON; and the dashboard."""

from __future__ import annotations

from collections.abc import Iterator

from bench import bare, pages, publishing
from bench.installation import HOSTS, Installation, installation, serve
from bench.ratio import Row, Work, side_by_side

TARGET = 1.5
PROJECT = "/api/v1/organizations/acme/projects/shop"


def rows() -> Iterator[Row]:
    """Reads and publishes, on SQLite, through all middleware on both sides; and from asking to being read."""
    with installation() as here:
        serve(bare=bare.reading, bare_publish=bare.publishing)
        yield from _reads(here)
        theirs = here.asks("POST", "/bare_publish", here.publishing, 202)
        ours = here.asks("POST", f"{PROJECT}/publishes", here.publishing, 202)
        what = f"API: a publish of {HOSTS} hosts is asked for"
        yield Row(what, "bare Django view, same queries", *_best(ours, theirs), TARGET)
        yield from publishing.rows(here, ours)
        yield from pages.rows()


def _best(ours: Work, theirs: Work) -> tuple[float, float]:
    """Single requests in turns: they take so long that on a busy machine a handful would never run undisturbed."""
    return side_by_side(ours, theirs, rounds=100, seconds=0)


def _reads(here: Installation) -> Iterator[Row]:
    for what, path in ((f"a page of {HOSTS} hosts", "draft/hosts"), (f"a draft of {HOSTS} hosts", "draft")):
        ours, theirs = here.asks("GET", f"{PROJECT}/{path}", here.reading), here.asks("GET", "/bare", here.reading)
        yield Row(f"API: {what}", "bare Django view, same queries", *_best(ours, theirs), TARGET)
