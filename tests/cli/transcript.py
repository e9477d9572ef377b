"""Transcripts: what a person types and sees, as text that runs.

    # a remark
    $ livepin pin list          a command for the shell
    HOST  ... api.example.com   what it prints, both outputs as one; `...` is any text, alone on a line any lines
    [1]                         its exit status, where it is not 0

A transcript starts in an empty folder; the first line `@project` puts it into one that `init` has made, `@keyed` into
one that `init --anchor` has made.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from tests.cli.shell import Shell


@dataclass
class Step:
    """One command and what is expected of it."""

    number: int
    command: str
    expected: list[str] = field(default_factory=list)
    status: int = 0


def read_transcript(path: Path) -> tuple[str, list[Step]]:
    """The fixture it starts in (shell, project or keyed), and its steps."""
    steps: list[Step] = []
    start = "shell"
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line in ("@project", "@keyed"):
            start = line[1:]
        elif line.startswith("$ "):
            steps.append(Step(number, line[2:]))
        elif re.fullmatch(r"\[\d+\]", line):
            steps[-1].status = int(line[1:-1])
        elif line and not line.startswith("#"):
            steps[-1].expected.append(line)
    return start, steps


def play(path: Path, shell: Shell) -> None:
    """Run every step; the first one that prints or ends otherwise is told with its line."""
    for step in read_transcript(path)[1]:
        done = shell.line(step.command)
        where = f"{path.name}:{step.number}: $ {step.command}\n"
        assert done.status == step.status, f"{where}ended with [{done.status}]\n{done.out}"
        assert "Traceback" not in done.out, where + done.out
        printed = "\n".join(line for line in done.out.splitlines() if line and not line.startswith("… "))
        assert re.fullmatch(_pattern(step.expected), printed), f"{where}printed\n{done.out}"


def _pattern(expected: list[str]) -> str:
    """Progress lines are left out on both sides: a person sees them, and nobody should count on them."""
    lines = []
    for line in expected:
        if line == "...":
            lines.append(r"(?:[^\n]*(?:\n|$))*?")
        else:
            lines.append(".*?".join(re.escape(part) for part in line.split("...")) + r"(?:\n|$)")
    return "".join(lines)
