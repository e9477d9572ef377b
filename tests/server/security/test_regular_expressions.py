"""A text that takes a regular expression for ever: none of those that texts of users reach."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import livepin

#: What reads texts from outside. What only the command line reads, of files of its own, is left out.
ROOMS = ("livepin.server", "livepin.core", "livepin.watch", "livepin.publish", "livepin.errors")
MODULES = ("livepin.author.draft", "livepin.author.digests", "livepin.author.signers.managed")
LENGTH = 30_000
#: In seconds of this thread's own: a second is enough for 30,000 characters whatever else the machine does.
MOST = 1.0
WHOLE = ("re.match", "re.fullmatch")
ASKED = (*WHOLE, "re.search", "re.findall", "re.finditer", "re.sub", "re.split")


def modules() -> Iterator[str]:
    for found in pkgutil.walk_packages(livepin.__path__, "livepin."):
        if found.name.startswith(ROOMS) or found.name in MODULES:
            yield found.name


def expressions() -> dict[str, tuple[re.Pattern[str], bool]]:
    """Those that modules hold, and those that stand in a call; and whether they are looked for anywhere in a text."""
    found: dict[str, tuple[re.Pattern[str], bool]] = {}
    for name in modules():
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        text = Path(spec.origin).read_text()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                asked, given = ast.unparse(node.func), node.args[0]
                if asked in ASKED and isinstance(given, ast.Constant) and isinstance(given.value, str):
                    found[f"{name}:{node.lineno}"] = re.compile(given.value), asked not in WHOLE
        if re.search(r"^_?[A-Z]\w* = re\.compile", text, re.MULTILINE):
            for key, one in vars(importlib.import_module(name)).items():
                if isinstance(one, re.Pattern) and isinstance(one.pattern, str):
                    found[f"{name}.{key}"] = one, True
    return found


FOUND = expressions()
#: Characters that expressions of ours are about, and pairs of them, again and again.
PARTS = (
    *("a", "A", "0", " ", "\t", ".", "-", ":", "/", "@", "=", '"', "'"),
    *("a.", "a-", "0:", "a@", "lvp_a", "-----BEGIN A", " a", "*.", "--"),
)


def test_the_expressions_are_found() -> None:
    assert len(FOUND) > 20


@pytest.mark.parametrize("name", FOUND)
def test_no_text_takes_an_expression_for_ever(name: str) -> None:
    pattern, anywhere = FOUND[name]
    began = time.thread_time()
    for part in PARTS:
        text = part * (LENGTH // len(part))
        for evil in (text + "\0", "://" + text + "\n!"):
            pattern.fullmatch(evil)
            if anywhere:
                pattern.search(evil)
            assert time.thread_time() - began < MOST, part
