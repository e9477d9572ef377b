"""Every block of the README does what it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(sh|python)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def _run(python: str, program: str) -> subprocess.CompletedProcess[str]:
    """Run a block without leaving its document in the home of whoever runs the tests."""
    environment = {**os.environ, "LIVEPIN_STORE": str(ROOT / "build" / "readme-store")}
    return subprocess.run([python, "-c", program], capture_output=True, text=True, timeout=60, env=environment)


def test_every_block_is_covered_here() -> None:
    assert [language for language, _ in BLOCKS] == ["sh", "sh", "python"]


def test_it_is_short_and_comes_to_the_point() -> None:
    assert len(README.splitlines()) <= 120
    before = README.partition("```sh")[0].partition("\n")[2]
    assert len(before.split()) < 40


def test_the_first_command_is_the_demo() -> None:
    """What it does is seen in tests/slow/test_demo.py."""
    assert BLOCKS[0][1].strip() == "make demo"
    assert re.search(r"^demo:.*\n\t\$\(RUN\) demo$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


def test_the_five_lines_end_in_a_refused_connection() -> None:
    done = _run(sys.executable, BLOCKS[2][1])
    assert done.returncode == 1
    assert "PinError: " in done.stderr
    assert "[pin_mismatch]" in done.stderr


def test_the_five_lines_go_through_when_the_service_is_genuine() -> None:
    """The control: without the wrong key nothing is refused."""
    program = BLOCKS[2][1].replace("TlsServer(cast.evil)", "TlsServer(cast.genuine)")
    done = _run(sys.executable, program)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_it_installs_from_the_checkout_into_an_environment_of_its_own(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(lambda name: name.startswith(("src/", "pyproject", "README", "LICENSE")), listed.splitlines()):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, checkout / name)
    command = BLOCKS[1][1].replace("python3", sys.executable)
    subprocess.run(["sh", "-ec", command], cwd=checkout, check=True, timeout=300)
    python = checkout / ".venv/bin/python"
    done = _run(str(python), BLOCKS[2][1])
    assert "[pin_mismatch]" in done.stderr
    assert "init" in subprocess.run([str(python), "-m", "livepin", "--help"], capture_output=True, text=True).stdout
