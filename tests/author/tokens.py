"""A SoftHSM token of our own, for tests that sign on one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

PIN = "271828"
MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so", "/usr/lib64/libsofthsm2.so")


def module() -> str:
    """The PKCS#11 module; the test is skipped where there is none."""
    found = next((one for one in MODULES if Path(one).exists()), None)
    if found is None or shutil.which("softhsm2-util") is None:
        pytest.skip("softhsm2 is not installed")
    return found


def make_token(directory: Path, label: str) -> dict[str, str]:
    """A new token below `directory`; the variables under which SoftHSM finds it."""
    module()
    tokens = directory / "tokens"
    tokens.mkdir()
    configuration = directory / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
    variables = {"SOFTHSM2_CONF": str(configuration)}
    command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", "31415926", "--pin", PIN]
    subprocess.run(command, env=variables, check=True, capture_output=True)
    return variables
