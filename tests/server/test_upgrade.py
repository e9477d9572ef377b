"""A server of the commit before the last migration is upgraded with its data."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.server.installation import Installation
from tests.server.test_installation import FACTOR, FILL, PROVE, PUBLISH, QUIET

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[2]
MIGRATIONS = "src/livepin/server/migrations"


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"this checkout has no history: {done.stderr.strip()[:100]}")
    return done.stdout.strip()


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """The code before the newest migration came."""
    newest = max(path.name for path in (ROOT / MIGRATIONS).glob("0*.py"))
    added = git("log", "--format=%H", "--diff-filter=A", "-1", "--", f"{MIGRATIONS}/{newest}") or "HEAD"
    before = git("rev-parse", f"{added}^") if added != "HEAD" else "HEAD"
    archive = tmp_path / "older.tar"
    git("archive", "--output", str(archive), before, "src")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path / "older", filter="data")
    assert not (tmp_path / "older" / MIGRATIONS / newest).exists()
    return tmp_path / "older" / "src"


def run_older(older: Path, installation: Installation, code: str) -> str:
    """Run Python on the installation, with the older code."""
    before = (
        "from livepin.cli.installation import enter\nconfig = enter(None, make=True)\n"
        "from livepin.server import first_start\nfirst_start.migrate(config)\n"
    )
    environment = {**installation.environment(), "PYTHONPATH": str(older)}
    done = subprocess.run(
        [sys.executable, "-c", before + code], env=environment, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_start_brings_the_tables_of_the_previous_version_up_to_date(older: Path, tmp_path: Path) -> None:
    server = Installation(tmp_path / "data", dict(QUIET))
    where = run_older(older, server, "import livepin.server; print(livepin.server.__file__)")
    assert where.startswith(str(older) + os.sep)
    run_older(older, server, FILL)
    assert run_older(older, server, PUBLISH.replace("{number}", "1")).startswith("published 0.1 ")
    seed = run_older(older, server, FACTOR).strip()
    secrets = {path.name: path.read_bytes() for path in (server.data / "keys").glob("*.key*")}
    told = json.loads(server.livepin("server", "check", "--json", status=1).stdout)
    assert [one["part"] for one in told["findings"]] == ["migrations"]
    server.serve()
    server.close()
    assert json.loads(server.livepin("server", "check", "--json").stdout)["findings"] == []
    assert server.run(PROVE.replace("{seed}", seed)) == "True\n"
    for file in server.data.glob("livepin.sqlite3*"):
        assert seed.encode() not in file.read_bytes(), file
    assert server.run(PUBLISH.replace("{number}", "2")).startswith("published 0.2 ")
    assert {path.name: path.read_bytes() for path in (server.data / "keys").glob("*.key*")} == secrets
