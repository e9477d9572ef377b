"""Every transcript, played."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.shell import Shell
from tests.cli.transcript import Step, play, read_transcript

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))
#: Every passphrase costs what it is meant to cost, and every command is a process.
SLOW = (
    *("anchors", "another-machine", "denied-keys", "guard", "hosts-and-pins", "keyset", "refused-init", "rollback"),
    *("show-and-verify", "sign-and-publish", "stolen-signing-key", "the-end", "extendable", "looking"),
)


def _marked(path: Path) -> object:
    return pytest.param(path, id=path.stem, marks=[pytest.mark.slow] if path.stem in SLOW else [])


@pytest.mark.parametrize("path", [_marked(path) for path in TRANSCRIPTS])
def test_transcript(path: Path, request: pytest.FixtureRequest) -> None:
    start, steps = read_transcript(path)
    assert steps
    play(path, request.getfixturevalue(start))


@pytest.mark.parametrize(
    "step",
    [
        Step(1, "echo one", ["two"]),
        Step(1, "echo one", []),
        Step(1, "true", ["one"]),
        Step(1, "echo one", ["one"], status=1),
        Step(1, "echo one; echo two; echo three", ["one", "three"]),
        Step(1, "echo one; echo two", ["..."], status=7),
    ],
)
def test_a_transcript_that_is_wrong_fails(tmp_path: Path, shell: Shell, step: Step) -> None:
    text = "\n".join([f"$ {step.command}", *step.expected, *([f"[{step.status}]"] if step.status else [])])
    (tmp_path / "wrong.txt").write_text(text)
    with pytest.raises(AssertionError):
        play(tmp_path / "wrong.txt", shell)
