"""Each import rule of the design (section 8) is enforced: broken in a copy of the package, the checker objects."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")

ONE_WAY = "Imports point one way"
NEIGHBOURS = "client, author and publish do not know each other"
PURE = "core does no I/O and has no clock"
ERRORS = "errors imports nothing of livepin"
TESTING = "Nothing shipped imports testing, except cli.doctor and cli.drill"
FAKES = "testing knows errors, core and author only"
LEAN = "core and client need nothing beyond the standard library and cryptography"


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("import-rules")
    shutil.copytree(REPOSITORY / "src/livepin", root / "livepin", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", root)
    return root


def lint(root: Path, module: str, *statements: str) -> str:
    """What the checker prints once ``module`` holds the statements (which are taken out again)."""
    target = root / module
    before = target.read_text(encoding="utf-8") if target.exists() else None
    target.parent.mkdir(exist_ok=True)
    (target.parent / "__init__.py").touch()
    lines = "".join(f"    {statement}\n" for statement in statements)
    target.write_text(f"{before or ''}\n\ndef _planted() -> None:\n{lines}", encoding="utf-8")
    try:
        return _run(root)
    finally:
        if before is None:
            target.unlink()
        else:
            target.write_text(before, encoding="utf-8")


def _run(root: Path) -> str:
    answer = subprocess.run(
        [LINT_IMPORTS, "--no-cache"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.stdout


def verdicts(printed: str) -> dict[str, str]:
    """KEPT or BROKEN for each contract."""
    found = {}
    for line in printed.splitlines():
        name, _, verdict = re.sub(r" \(\d+ ignored imports?\)$", "", line).rpartition(" ")
        if verdict in ("KEPT", "BROKEN"):
            found[name] = verdict
    assert found, printed
    return found


@pytest.mark.parametrize(
    ("module", "statement", "contract"),
    [
        ("errors.py", "import livepin.core.hosts", ERRORS),
        ("errors.py", "import livepin.testing", ERRORS),
        ("core/planted.py", "import livepin.client", ONE_WAY),
        ("core/planted.py", "import livepin.watch", ONE_WAY),
        ("author/planted.py", "import livepin.cli", ONE_WAY),
        ("client/planted.py", "import livepin.watch", ONE_WAY),
        ("watch/planted.py", "import livepin.cli", ONE_WAY),
        ("client/planted.py", "import livepin.author", NEIGHBOURS),
        ("author/planted.py", "import livepin.publish", NEIGHBOURS),
        ("publish/planted.py", "import livepin.client", NEIGHBOURS),
        ("cli/planted.py", "import livepin.testing", TESTING),
        ("client/planted.py", "import livepin.testing.planted", TESTING),
        ("testing/planted.py", "import livepin.client", FAKES),
        ("testing/planted.py", "import livepin.publish", FAKES),
        ("client/planted.py", "import click", LEAN),
        ("client/planted.py", "import requests.adapters", LEAN),
        ("core/planted.py", "import publicsuffixlist", LEAN),
    ],
)
def test_a_forbidden_import_is_found(copied: Path, module: str, statement: str, contract: str) -> None:
    if statement.endswith("testing.planted"):
        (copied / "livepin/testing/planted.py").write_text("", encoding="utf-8")
    assert verdicts(lint(copied, f"livepin/{module}", statement))[contract] == "BROKEN"


def test_core_reaches_for_the_outside(copied: Path) -> None:
    outside = ["socket", "ssl", "asyncio", "http", "urllib", "sqlite3"]
    outside += ["os", "pathlib", "time", "logging", "threading", "random"]
    printed = lint(copied, "livepin/core/planted.py", *(f"import {name}" for name in outside))
    assert verdicts(printed)[PURE] == "BROKEN"
    for name in outside:
        assert f"livepin.core is not allowed to import {name}:" in printed


def test_core_reaches_for_the_outside_by_way_of_errors(copied: Path) -> None:
    assert verdicts(lint(copied, "livepin/errors.py", "import ssl"))[PURE] == "BROKEN"


@pytest.mark.parametrize(
    ("module", "statement"),
    [
        ("cli/doctor.py", "import livepin.testing"),
        ("cli/drill.py", "from livepin.testing import planted"),
        ("cli/drills/stage.py", "from livepin.testing import planted"),
        ("client/adapters/planted.py", "import OpenSSL"),
        ("server/planted.py", "import livepin.watch"),
        ("client/planted.py", "import cryptography.x509"),
    ],
)
def test_what_the_design_allows_is_kept(copied: Path, module: str, statement: str) -> None:
    (copied / "livepin/testing/planted.py").write_text("", encoding="utf-8")
    assert set(verdicts(lint(copied, f"livepin/{module}", statement)).values()) == {"KEPT"}
