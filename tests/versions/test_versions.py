"""Livepin is used on other Pythons than this one: on each that is found here, nothing leaks either."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: Where interpreters are kept beside the PATH, by those who install several.
_PLACES = (
    "~/.pyenv/versions/*/bin",
    "~/.local/share/uv/python/*/bin",
    "~/.asdf/installs/python/*/bin",
    "/opt/python*/bin",
    "/usr/bin",
    "/usr/local/bin",
)
_NAME = re.compile(r"python3\.(1[1-9]|[2-9]\d)t?")
_WHO = """
import platform, ssl, sys, sysconfig
threads = "free-threaded" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
print(sys.version_info >= (3, 11), platform.python_implementation(), platform.python_version(), threads)
print(ssl.OPENSSL_VERSION)
"""


def _who(python: str) -> tuple[str, str] | None:
    """What calls itself a Python, with its OpenSSL; None where it does not work or is too old."""
    done = subprocess.run([python, "-I", "-c", _WHO], capture_output=True, text=True, timeout=60)
    fresh, _, name = done.stdout.partition("\n")[0].partition(" ")
    return (name.strip(), done.stdout.split("\n")[1]) if done.returncode == 0 and fresh == "True" else None


@cache
def interpreters() -> dict[str, Path]:
    """One of each kind that is on the PATH or in a usual place, but for those of virtual environments."""
    folders = [Path(folder) for folder in os.get_exec_path()]
    for place in _PLACES:
        start = Path(place).expanduser()
        folders += Path(start.anchor).glob(str(start.relative_to(start.anchor)))
    found: dict[str, Path] = {}
    for folder in folders:
        if not folder.is_dir() or (folder.parent / "pyvenv.cfg").exists():
            continue
        for path in sorted(folder.iterdir()):
            if _NAME.fullmatch(path.name) and os.access(path, os.X_OK) and (who := _who(str(path))):
                found.setdefault(" ".join(who), path)
    return found


def others() -> list[str]:
    """Those that this test run does not run on."""
    here = _who(sys.executable)
    return sorted(kind for kind in interpreters() if here is None or kind != " ".join(here))


def make_environment(python: Path, folder: Path) -> Path:
    """A virtual environment with what an installed Livepin needs, by hash. Debian's Python has no pip for it: ours."""
    subprocess.run([str(python), "-I", "-m", "venv", "--without-pip", str(folder)], check=True, timeout=120)
    inside = folder / "bin" / "python"
    lock = ROOT / "requirements" / "runtime.txt"
    pip = [sys.executable, "-m", "pip", "--python", str(inside), "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--require-hashes", "-r", str(lock)], check=True, timeout=300)
    return inside


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", others() or [None])
def test_nothing_leaks_on_another_python(kind: str | None, tmp_path: Path) -> None:
    if kind is None:
        pytest.skip("there is no other Python from 3.11 on: neither on the PATH nor in the usual places")
    inside = make_environment(interpreters()[kind], tmp_path / "environment")
    clean = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(
        [inside, "-m", "tests.versions.check"],
        cwd=ROOT,
        env={**clean, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=500,
    )
    shutil.rmtree(tmp_path / "environment")
    assert done.returncode == 0, done.stderr[-4000:]
    findings = json.loads(done.stdout)
    assert len(findings) > 70
    wrong = {name: (found, expected) for name, (found, expected) in findings.items() if found != expected}
    assert wrong == {}, done.stderr[-4000:]
