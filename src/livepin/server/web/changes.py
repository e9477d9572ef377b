"""Differences between two documents, as rows that people read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from livepin.author.staging import Change
from livepin.core.pins import DIGEST_MEMBERS

_MOST = 500


@dataclass(frozen=True, slots=True)
class Line:
    """One difference: added, removed or changed; where; and the values as text."""

    what: str
    where: str
    before: str
    after: str


def lines_of(changes: Iterable[Change]) -> list[Line]:
    """At most so many differences as a page can show."""
    rows = [Line(one.what, one.where, _said(one.before), _said(one.after)) for one in changes]
    return rows[:_MOST]


def _said(value: Any) -> str:
    """A value of a document in few words."""
    if value is None:
        return ""
    if isinstance(value, dict):
        if "host" in value:
            pins = value.get("pins")
            count = "no pins" if pins is None else f"{len(pins)} pin{'' if len(pins) == 1 else 's'}"
            return f"{value['action']}, {count}"
        member = next((name for name in DIGEST_MEMBERS if name in value), None)
        if member:
            rest = {name: one for name, one in value.items() if name != member}
            return " ".join([member, value[member], *(f"{name} {one}" for name, one in rest.items())])
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
