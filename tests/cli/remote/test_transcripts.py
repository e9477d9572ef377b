"""What a person types and sees on a project of a server. Its dashboard is down all the time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.shell import Shell
from tests.cli.transcript import play

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(path: Path, remote: Shell, tmp_path: Path) -> None:
    text = path.read_text("utf-8")
    expected = [
        # What is expected names the server, which is another one each time; commands say it by its variable.
        line
        if line.startswith("$ ")
        else line.replace("$PROJECT", remote.variables["PROJECT"]).replace("$SERVER", remote.variables["SERVER"])
        for line in text.splitlines()
    ]
    here = tmp_path / path.name
    here.write_text("\n".join(expected), "utf-8")
    play(here, remote)
