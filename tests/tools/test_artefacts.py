"""A run says at its end where the pictures of failed journeys are, and nothing where there are none."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests.artefacts import ROOT, SHOTS


@pytest.mark.slow
@pytest.mark.parametrize("fails", [True, False])
def test_a_run_names_the_pictures_that_it_left_and_no_earlier_ones(tmp_path: Path, *, fails: bool) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    earlier, picture = (SHOTS / f"{uuid.uuid4().hex}.png" for _ in range(2))
    earlier.touch()
    os.utime(earlier, (1, 1))
    code = "def test_journey(): pass"
    if fails:
        code = f"import pathlib\ndef test_journey():\n    pathlib.Path({str(picture)!r}).touch()\n    assert False"
    (tmp_path / "test_journey.py").write_text(code)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "tests.artefacts", "--rootdir", tmp_path, tmp_path],
            cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    finally:
        for one in (earlier, picture):
            one.unlink(missing_ok=True)
    assert done.returncode == int(fails), done.stdout
    assert (f"build/screenshots/{picture.name}" in done.stdout) is fails
    assert earlier.name not in done.stdout
