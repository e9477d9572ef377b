"""Reading a table of TOML or JSON member by member, so that every fault is told with its place.

Members that nobody asked for are refused: a misspelt `rollout` must not silently mean 100.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any, Self

from livepin.errors import LivepinError, ProjectInvalid


class Table:
    """One table of the project file. `where` is its place, such as `host[2].pins[0]`."""

    def __init__(self, values: Mapping[str, Any], file: str, where: str = "") -> None:
        self._left = dict(values)
        self._file = file
        self.where = where

    def place(self, member: str) -> str:
        """Where a member stands; the table itself for an empty name."""
        return ".".join(part for part in (self.where, member) if part)

    def fault(self, member: str, why: str) -> LivepinError:
        """The error for a member."""
        return ProjectInvalid("project_invalid", f"{self.place(member)} {why}", where=self._file)

    def text(self, member: str, default: str | None = None) -> str:
        """A string; required where there is no default."""
        value = self._take(member, default)
        if not isinstance(value, str):
            raise self.fault(member, "is not a string")
        return value

    def choice(self, member: str, choices: tuple[str, ...], default: str | None = None) -> str:
        """One of a few strings."""
        value = self.text(member, default)
        if value not in choices:
            raise self.fault(member, f"is not one of {', '.join(choices)}")
        return value

    def integer(self, member: str, low: int, high: int, default: int | None = None) -> int:
        """An integer in a range."""
        value = self._take(member, default)
        if type(value) is not int or not low <= value <= high:
            raise self.fault(member, f"is not an integer from {low} to {high}")
        return value

    def texts(self, member: str) -> tuple[str, ...]:
        """An array of strings, empty where absent."""
        value = self._take(member, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.fault(member, "is not an array of strings")
        return tuple(value)

    def moment(self, member: str) -> int | None:
        """Unix seconds of an RFC 3339 date-time, or of a date (its midnight UTC); None where absent."""
        value = self._left.pop(member, None)
        if value is None:
            return None
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time(), UTC)
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise self.fault(member, "is not a date with a time zone, such as 2027-01-31T00:00:00Z")
        return int(value.timestamp())

    def table(self, member: str) -> Self:
        """A table, empty where absent."""
        value = self._take(member, {})
        if not isinstance(value, dict):
            raise self.fault(member, "is not a table")
        return type(self)(value, self._file, self.place(member))

    def tables(self, member: str) -> tuple[Self, ...] | None:
        """An array of tables; None where absent."""
        value = self._left.pop(member, None)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise self.fault(member, "is not an array of tables")
        return tuple(type(self)(one, self._file, f"{self.place(member)}[{n}]") for n, one in enumerate(value))

    def names(self) -> list[str]:
        """The members that have not been taken yet."""
        return list(self._left)

    def has(self, member: str) -> bool:
        """Whether a member is there and has not been taken yet."""
        return member in self._left

    def end(self) -> None:
        """Refuse what is left. Raises `ProjectInvalid`."""
        for member in self._left:
            raise self.fault(member, "is unknown")

    def _take(self, member: str, default: Any) -> Any:
        value = self._left.pop(member, default)
        if value is None:
            raise self.fault(member, "is missing")
        return value
