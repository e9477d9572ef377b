"""The fault table of the documentation, written from the rows that the tests run: ``python -m tools.fault_table``.

Replaces what stands between the two marks in `docs/faults.md`. A test fails while it is stale.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.faults.every_row import GROUPS
from tests.faults.table import Held, Row, Start

PAGE = Path(__file__).resolve().parent.parent / "docs" / "faults.md"
BEGIN, END = "<!-- rows: begin -->\n", "<!-- rows: end -->\n"

_HEAD = "| Row | What goes wrong | Document | Pinned traffic | Alarm | Once it is over |\n|---|---|---|---|---|---|"
_STARTS = {Start.RUNNING: "", Start.FIRST: " *(at a first start)*", Start.RESTART: " *(at a restart)*"}


def tables() -> str:
    """Every group of rows as a heading and a table."""
    return "\n".join(_lines()) + "\n"


def rewritten(page: str) -> str:
    """The page with its tables as they should be. Raises `ValueError` where a mark is missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} lacks the lines {BEGIN.strip()} and {END.strip()}")
    return f"{before}{BEGIN}\n{tables()}\n{END}{after}"


def _lines() -> Iterator[str]:
    for number, (title, rows) in enumerate(GROUPS):
        yield from ([""] if number else [])
        yield from (f"### {title}", "", _HEAD)
        yield from map(_line, rows)


def _line(row: Row) -> str:
    cells = (
        f"`{row.key}`",
        row.fault + _STARTS[row.start],
        _document(row),
        row.traffic.value,
        "<br>".join(f"`{name}`" + (f" (`{code}`)" if code else "") for name, code in row.alarms.items()) or "none",
        row.after.value if row.after is not None else "–",
    )
    return f"| {' | '.join(cells)} |"


def _document(row: Row) -> str:
    text = "the bundled one" if row.seeded and row.held is Held.LAST else row.held.value
    return text + (", out of date" if row.expired else "")


def main() -> int:
    """Rewrite the page, and say whether that changed it."""
    page = PAGE.read_text("utf-8")
    new = rewritten(page)
    if new == page:
        print(f"{PAGE.name} is up to date")
    else:
        PAGE.write_text(new, "utf-8")
        print(f"{PAGE.name} is written anew")
    return 0


if __name__ == "__main__":
    sys.exit(main())
