"""What the commands about the log table have in common: how a log is shown, and how a person is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from livepin.author.ct_logs import FILE_NAME, LogEntry, LogTable, date_text, open_table
from livepin.cli.output import ask
from livepin.errors import ProjectInvalid


def confirm(text: str, *, asks: bool) -> None:
    """Show a person what would change, and ask. Raises `InputInvalid` or `CommandFailed` (`confirmation_missing`)."""
    ask(text, f"Have you reviewed this, and is it to go into {FILE_NAME}?", FILE_NAME, asks=asks)


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
