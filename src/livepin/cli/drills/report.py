"""What a drill says while it goes on, and what came of it: every claim is checked when it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


class DrillFailed(Exception):
    """A drill cannot go on: what it waited for did not happen."""


@dataclass
class Report:
    """One drill's own. `operator`: seconds of commands; `took`: seconds until applications refused the thief, None
    where he was never let in; `bound`: seconds within which they have to."""

    name: str
    stolen: str
    say: Callable[[str], None]
    operator: float = 0.0
    commands: list[str] = field(default_factory=list)
    took: float | None = None
    bound: float | None = None
    refused: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether every claim held."""
        return not self.failed

    def tell(self, text: str) -> None:
        """A step of the story."""
        self.say(f"   {text}")

    def typed(self, line: str, seconds: float) -> None:
        """What the operator types, and how long it ran. Only what ends the attack is counted (`count`)."""
        self.say(f"   $ {line}   ({seconds:.1f} s)")

    def count(self, line: str, seconds: float) -> None:
        """A command of the operator that is part of the remedy."""
        self.commands.append(line)
        self.operator += seconds
        self.typed(line, seconds)

    def claim(self, text: str, holds: bool) -> None:
        """Something that has to be so."""
        self.say(f"   {'ok    ' if holds else 'FAILED'} {text}")
        if not holds:
            self.failed.append(text)

    def refuses(self, what: str, code: str, rule: str) -> None:
        """Something of the thief's that was refused."""
        self.refused.append(code)
        self.say(f"   ok     refused: {what}: {code} ({rule})")

    def measured(self, seconds: float, bound: float) -> None:
        """How long it took until the application refused the thief."""
        self.took, self.bound = seconds, bound
        self.claim(f"the application refuses the thief {seconds:.1f} s later (at most {bound:.1f} s)", seconds <= bound)

    def members(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "stolen": self.stolen,
            "ok": self.holds,
            "commands": self.commands,
            "operator_seconds": round(self.operator, 2),
            "application_seconds": None if self.took is None else round(self.took, 2),
            "bound_seconds": None if self.bound is None else round(self.bound, 2),
            "refused": self.refused,
            "failed": self.failed,
        }
