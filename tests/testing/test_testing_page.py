"""docs/testing.md: its Python blocks are test files, and are run as such."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from functools import cached_property
from pathlib import Path
from types import ModuleType

import pytest

import livepin.testing
from livepin.testing import Cast, DocumentAuthority, conversations, failures

PAGE = Path(__file__).parents[2] / "docs" / "testing.md"
TEXT = PAGE.read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_a_reader_copies_every_block_into_a_test_file_and_it_passes(tmp_path: Path) -> None:
    assert len(BLOCKS) == TEXT.count("```python") > 0
    for number, block in enumerate(BLOCKS):
        assert "def test_" in block
        (tmp_path / f"test_block_{number}.py").write_text(block, "utf-8")
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{TEXT.count('def test_')} passed" in done.stdout


def defined_in(module: ModuleType) -> set[str]:
    """Public functions and classes of a module's own."""
    return {
        name
        for name, member in vars(module).items()
        if not name.startswith("_") and getattr(member, "__module__", "") == module.__name__
    }


def test_the_table_names_everything_that_can_go_wrong() -> None:
    table = "".join(line for line in TEXT.splitlines(keepends=True) if line.startswith("|"))
    named = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", table))))
    switches = defined_in(failures) - {"Answer", "Ending", "Failure"}
    documents = {name for name, member in vars(DocumentAuthority).items() if inspect.isfunction(member)}
    roles = {name for name, member in vars(Cast).items() if isinstance(member, cached_property)}
    sayings = defined_in(conversations)
    public = {name for name in switches | documents | roles | sayings if not name.startswith("_")}
    assert len(public) > 40
    assert public - named == set()


def test_every_public_name_is_documented_where_it_is_defined() -> None:
    for name in livepin.testing.__all__:
        assert getattr(livepin.testing, name).__doc__, name
