"""What a project's certificates, pins, document and key set cover, and when: pure, so that pages and the command line
draw the same picture.

A lane is one thing that people watch over: the document, the key set, one host. In a host's lane a *gap* is a time at
which no pin is active (an enforced host would refuse everybody), an *overlap* one at which two or more are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from livepin.core.document import Action, Document, Policy
from livepin.core.trust import Revision

DAY = 86_400
#: What is shown at most, before and after now, in seconds.
PAST, FUTURE = 30 * DAY, 400 * DAY
_MARGIN = 0.05


class Kind(StrEnum):
    """What a span is the life of."""

    DOCUMENT = "document"
    KEY_SET = "key set"
    CERTIFICATE = "certificate"
    PIN = "pin"


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` to `end` in Unix seconds; None where nothing ends it. `note` says what else is to be known."""

    kind: Kind
    label: str
    start: int | None
    end: int | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """One thing with its spans. `gaps` and `overlaps` are half-open, in Unix seconds, inside what is shown."""

    title: str
    spans: tuple[Span, ...]
    gaps: tuple[tuple[int, int], ...] = ()
    overlaps: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Timeline:
    """What is shown from `start` to `end`, with today at `now`; all in Unix seconds."""

    now: int
    start: int
    end: int
    lanes: tuple[Lane, ...]


@dataclass(frozen=True, slots=True)
class SeenCertificate:
    """A leaf that a look saw for a pattern."""

    pattern: str
    spki_sha256: str
    subject: str
    not_before: int
    not_after: int


def timeline(now: int, published: Revision, seen: Iterable[SeenCertificate], patterns: Sequence[str]) -> Timeline:
    """The picture of what is published, for the hosts `patterns` of it (a page shows some of ten thousand)."""
    document, certificates, wanted = published.document, tuple(dict.fromkeys(seen)), frozenset(patterns)
    # Not all policies are asked for: each is made when it is first needed, and there may be ten thousand.
    policies = [document.policy(one) for one in document.hosts if one in wanted]
    policies = [one for one in policies if one.action is not Action.OFF]
    spans = {one.host: _host(one, certificates) for one in policies}
    pinned = {one.host for one in policies if one.pins is not None}
    fixed = [_document(document)]
    if published.keyset is not None:
        keys = published.keyset
        fixed.append(Lane("Key set", (Span(Kind.KEY_SET, f"epoch {keys.epoch}", keys.issued_at, keys.expires_at),)))
    start, end = _window(
        now, [span for lane in fixed for span in lane.spans] + [s for some in spans.values() for s in some]
    )
    hosts = [_lane(host, some, (start, end), pinned=host in pinned) for host, some in spans.items()]
    return Timeline(now, start, end, (*fixed, *hosts))


def _document(document: Document) -> Lane:
    span = Span(Kind.DOCUMENT, f"serial {document.serial}", document.issued_at, document.expires_at)
    return Lane("Document", (span,))


def _host(policy: Policy, certificates: Iterable[SeenCertificate]) -> tuple[Span, ...]:
    mine = [one for one in certificates if one.pattern == policy.host]
    served = {one.spki_sha256 for one in mine}
    spans = [Span(Kind.CERTIFICATE, one.subject or one.spki_sha256[:12], one.not_before, one.not_after) for one in mine]
    for pin in policy.pins or ():
        note = "served now" if pin.digest in served else ""
        spans.append(Span(Kind.PIN, f"{pin.member} {pin.digest[:12]}…", pin.start, pin.end, note))
    return tuple(spans)


def _window(now: int, spans: Iterable[Span]) -> tuple[int, int]:
    """Everything that begins or ends near now, and a little more on both sides."""
    times = [now]
    for span in spans:
        # Both ways: a pin may begin when no calendar reaches, and nothing else would be seen beside it.
        times += [min(max(one, now - PAST), now + FUTURE) for one in (span.start, span.end) if one is not None]
    start, end = min(times), max(max(times), now + DAY)
    margin = int((end - start) * _MARGIN) + 1
    return start - margin, end + margin


def _lane(title: str, spans: tuple[Span, ...], window: tuple[int, int], *, pinned: bool) -> Lane:
    counts = _counts([span for span in spans if span.kind is Kind.PIN], *window)
    gaps = tuple((a, b) for a, b, count in counts if count == 0) if pinned else ()
    return Lane(title, spans, gaps, tuple((a, b) for a, b, count in counts if count >= 2))


def endings(picture: Timeline, most: int) -> tuple[tuple[Lane, Span], ...]:
    """What ends next, the soonest first, with its lane; what ended and is still in the picture comes before it."""
    ends = [(span.end, lane, span) for lane in picture.lanes for span in lane.spans if span.end is not None]
    return tuple((lane, span) for _, lane, span in sorted(ends, key=lambda one: one[0])[:most])


def _counts(pins: Sequence[Span], start: int, end: int) -> list[tuple[int, int, int]]:
    """How many pins are active between each two moments at which that changes; equal neighbours are joined."""
    edges = sorted(
        {start, end, *(min(max(t, start), end) for pin in pins for t in (pin.start, pin.end) if t is not None)}
    )
    found: list[tuple[int, int, int]] = []
    for left, right in pairwise(edges):
        count = sum(_active(pin, left) for pin in pins)
        if found and _same(found[-1][2], count):
            found[-1] = (found[-1][0], right, found[-1][2])
        else:
            found.append((left, right, count))
    return found


def _active(pin: Span, moment: int) -> bool:
    return (pin.start is None or pin.start <= moment) and (pin.end is None or moment < pin.end)


def _same(one: int, other: int) -> bool:
    return min(one, 2) == min(other, 2)


def text(picture: Timeline, width: int = 60) -> str:
    """The picture in characters: `=` certificate, `-` pin, `#` document and key set, `!` gap, `|` today."""
    titles = max([len(span.label) for lane in picture.lanes for span in lane.spans] + [8])
    lines = []
    for lane in picture.lanes:
        lines.append(lane.title)
        for span in lane.spans:
            bar = _bar(picture, span.start, span.end, _CHARACTERS[span.kind], width)
            note = f"  {span.note}" if span.note else ""
            lines.append(f"  {span.label:<{titles}} {_today(picture, bar)}{note}")
        for gap in lane.gaps:
            bar = _bar(picture, *gap, "!", width)
            lines.append(f"  {'no pin':<{titles}} {_today(picture, bar)}")
    return "\n".join(lines)


_CHARACTERS = {Kind.DOCUMENT: "#", Kind.KEY_SET: "#", Kind.CERTIFICATE: "=", Kind.PIN: "-"}


def _bar(picture: Timeline, start: int | None, end: int | None, character: str, width: int) -> str:
    left = 0 if start is None else _column(picture, start, width)
    right = width if end is None else _column(picture, end, width)
    return (" " * left + character * max(right - left, 1)).ljust(width)[:width]


def _today(picture: Timeline, bar: str) -> str:
    column = min(_column(picture, picture.now, len(bar)), len(bar) - 1)
    return f"{bar[:column]}|{bar[column + 1 :]}"


def _column(picture: Timeline, moment: int, width: int) -> int:
    inside = min(max(moment, picture.start), picture.end)
    return (inside - picture.start) * width // (picture.end - picture.start)
