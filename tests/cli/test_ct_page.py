"""docs/ct.md, followed by a reader: every block of shell runs, in order, and prints what the page says."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from livepin.author.ct_logs import FILE_NAME, log_id, open_table
from livepin.core.base64s import b64
from livepin.testing import CtLog
from tests.author.foreign import DAY, chrome, listed, public_pem, signed
from tests.cli.ct_world import LIST_KEY
from tests.cli.shell import Shell
from tests.cli.test_docs import BLOCK, DOCS, end_session

PAGE = (DOCS / "ct.md").read_text("utf-8")


def fetched(directory: Path) -> None:
    """Chrome's list with its signature and key, as the reader has fetched them."""
    log = CtLog("Example")
    data = chrome({"Example": [(log, listed(log, "Example 'Example2027h1'"))]}, time.time() - DAY, version="80.14")
    (directory / "log_list.json").write_bytes(data)
    (directory / "log_list.sig").write_bytes(signed(data, LIST_KEY))
    (directory / "log_list_pubkey.pem").write_bytes(public_pem(LIST_KEY))


@pytest.mark.slow
def test_a_reader_follows_the_page(shell: Shell) -> None:
    fetched(shell.directory)
    script, expected, language_before = ["set -e"], [], ""
    for language, file, code in BLOCK.findall(PAGE):
        if language == "python":
            (shell.directory / file).write_text(code, "utf-8")
        elif language == "sh":
            script.append(f"{code}echo '--- done'")
            expected.append("")
        elif language == "text" and language_before == "sh":
            expected[-1] = code
        language_before = language
    process = subprocess.Popen(
        ["bash", "-c", "\n".join(script).replace("python3", sys.executable)],
        cwd=shell.directory,
        env={**shell.environment(), "HOME": str(shell.directory)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        out, _ = process.communicate(timeout=90)
    finally:
        end_session(process.pid)
    assert process.returncode == 0, out
    printed = out.split("--- done\n")
    assert len(printed) == len(expected) + 1, out
    for block, (want, got) in enumerate(zip(expected, printed, strict=False)):
        seen = "\n".join(line for line in got.splitlines() if not line.startswith("… "))
        pattern = ".*".join(re.escape(part.strip()) for part in want.split("…"))
        assert re.search(pattern, seen, re.DOTALL), f"block {block} printed\n{seen}\ninstead of\n{want}"


def test_the_log_table_on_the_page_is_one(tmp_path: Path) -> None:
    text = next(code for language, _, code in BLOCK.findall(PAGE) if language == "toml")
    key = CtLog("example").key_der
    text = text.replace('id = "…" ', f'id = "{log_id(key)}" ').replace('key = "…" ', f'key = "{b64(key)}" ')
    (tmp_path / FILE_NAME).write_text(text, "utf-8")
    table = open_table(tmp_path)
    assert table is not None
    assert table.find("Example2027h1").operator == "example"
