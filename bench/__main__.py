"""Print the tables. Exit status 1 when a target is missed."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from bench import api, connections, ct, handshake, importing, judging, loading
from bench.ratio import Row


def main() -> int:
    """Measure everything, telling what is being measured."""
    rows: list[Row] = []
    for room in (judging, handshake, connections, ct, loading, api):
        sys.stderr.write(f"measuring {room.__name__.rpartition('.')[2]} …\n")
        rows += room.rows()
    _table(("ours", "against", "ours µs", "theirs µs", "ratio", "target", ""), map(_cells, rows))
    sys.stderr.write("measuring imports …\n")
    _table(("after import ssl", "modules", "ms", "KiB"), importing.lines())
    missed = [row for row in rows if row.verdict == "MISSED"]
    return 1 if missed else 0


def _cells(row: Row) -> tuple[str, ...]:
    target = "" if row.target is None else f"≤ {row.target:g}"
    return (row.what, row.against, f"{row.ours:.2f}", f"{row.theirs:.2f}", f"{row.ratio:.3f}", target, row.verdict)


def _table(head: tuple[str, ...], lines: Iterable[tuple[str, ...]]) -> None:
    table = [head, *lines]
    widths = [max(len(line[column]) for line in table) for column in range(len(head))]
    for number, line in enumerate(table):
        sys.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n")
        if number == 0:
            sys.stdout.write("  ".join("-" * width for width in widths) + "\n")
    sys.stdout.write("\n")


if __name__ == "__main__":
    sys.exit(main())
