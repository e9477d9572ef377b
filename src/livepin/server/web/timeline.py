"""The timeline as SVG, made on the server: no script, no colour that carries meaning alone, text for screen readers.

Kinds differ by pattern (solid, outlined, hatched), so the picture can be printed in black and white.
"""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree as Xml

from django.utils.safestring import SafeString

from livepin.server.actions.revisions import LAST_MOMENT
from livepin.watch.timeline import DAY, Kind, Lane, Span, Timeline, text

_WIDTH, _LABELS, _ROW, _TOP = 960, 300, 22, 34
#: Distances between the marks of the axis, in days: the first that gives at most this many marks is taken.
_STEPS, _MARKS = (1, 7, 14, 30, 61, 91), 8


def svg(picture: Timeline) -> SafeString:
    """An SVG element to be put into a page."""
    rows = sum(1 + len(lane.spans) + bool(lane.gaps) for lane in picture.lanes)
    height = _TOP + rows * _ROW + 10
    root = Xml.Element(
        "svg", {"viewBox": f"0 0 {_WIDTH} {height}", "role": "img", "class": "timeline", "aria-label": _said(picture)}
    )
    root.append(_hatching())
    _axis(root, picture, height)
    y = _TOP
    for lane in picture.lanes:
        y = _draw(root, picture, lane, y)
    x = _x(picture, picture.now)
    _line(root, x, _TOP - 16, x, height, "today")
    _text(root, x - 17, 12, "today", "now")
    # ElementTree escapes every text and attribute that it writes.
    return SafeString(Xml.tostring(root, encoding="unicode"))


def _said(picture: Timeline) -> str:
    """What the picture shows, in words."""
    gaps = sum(len(lane.gaps) for lane in picture.lanes)
    said = f"Timeline from {_day(picture.start)} to {_day(picture.end)} of {len(picture.lanes)} lanes"
    return f"{said}; {gaps or 'no'} {'gap' if gaps == 1 else 'gaps'} without an active pin. The same as text follows."


def words(picture: Timeline) -> str:
    """The same as text, for those who do not see the picture."""
    return text(picture)


def _draw(root: Xml.Element, picture: Timeline, lane: Lane, y: int) -> int:
    _text(root, 0, y + 15, lane.title, "lane")
    y += _ROW
    for left, right in lane.overlaps:
        _box(root, picture, (left, right), (y - 6, 4), "overlap", "two or more pins are active")
    for span in lane.spans:
        _text(root, 12, y + 15, span.label[:40], "label")
        _box(
            root,
            picture,
            (span.start, span.end),
            (y + 4, 12),
            f"span {span.kind.value.replace(' ', '-')}",
            _title(span),
        )
        if span.note:
            _text(root, _x(picture, picture.now) + 6, y + 14, span.note, "note")
        y += _ROW
    if lane.gaps:
        _text(root, 12, y + 15, "no active pin", "label")
        for left, right in lane.gaps:
            _box(root, picture, (left, right), (y + 4, 12), "gap", f"no active pin from {_day(left)} to {_day(right)}")
        y += _ROW
    return y


def _title(span: Span) -> str:
    start = "always" if span.start is None else _day(span.start)
    end = "no end" if span.end is None else _day(span.end)
    return f"{span.kind.value} {span.label}: {start} to {end}"


def _box(
    root: Xml.Element,
    picture: Timeline,
    times: tuple[int | None, int | None],
    place: tuple[int, int],
    kind: str,
    title: str,
) -> None:
    left = _LABELS if times[0] is None else _x(picture, times[0])
    right = _WIDTH if times[1] is None else _x(picture, times[1])
    y, height = place
    box = {
        "x": f"{left:.1f}",
        "y": str(y),
        "width": f"{max(right - left, 2):.1f}",
        "height": str(height),
        "class": kind,
    }
    if kind.endswith(Kind.PIN.value):
        box["fill"] = "url(#hatching)"
    Xml.SubElement(Xml.SubElement(root, "rect", box), "title").text = title


def _axis(root: Xml.Element, picture: Timeline, height: int) -> None:
    days = (picture.end - picture.start) / DAY
    step = next((one for one in _STEPS if days / one <= _MARKS), 182) * DAY
    moment = picture.start - picture.start % step + step
    while moment < picture.end:
        x = _x(picture, moment)
        _line(root, x, _TOP - 6, x, height, "grid")
        # Whole and legible, or not at all: beyond the edge it is cut off, near today two dates overlap.
        if x + 34 < _WIDTH and abs(x - _x(picture, picture.now)) > 64:
            _text(root, x - 34, 12, _day(moment), "tick")
        moment += step


def _hatching() -> Xml.Element:
    definitions = Xml.Element("defs")
    pattern = Xml.SubElement(
        definitions,
        "pattern",
        {"id": "hatching", "width": "6", "height": "6", "patternUnits": "userSpaceOnUse", "class": "hatching"},
    )
    Xml.SubElement(pattern, "path", {"d": "M0 6 6 0"})
    return definitions


def _x(picture: Timeline, moment: int) -> float:
    inside = min(max(moment, picture.start), picture.end)
    return _LABELS + (inside - picture.start) * (_WIDTH - _LABELS) / (picture.end - picture.start)


def _line(root: Xml.Element, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
    ends = {"x1": f"{x1:.1f}", "y1": f"{y1:.1f}", "x2": f"{x2:.1f}", "y2": f"{y2:.1f}"}
    Xml.SubElement(root, "line", {**ends, "class": kind})


def _text(root: Xml.Element, x: float, y: float, words: str, kind: str) -> None:
    Xml.SubElement(root, "text", {"x": f"{x:.1f}", "y": f"{y:.1f}", "class": kind}).text = words


def _day(moment: int) -> str:
    return datetime.fromtimestamp(min(moment, LAST_MOMENT), UTC).strftime("%Y-%m-%d")
