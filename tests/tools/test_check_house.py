"""The house check finds what it promises to find, in a clone of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools.check_house import FUNCTION_LINES, MODULE_LINES, MODULE_LINES_WARN, main

# Put together here, so that this file passes the check that it tests.
REGISTRY = "py" + "pi.org"
FILES = "files.python" + "hosted.org"
WORK = "/" + "work"
WORKPLACE = WORK + "/main"
HOME = "/" + "root/.cache"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    write(tmp_path, "src/livepin/core/pins.py", "X = 1\n")
    return tmp_path


def write(clone: Path, path: str, text: str) -> None:
    target = clone / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")


def function(lines: int) -> str:
    return "def judge() -> None:\n" + "    pass\n" * (lines - 1)


def test_a_clean_clone_passes(clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(clone) == 0
    assert capsys.readouterr().out == "house rules: 1 files, 0 errors, 0 warnings\n"


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("requirements/dev.txt", f"a==1\n--index-url https://{REGISTRY}/simple\n", "requirements/dev.txt:2:"),
        ("docs/index.md", f"see https://{FILES}/x", "docs/index.md:1: names a package registry's host"),
        ("tests/test_x.py", f"PATH = '{WORKPLACE}'\n", "tests/test_x.py:1: names a path of one machine"),
        ("Makefile", f"\tcat {HOME}\n", "Makefile:1: names a path of one machine"),
        ("uv.lock", "", "uv.lock:1:"),
        ("src/livepin/core/utils.py", "", "src/livepin/core/utils.py:1: 'utils' says nothing"),
        ("src/livepin/base/pins.py", "", "src/livepin/base/pins.py:1: 'base' says nothing"),
        ("src/livepin/a.py", "X = 1\n" * (MODULE_LINES + 1), f"src/livepin/a.py:1: {MODULE_LINES + 1} lines"),
        ("src/livepin/a.py", "\n\n" + function(FUNCTION_LINES + 1), "src/livepin/a.py:3: judge() has 61 lines"),
        ("src/livepin/a.py", "async " + function(FUNCTION_LINES + 1), "src/livepin/a.py:1: judge() has 61 lines"),
    ],
)
def test_a_broken_rule_fails_with_its_place(
    clone: Path, capsys: pytest.CaptureFixture[str], path: str, text: str, expected: str
) -> None:
    write(clone, path, text)
    assert main(clone) == 1
    findings = capsys.readouterr().out.splitlines()[:-1]
    assert len(findings) == 1
    assert findings[0].startswith(expected)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("src/livepin/a.py", "X = 1\n" * MODULE_LINES_WARN),
        ("src/livepin/a.py", function(FUNCTION_LINES)),
        ("tests/test_long.py", "X = 1\n" * (MODULE_LINES + 1)),
        ("docs/index.md", f"https://cdn.example.com{WORK}/pins.jws and $HOME{WORK}/x and .{HOME}/x"),
        ("tests/vectors/binary.der", "\0"),
    ],
)
def test_what_is_allowed_is_not_reported(clone: Path, capsys: pytest.CaptureFixture[str], path: str, text: str) -> None:
    write(clone, path, text)
    assert main(clone) == 0
    assert capsys.readouterr().out == "house rules: 2 files, 0 errors, 0 warnings\n"


def test_a_module_that_grows_is_a_warning_first(clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(clone, "src/livepin/a.py", "X = 1\n" * (MODULE_LINES_WARN + 1))
    assert main(clone) == 0
    assert "src/livepin/a.py:1: warning: 401 lines" in capsys.readouterr().out


def test_files_that_git_ignores_are_nobodys_business(clone: Path) -> None:
    write(clone, ".gitignore", "/build/\n")
    write(clone, "build/log.txt", WORKPLACE)
    assert main(clone) == 0


def test_a_binary_file_is_passed_over(clone: Path) -> None:
    (clone / "logo.png").write_bytes(b"\x89PNG\xff" + WORKPLACE.encode())
    assert main(clone) == 0
