"""The whole fault table, in the order in which the docs show it."""

from __future__ import annotations

from tests.faults.rows import answers, clocks, documents, network, processes, regions, starts, statements, stores
from tests.faults.table import Row

#: Heading and rows.
GROUPS: tuple[tuple[str, tuple[Row, ...]], ...] = tuple(
    (module.TITLE, module.ROWS)
    for module in (answers, network, regions, documents, statements, clocks, starts, stores, processes)
)
ROWS: tuple[Row, ...] = tuple(row for _, rows in GROUPS for row in rows)
