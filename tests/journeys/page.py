"""The files of docs/recipes.md."""

from __future__ import annotations

import re
from pathlib import Path

RECIPES = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text("utf-8")
FILE = re.compile(r"^```python title=\"([^\"]+)\"\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def files(section: str) -> dict[str, str]:
    """Name and content of every file under a heading of the page."""
    _, found, rest = RECIPES.partition(f"\n## {section}\n")
    assert found, section
    return dict(FILE.findall(rest.partition("\n## ")[0]))
