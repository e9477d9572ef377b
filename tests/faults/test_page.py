"""`docs/faults.md` shows the rows that the tests run."""

from __future__ import annotations

import pytest

from tests.faults.every_row import ROWS
from tools import fault_table


def test_the_page_shows_every_row_as_it_is_tested() -> None:
    page = fault_table.PAGE.read_text("utf-8")
    assert page == fault_table.rewritten(page), "stale: run `python -m tools.fault_table`"
    for row in ROWS:
        assert page.count(f"| `{row.key}` |") == 1


def test_a_page_without_its_marks_is_not_guessed_at() -> None:
    with pytest.raises(ValueError, match="lacks the lines"):
        fault_table.rewritten("# Faults\n")
