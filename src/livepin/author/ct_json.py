"""A log table as JSON: what the server's API says of the operator's, with the members of `ct-logs.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from livepin.author.ct_logs import LogTable, log_table_of
from livepin.author.draft_json import Members


def table_members(table: LogTable) -> dict[str, Any]:
    """A table as JSON: lists, operators and logs."""
    return {
        "lists": [
            _said(source=one.source, issued_at=one.issued_at, version=one.version, signed_by=one.signed_by)
            for one in table.reviews
        ],
        "operators": [{"id": one.id, "names": list(one.names)} for one in table.operators],
        "logs": [{"name": one.name, **one.member(), "source": one.source} for one in table.logs],
    }


def _said(**members: Any) -> dict[str, Any]:
    return {name: str(value) if name == "source" else value for name, value in members.items() if value != ""}


def table_of(members: Mapping[str, Any]) -> LogTable:
    """The table that JSON describes. Raises `ValueInvalid`."""
    names = {"list": "lists", "operator": "operators", "log": "logs"}
    return log_table_of(Members({name: members[given] for name, given in names.items() if given in members}))
