"""What a command says: its result on standard output (text or one JSON object), everything else on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from livepin.cli.terminal import shown
from livepin.errors import CommandFailed, InputInvalid


class Output:
    """The voice of one command."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._notes: list[str] = []

    @property
    def for_people(self) -> bool:
        """Whether a person reads this, who could be asked something."""
        return not self._as_json

    def progress(self, text: str) -> None:
        """A plain line while something slow goes on; the same on a terminal and in a log."""
        sys.stderr.write(f"… {shown(text)}\n")
        sys.stderr.flush()

    def note(self, text: str) -> None:
        """Something that a person should know and that stops nothing; in JSON it is in `notes`."""
        self._notes.append(text)
        if not self._as_json:
            sys.stderr.write(f"note: {shown(text)}\n")

    def result(self, members: Mapping[str, Any], text: str) -> None:
        """The answer: `members` with --json, else `text`."""
        if self._as_json:
            notes = {"notes": self._notes} if self._notes else {}
            sys.stdout.write(json.dumps({"ok": True, **members, **notes}, ensure_ascii=False) + "\n")
        elif text:
            sys.stdout.write(shown(text).rstrip("\n") + "\n")
        sys.stdout.flush()


def ask(text: str, question: str, where: str, *, asks: bool) -> None:
    """Show a person what would be done, and ask. Raises `InputInvalid` or `CommandFailed` (`confirmation_missing`)."""
    if not asks or not sys.stdin.isatty():
        raise InputInvalid("confirmation_missing", "there is nobody to ask whether this is right", where=where)
    click.echo(shown(text), err=True)
    if not click.confirm(question, err=True):
        raise CommandFailed("confirmation_missing", "the answer was no, so nothing changed", where=where)


def table(rows: Sequence[Sequence[str]], heads: Sequence[str] = ()) -> str:
    """Columns, aligned; nothing where there are no rows."""
    if not rows:
        return ""
    lines = [*([tuple(heads)] if heads else []), *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def moment(seconds: int | None) -> str:
    """Unix seconds as an RFC 3339 date-time in UTC; empty for None."""
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def age(seconds: float) -> str:
    """A span of time in its largest unit that fits."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.0f} s"
