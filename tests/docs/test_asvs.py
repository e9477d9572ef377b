"""The security table names tests that exist, and pages that say what it claims."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = re.findall(
    r"^\| (\d+\.\d+\.\d+) \| (\w+) \| (.+?) \| (.+?) \|$", (ROOT / "docs/asvs.md").read_text(), re.MULTILINE
)
DASHBOARD = (ROOT / "docs/dashboard.md").read_text()


def test_every_requirement_stands_once() -> None:
    names = [name for name, *_ in ROWS]
    assert len(set(names)) == len(names) > 80


@pytest.mark.parametrize(("name", "state", "how", "tests"), ROWS, ids=[name for name, *_ in ROWS])
def test_a_row_names_tests_that_exist(name: str, state: str, how: str, tests: str) -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", tests)
    assert state in ("met", "partly", "operator")
    assert how
    assert named or state != "met", f"{name} is met, and nothing proves it"
    for file, test in named:
        assert re.search(rf"^def {test}\(", (ROOT / file).read_text(), re.MULTILINE), (
            f"{name}: there is no {file}::{test}"
        )


def test_the_page_about_the_dashboard_lists_the_ways_in() -> None:
    section = DASHBOARD.split("## Ways in")[1].split("\n## ")[0]
    for way in ("password", "passkey", "single sign-on", "invitation", "command line", "first owner"):
        assert f"| {way} |" in section


def test_the_page_about_the_dashboard_says_what_may_be_uploaded() -> None:
    section = DASHBOARD.split("### What may be uploaded")[1].split("\n## ")[0]
    assert "200 KB" in section
    assert "512 KB" in section
