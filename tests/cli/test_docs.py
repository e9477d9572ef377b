"""The pages about the command line: what they promise is there, and what they show happens."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from livepin.cli.exits import Exit
from livepin.cli.main import main
from livepin.testing.ports import free_port
from livepin.testing.signing_key import SigningKey
from tests.author.test_project import project_file
from tests.cli.shell import Shell
from tests.cli.test_commands import TREE

DOCS = Path(__file__).resolve().parents[2] / "docs"
REFERENCE = (DOCS / "cli.md").read_text("utf-8")
QUICKSTART = (DOCS / "quickstart.md").read_text("utf-8")

SECTION = re.compile(r"^### `livepin ([a-z -]+)`$\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
SECTIONS = dict(SECTION.findall(REFERENCE))
OPTION = re.compile(r"`(--[a-z-]+)`")
BLOCK = re.compile(r"^```([a-z]+)(?: title=\"([a-z.]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class TestReference:
    def test_every_command_has_a_section_and_no_section_is_stale(self) -> None:
        assert list(SECTIONS) == list(TREE)

    @pytest.mark.parametrize("name", TREE)
    def test_every_option_is_on_the_page_and_no_other(self, name: str) -> None:
        options = [option for option in TREE[name].params if isinstance(option, click.Option)]
        known = {max(option.opts, key=len) for option in options}
        rows = [line for line in SECTIONS[name].splitlines() if line.startswith(("| `", "Also: "))]
        assert {found for row in rows for found in OPTION.findall(row)} == known

    @pytest.mark.parametrize("name", TREE)
    def test_the_usage_line_is_what_the_command_says(self, name: str) -> None:
        usage = TREE[name].get_usage(click.Context(TREE[name], info_name=f"livepin {name}"))
        assert f"```text\n{' '.join(usage.split()).removeprefix('Usage: ')}\n```" in SECTIONS[name]

    def test_every_exit_status_is_in_the_table(self) -> None:
        table = REFERENCE.partition("## Exit statuses")[2].partition("##")[0]
        assert [int(number) for number in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)] == [
            one.value for one in Exit
        ]

    def test_the_project_file_on_the_page_is_one(self, tmp_path: Path) -> None:
        text = next(code for language, _, code in BLOCK.findall(REFERENCE) if language == "toml")
        text = re.sub(r'public_key = "[^"]+"', f'public_key = "{SigningKey.generate().public_key}"', text)
        project = project_file(tmp_path, text).read()
        assert project.hosts[0].pins is not None
        assert project.hosts[0].pins[0].note == "from the safe"

    def test_an_error_points_at_a_section_of_the_errors_page(self, capsys: pytest.CaptureFixture[str]) -> None:
        main(["show", "missing.jws"])
        anchor = re.search(r"docs:  errors\.md#(\w+)", capsys.readouterr().err)
        assert anchor is not None
        assert f"### `{anchor[1]}`" in (DOCS / "errors.md").read_text("utf-8")


def test_a_reader_follows_the_quickstart(shell: Shell) -> None:
    """Every block, in order, in one shell; only the port is another one."""
    script, expected = ["set -e"], []
    for language, file, code in BLOCK.findall(QUICKSTART):
        if language == "python":
            (shell.directory / file).write_text(code, "utf-8")
        elif language == "sh":
            script.append(f"{code}echo '--- done'")
            expected.append("")
        else:
            expected[-1] = code
    text = "\n".join(script).replace("8000", str(free_port())).replace("python3", sys.executable)
    process = subprocess.Popen(
        ["bash", "-c", text],
        cwd=shell.directory,
        env={**shell.environment(), "HOME": str(shell.directory)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        out, _ = process.communicate(timeout=60)
    finally:
        end_session(process.pid)
    assert process.returncode == 0, out
    printed = out.split("--- done\n")
    assert len(printed) == len(expected) + 1, out
    for block, (want, got) in enumerate(zip(expected, printed, strict=False)):
        pattern = ".*".join(re.escape(part.strip()) for part in want.split("…"))
        assert re.search(pattern, got.strip(), re.DOTALL), f"block {block} printed\n{got}\ninstead of\n{want}"
    assert "pin_mismatch" in printed[-4], out


def end_session(group: int) -> None:
    """End what the script left running; it runs in a process group of its own."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(group, number)
        except ProcessLookupError:
            return
        time.sleep(0.1)
