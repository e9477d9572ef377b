"""What a failed run leaves behind, said at its end: pictures of the browsers as they were when a journey failed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
#: Kept by tests/server/web/conftest.py.
SHOTS = ROOT / "build" / "screenshots"
_BEGAN = pytest.StashKey[float]()


def pytest_configure(config: pytest.Config) -> None:
    """Remember when the run began: what an earlier one left is not this one's."""
    config.stash[_BEGAN] = time.time()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name the pictures of this run, if there are any."""
    made = sorted(path for path in SHOTS.glob("*.png") if path.stat().st_mtime >= config.stash[_BEGAN])
    if made:
        terminalreporter.section("what failed looked like this")
        for path in made:
            terminalreporter.write_line(str(path.relative_to(ROOT)))
