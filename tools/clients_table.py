"""The parts of ``docs/clients.md`` that come from the tests' own list of clients: ``python -m tools.clients_table``.

Everything between ``<!-- begin: NAME -->`` and ``<!-- end: NAME -->`` is written anew. With ``--check`` nothing is
written, and the exit status is 1 if the page is stale (a test asks the same). A new client is a new file in
``tests/clients/entries``, and then this command.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path

from tests.clients.client import Client, keys, load
from tests.clients.entries.requests_session import ContextAdapter
from tests.clients.ways import WAYS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "clients.md"


def table() -> str:
    """One row for each entry of the harness."""
    head = [
        "| client | its own context | raises | connections |",
        "|---|---|---|---|",
    ]
    clients = sorted(map(load, keys()), key=lambda client: client.name)
    notes = [f"- {client.name}: {client.note}" for client in clients if client.note]
    return "\n".join([*head, *map(_row, clients), "", *notes])


def _row(client: Client) -> str:
    explicit = f"`{client.explicit}`" if client.explicit else "–"
    return f"| {client.name} | {explicit} | `{client.error}` | {client.tries or 'until its time is up'} |"


def adapter() -> str:
    """The code that gives requests a context, as the tests run it."""
    return f"```python\n{inspect.getsource(ContextAdapter)}```"


def ways() -> str:
    """The ways in which the tests try to get bytes through."""
    return ", ".join(name.replace("_", " ") for name in WAYS) + f": {len(WAYS)} ways in all."


PARTS: dict[str, Callable[[], str]] = {"table": table, "adapter": adapter, "ways": ways}


def render(page: str) -> str:
    """The page with every generated part up to date. Raises `ValueError` where the marks of a part are missing."""
    for name, part in PARTS.items():
        begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if len(pattern.findall(page)) != 1:
            raise ValueError(f"docs/clients.md needs {begin} and {end}, once each")
        text = f"{begin}\n{part()}\n{end}"
        page = pattern.sub(lambda _, text=text: text, page)  # type: ignore[misc]
    return page


def main(arguments: list[str]) -> int:
    """Write the page, or check it."""
    before = PAGE.read_text("utf-8")
    after = render(before)
    if "--check" not in arguments:
        PAGE.write_text(after, "utf-8")
        return 0
    if after != before:
        print("docs/clients.md is stale: run python -m tools.clients_table")
    return int(after != before)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
