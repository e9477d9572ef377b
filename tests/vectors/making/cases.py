"""A case, and the words in which expected outcomes are written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One line for the conformance door and what must come back.

    `id` begins with the folder the file is in. `hostile`: the line is what an attacker or a broken writer would
    send, or a trap for a lenient reader. `request` is the line as JSON; `line` is its text where no JSON value will do.
    """

    id: str
    about: str
    rule: str
    expect: Json
    hostile: bool
    request: Json | None = None
    line: str | None = None

    @property
    def path(self) -> str:
        """Where the case is written, below `tests/vectors`."""
        folder, _, name = self.id.partition("-")
        return f"{folder}/{name}.json"

    @property
    def text(self) -> str:
        """The file: ASCII, so that no character of a trap hides in an editor."""
        sent: Json = {"line": self.line} if self.request is None else {"request": {"id": self.id, **self.request}}
        members = {"id": self.id, "about": self.about, "rule": self.rule, "hostile": self.hostile, **sent}
        return json.dumps({**members, "expect": self.expect}, indent=1) + "\n"


def any_of(*values: Any) -> Json:
    """The design leaves open which of these it is."""
    return {"any_of": list(values)}


def refused(step: Any, code: Any) -> Json:
    """Of `do: document`: the step that answers, and its code."""
    return {"ok": False, "code": code, "step": step}


def invalid(code: Any) -> Json:
    """Of the other questions: no answer but a code."""
    return {"ok": False, "code": code}


#: Refused, by a reader's own word.
NOT_OK: Json = {"ok": False}


def without(mapping: Mapping[str, Any], *names: str) -> Json:
    """The mapping less some members."""
    return {name: value for name, value in mapping.items() if name not in names}
