"""Somebody else's words on one's terminal: a note, a reason, a name in a project file move nothing and hide nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from livepin.cli.main import main
from livepin.cli.output import Output

EVIL = ["\x1b[2J", "\x9b8m", "\r", "\x07", "\x7f", "\u202egnp", "\u2066", "\u2028", "\x85", "\u200b", "\x00"]


@pytest.mark.parametrize("evil", EVIL)
def test_what_cannot_be_seen_is_written_out(evil: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    output = Output(as_json=False)
    output.result({}, f"one {evil}\nzwei Hörer, 三\tthree")
    output.note(evil)
    output.progress(evil)
    assert main(["show", str(tmp_path / evil.replace("\x00", "\x01"))]) != 0
    said = capsys.readouterr()
    assert said.out.endswith("\nzwei Hörer, 三\tthree\n")
    assert said.out.startswith("one \\")
    assert evil not in said.out + said.err
