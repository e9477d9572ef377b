"""docs/errors.md against the codes that the program knows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from livepin.errors import CODES, DOCS, LivepinError

PAGES = Path(__file__).resolve().parents[2] / "docs"
SECTION = re.compile(r"^### `([a-z_]+)`$\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
SECTIONS = SECTION.findall((PAGES / DOCS).read_text(encoding="utf-8"))
TEXTS = dict(SECTIONS)


def test_every_code_has_exactly_one_section_and_no_section_is_stale() -> None:
    names = [name for name, _ in SECTIONS]
    assert sorted(names) == sorted(CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_section_says_what_it_means_why_and_what_to_do(code: str) -> None:
    what, _, rest = TEXTS.get(code, "").partition("\n*Why:* ")
    why, _, what_to_do = rest.partition("\n*Do:* ")
    assert min(len(what.strip()), len(why.strip()), len(what_to_do.strip())) >= len("nothing.")


def test_an_error_points_at_its_section() -> None:
    error = LivepinError("pin_mismatch", "refused")
    page, _, anchor = error.docs.partition("#")
    assert page == DOCS
    assert anchor in TEXTS


RULES = (PAGES / "rules.md").read_text(encoding="utf-8")
#: Where in `errors.CODES` the codes of the verification steps and of verdicts end.
LAST_VERDICT = "no_document"


def test_the_table_of_codes_on_the_rules_page_has_every_step_and_verdict() -> None:
    codes = list(CODES)[: list(CODES).index(LAST_VERDICT) + 1]
    table = re.findall(r"^\| \[`([a-z_]+)`\]\(errors\.md#([a-z_]+)\) \|", RULES, re.MULTILINE)
    assert sorted(table) == sorted((code, code) for code in codes)


@pytest.mark.parametrize(
    "rule",
    [
        *(f"V{n}" for n in range(1, 9)),
        *(f"F{n}" for n in range(1, 8)),
        *(f"J{n}" for n in range(1, 10)),
        *(f"G{n}" for n in range(1, 9)),
    ],
)
def test_every_rule_has_its_anchor_its_why_and_an_example(rule: str) -> None:
    found = re.search(rf"^### {rule}: .* {{ #{rule.lower()} }}$\n(.*?)(?=^##)", RULES, re.MULTILINE | re.DOTALL)
    assert found is not None
    assert "\n*Why:* " in found[1]
    assert "\n*Example:* " in found[1]
