"""Every test of the API publishes to an origin of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from livepin.server.settings import CONFIG


@pytest.fixture(autouse=True)
def _origin(tmp_path: Path) -> Iterator[None]:
    before = CONFIG.origin_folder
    object.__setattr__(CONFIG, "origin_folder", tmp_path / "origin")
    yield
    object.__setattr__(CONFIG, "origin_folder", before)
