"""The house rules that no other tool checks: ``python -m tools.check_house`` (part of ``make check``).

* No file names a package registry's host or a path of somebody's machine: a clone must build anywhere.
* Modules and functions of ``src`` stay small, and no module is named after nothing in particular.
* There is no ``uv.lock`` (it names registry hosts): locks are the hash-pinned files in ``requirements/``.

Prints one line per finding, ``file:line: what``. The exit status is 1 if anything but warnings was found.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MODULE_LINES_WARN = 400
MODULE_LINES = 600
FUNCTION_LINES = 60
EMPTY_NAMES = frozenset({"utils", "helpers", "manager", "service", "base", "common"})

# Written so that this file does not break its own rule.
REGISTRY_HOST = re.compile(
    r"(?<![\w-])(?:[\w-]+\.)*"
    r"(?:py[p]i\.org|py[p]i\.python\.org|pythonhost[e]d\.org|npm[j]s\.(?:org|com)|(?:deb|security)\.deb[i]an\.org)",
    re.IGNORECASE,
)
MACHINE_PATH = re.compile(r"(?<![\w.)}\]-])/(?:work|root)/")


@dataclass(frozen=True, order=True)
class Finding:
    """One broken rule. A warning is shown but does not fail the check."""

    path: str
    line: int
    message: str
    warning: bool = False

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {'warning: ' if self.warning else ''}{self.message}"


def check_text(path: str, text: str) -> Iterator[Finding]:
    """Lines of any file that tie it to one machine or one registry."""
    for number, line in enumerate(text.splitlines(), start=1):
        if host := REGISTRY_HOST.search(line):
            yield Finding(path, number, f"names a package registry's host ({host[0]}); name the package alone")
        if MACHINE_PATH.search(line):
            yield Finding(path, number, "names a path of one machine; make it relative")


def check_module(path: str, text: str) -> Iterator[Finding]:
    """Size and name of one module of ``src``."""
    lines = len(text.splitlines())
    if lines > MODULE_LINES_WARN:
        hint = f"{lines} lines; split it by noun (at most {MODULE_LINES}, {MODULE_LINES_WARN} is a sign)"
        yield Finding(path, 1, hint, warning=lines <= MODULE_LINES)
    for part in Path(path).with_suffix("").parts:
        if part in EMPTY_NAMES:
            yield Finding(path, 1, f"'{part}' says nothing; name the module after what it knows")
    yield from _long_functions(path, text)


def _long_functions(path: str, text: str) -> Iterator[Finding]:
    for node in ast.walk(ast.parse(text, filename=path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                yield Finding(path, node.lineno, f"{node.name}() has {lines} lines (at most {FUNCTION_LINES})")


def check_name(path: str) -> Iterator[Finding]:
    """Files that must not be there at all."""
    if Path(path).name == "uv.lock":
        yield Finding(path, 1, "uv.lock names registry hosts; use `make lock`")


def check_file(root: Path, path: str) -> Iterator[Finding]:
    """Everything about the file at ``path``, which is relative to ``root``. Binary files have only a name."""
    yield from check_name(path)
    try:
        text = (root / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    yield from check_text(path, text)
    # Migrations are what Django wrote, and say so.
    if path.startswith("src/") and path.endswith(".py") and "/migrations/" not in path:
        yield from check_module(path, text)


def files_of(root: Path) -> list[str]:
    """What git tracks, and what it would track at the next ``git add``; raises if ``root`` is no clone."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    answer = subprocess.run(listing, cwd=root, check=True, capture_output=True, text=True).stdout
    return [path for path in answer.split("\0") if (root / path).is_file()]


def main(root: Path) -> int:
    """Check the clone at ``root`` and return the exit status."""
    paths = files_of(root)
    findings = sorted(finding for path in paths for finding in check_file(root, path))
    for finding in findings:
        print(finding)
    errors = sum(not finding.warning for finding in findings)
    print(f"house rules: {len(paths)} files, {errors} errors, {len(findings) - errors} warnings")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent.parent))
