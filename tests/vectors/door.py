"""The conformance door as a process, and how its answers are held against what a case expects."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Json = dict[str, Any]

HERE = Path(__file__).resolve().parent
_MISSING = object()


def cases() -> list[Json]:
    """Every committed vector."""
    return [json.loads(path.read_text(encoding="ascii")) for path in sorted(HERE.glob("*/*.json"))]


def line_of(case: Json) -> str:
    """What is sent to the door for a case."""
    return str(case["line"]) if "line" in case else json.dumps(case["request"])


def ask(lines: Sequence[str]) -> list[Json]:
    """The answers of one `livepin conform` to these lines, in order."""
    command = [sys.executable, "-m", "livepin", "conform"]
    text = "".join(f"{line}\n" for line in lines)
    done = subprocess.run(command, input=text, capture_output=True, encoding="utf-8", timeout=100, check=False)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(lines), f"{len(lines)} lines, {len(answers)} answers: {done.stderr[-2000:]}"
    assert done.returncode == 0, done.stderr[-2000:]
    return answers


def agrees(expected: Any, found: Any) -> bool:
    """Whether a member of an answer is what a case expects: that value, one of several, or no value."""
    if isinstance(expected, dict) and "any_of" in expected:
        return any(agrees(one, found) for one in expected["any_of"])
    if expected == {"absent": True}:
        return found is _MISSING or found is None
    # Compared as text, because true is not 1.
    return found is not _MISSING and json.dumps(expected, sort_keys=True) == json.dumps(found, sort_keys=True)


def disagreements(case: Json, answer: Json) -> Json:
    """The members of an answer that are not as expected; members that nobody expects do not matter."""
    expect = dict(case["expect"])
    if "request" in case:
        expect.setdefault("id", case["request"]["id"])
    return {name: answer.get(name) for name in expect if not agrees(expect[name], answer.get(name, _MISSING))}
