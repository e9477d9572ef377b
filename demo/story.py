"""Telling: scenes, one line a step with its time, and claims that are checked when they are made."""

from __future__ import annotations

import shlex
import textwrap
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TextIO

_WIDTH = 84
_INDENT = 7
_MARKS = {"held": "✓", "failed": "✗", "did": "·", "rule": "─"}
_PLAIN_MARKS = {"held": "ok", "failed": "FAILED", "did": "--", "rule": "-"}
_COLOURS = {"title": "1", "held": "32", "failed": "1;31", "dim": "2", "command": "36"}


@dataclass(frozen=True, slots=True)
class Claim:
    """What was claimed in which scene, and whether it held."""

    scene: str
    text: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Style:
    """`plain`: ASCII only, for logs and screen readers. `colour`: ANSI colours."""

    plain: bool = False
    colour: bool = False

    @property
    def marks(self) -> dict[str, str]:
        """The signs in front of the lines."""
        return _PLAIN_MARKS if self.plain else _MARKS

    def paint(self, text: str, role: str) -> str:
        """`text` in the colour of its role."""
        return f"\x1b[{_COLOURS[role]}m{text}\x1b[0m" if self.colour else text


class Story:
    """The teller. Each line shows the seconds since the line before it."""

    def __init__(self, stream: TextIO, style: Style) -> None:
        self.claims: list[Claim] = []
        self._stream = stream
        self._style = style
        self._scene = ""
        self._scenes = 0
        self._summed = False
        self._began = self._last = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    @property
    def holds(self) -> bool:
        """Whether every claim so far held."""
        return all(claim.holds for claim in self.claims)

    def scene(self, title: str) -> None:
        """Begin a scene."""
        self._scenes += 1
        self._scene = f"{self._scenes} {title}"
        self.say()
        self.say(self._style.paint(f"{self._scenes}  {title}", "title"))
        self._last = time.monotonic()

    def say(self, text: str = "") -> None:
        """A line of prose."""
        self._stream.write(f"{self._ascii(text)}\n" if text else "\n")
        self._stream.flush()

    def quote(self, lines: Iterable[str]) -> None:
        """Somebody else's words, such as a log; long lines go on in the next one."""
        for line in lines:
            wrapped = textwrap.wrap(line, _WIDTH - _INDENT, break_long_words=False, break_on_hyphens=False)
            for part in wrapped:
                self.say(self._style.paint(" " * _INDENT + part, "dim"))

    def listing(self, lines: Iterable[str], added: Iterable[str]) -> None:
        """A script; lines of it that are among `added` get a + in front. Long ones are cut."""
        added = set(added)
        for line in lines:
            new = bool(line) and line in added
            shown = line if len(line) <= _WIDTH - _INDENT else f"{line[: _WIDTH - _INDENT - 3]}..."
            self.say(self._style.paint(f"     {'+' if new else ' '} {shown}".rstrip(), "command" if new else "dim"))

    def command(self, words: Sequence[str]) -> None:
        """A command that is being run, as it could be typed."""
        line = "     $"
        for word in map(shlex.quote, words):
            if len(line) + len(word) > _WIDTH - 3:
                self.say(self._style.paint(f"{line} \\", "command"))
                line = " " * (_INDENT + 2)
            line += f" {word}"
        self.say(self._style.paint(line, "command"))

    def did(self, text: str) -> None:
        """A step that is done and proves nothing by itself."""
        self._line("did", text)

    def claim(self, text: str, found: object, expected: object = True) -> bool:
        """Make a claim: it holds if `found` equals `expected`. Returns whether it does."""
        holds = found == expected
        self.claims.append(Claim(self._scene, text, holds))
        self._line("held" if holds else "failed", text)
        if not holds:
            self.say(self._style.paint(f"       expected: {expected}", "failed"))
            self.say(self._style.paint(f"       found:    {found}", "failed"))
        return holds

    def summary(self) -> None:
        """The table of all claims, once."""
        if self._summed:
            return
        self._summed = True
        marks = self._style.marks
        self.say()
        self.say(self._style.paint("What was claimed, and checked", "title"))
        self.say(marks["rule"] * _WIDTH)
        width = max((len(claim.scene) for claim in self.claims), default=0)
        scene = ""
        for claim in self.claims:
            shown, scene = claim.scene if claim.scene != scene else "", claim.scene
            mark = "held" if claim.holds else "failed"
            self.say(f"{shown:<{width}}  {claim.text:<50}  {self._style.paint(marks[mark], mark)}")
        self.say(marks["rule"] * _WIDTH)
        held = sum(claim.holds for claim in self.claims)
        self.say(f"{held} of {len(self.claims)} claims held, in {self.elapsed:.0f} s.")

    def _line(self, mark: str, text: str) -> None:
        now = time.monotonic()
        seconds, self._last = now - self._last, now
        sign = f"{self._style.marks[mark]:>4} "
        if mark in ("held", "failed"):
            sign = self._style.paint(sign, mark)
        dots = " " * max(1, _WIDTH - 13 - len(text))
        self.say(f"{sign} {text}{dots}{self._style.paint(f'{seconds:5.2f} s', 'dim')}")

    def _ascii(self, text: str) -> str:
        return text.encode("ascii", "replace").decode("ascii") if self._style.plain else text
