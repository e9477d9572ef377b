"""What the commands about the log table have in common: how a log is shown, and how a person is asked."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from livepin.author.ct_logs import FILE_NAME, LogEntry, LogTable, date_text, open_table
from livepin.errors import CommandFailed, InputInvalid, ProjectInvalid

yes_option = click.option("--yes", is_flag=True, help="Do not ask: somebody has reviewed what this changes.")


def confirm(text: str, *, asks: bool) -> None:
    """Show a person what would change, and ask. Raises `InputInvalid` or `CommandFailed` (`confirmation_missing`)."""
    if not asks or not sys.stdin.isatty():
        raise InputInvalid("confirmation_missing", "there is nobody to ask whether this is right", where=FILE_NAME)
    click.echo(text, err=True)
    if not click.confirm(f"Have you reviewed this, and is it to go into {FILE_NAME}?", err=True):
        raise CommandFailed("confirmation_missing", "the answer was no, so nothing changed", where=FILE_NAME)


def need_table(directory: Path) -> LogTable:
    """The log table. Raises `ProjectInvalid` (`ct_logs_missing`)."""
    found = open_table(directory)
    if found is None:
        raise ProjectInvalid("ct_logs_missing", f"there is no {FILE_NAME}", where=str(directory))
    return found


def said_of(log: LogEntry) -> str:
    """Everything but name, operator and ID, in a few words."""
    interval = f", {_day(log.start)}..{_day(log.end)}" if log.start is not None or log.end is not None else ""
    retired = f" {_day(log.retired_at)}" if log.retired_at is not None else ""
    return f"{log.kind}, {log.state}{retired}{interval}"


def _day(moment: int | None) -> str:
    return "" if moment is None else date_text(moment)


def members_of(log: LogEntry) -> dict[str, Any]:
    """A log for JSON."""
    return {"name": log.name, **log.member(), "source": log.source}
