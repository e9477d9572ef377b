"""What is shipped beside the code, for who runs the server as a service."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from livepin.server.config import PREFIX, Config

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "packaging" / "systemd"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    here = {"/opt/livepin/bin/livepin": str(Path(sys.executable).with_name("livepin")), "=livepin\n": "=root\n"}
    for unit in UNITS.iterdir():
        text = unit.read_text("utf-8")
        for there, instead in here.items():
            text = text.replace(there, instead)
        (tmp_path / unit.name).write_text(text)
    units = sorted(str(path) for path in tmp_path.iterdir())
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, timeout=60)
    ours = [line for line in done.stderr.splitlines() if "livepin" in line]
    assert (done.returncode, ours) == (0, []), done.stderr


def test_whatever_is_shipped_names_settings_that_there_are() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Config.__dataclass_fields__}
    for path in (ROOT / "packaging").rglob("*"):
        if path.is_file():
            named = set(re.findall(rf"{PREFIX}[A-Z_]*[A-Z]", path.read_text("utf-8")))
            assert named <= known, path


def test_the_data_folder_of_the_service_is_nobody_elses() -> None:
    text = (UNITS / "livepin.service").read_text("utf-8")
    assert "StateDirectoryMode=0700" in text
    assert "UMask=0077" in text
    assert "--data /var/lib/livepin" in text
