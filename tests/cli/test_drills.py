"""Drills: each is played, with real processes, and every claim of it holds."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree

import pytest

from livepin.cli.drill import DRILLS, OPERATOR_SECONDS
from tests.cli.shell import Shell

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "drills.md").read_text("utf-8")

#: What has to be refused in each, with which code, and the operator's commands that end it.
EXPECTED = {
    "signing-key": (["rolled_back", "key_revoked"], ["livepin keyset revoke", "livepin publish"]),
    "anchor": (["threshold_unmet", "threshold_unmet"], ["livepin keyset revoke", "livepin publish"]),
    "anchor-of-two": (["threshold_unmet", "threshold_unmet"], []),
    "without-key-set": (["unknown_key"], ["livepin init", "livepin embed"]),
    "cdn": (["unknown_key", "rolled_back", "withdrawn"], ["livepin pin add", "livepin publish"]),
    "database": (
        ["master_key_missing", "seal_broken", "seal_broken", "rolled_back", "key_revoked"],
        ["livepin keyset revoke", "livepin publish"],
    ),
    "token": (
        ["forbidden", "forbidden", "forbidden", "forbidden", "not_found", "unauthenticated"],
        ["livepin token revoke", "livepin rollback 1"],
    ),
    "store": (["store_unusable", "store_unusable", "no_document", "store_unusable"], []),
}


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """In the repository: where applications may keep a store, which temporary directories are not."""
    directory = REPOSITORY / "build" / f"drill-{uuid.uuid4().hex}"
    directory.mkdir(parents=True)
    directory.chmod(0o700)
    yield Shell(directory)
    assert list(directory.iterdir()) == [], "a drill leaves nothing behind"
    rmtree(directory)


def test_every_drill_is_expected_something_of_and_is_on_the_page() -> None:
    assert list(EXPECTED) == list(DRILLS)
    assert re.findall(r"^### `([a-z-]+)`$", PAGE, re.MULTILINE) == list(DRILLS)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPECTED)
def test_a_drill_is_played_and_everything_happens_as_it_has_to(name: str, shell: Shell) -> None:
    answer = shell.json("drill", name, timeout=300)
    (played,) = answer["drills"]
    refused, commands = EXPECTED[name]
    assert played["failed"] == []
    assert answer["holds"] is True
    assert played["refused"] == refused
    typed = [line.split(" --")[0] for line in played["commands"]]
    assert [line.startswith(tuple(commands)) for line in typed] == [True] * len(commands), typed
    if os.getloadavg()[0] < (os.cpu_count() or 1):
        assert played["operator_seconds"] < OPERATOR_SECONDS
    if played["application_seconds"] is not None:
        assert played["application_seconds"] <= played["bound_seconds"]
