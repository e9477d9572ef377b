"""One thumbprint in 64 begins with a hyphen, as options do; an operator who revokes that key must not notice."""

from __future__ import annotations

from pathlib import Path

import pytest

from livepin.cli.options import _HYPHENED
from livepin.core.base64s import b64url
from tests.cli.shell import Shell

#: As `keyset show` might print it: no key of anybody's. `-C` and `-h` are options, too.
THUMBPRINTS = [f"{begin}{'x' * (42 - len(begin))}A" for begin in ("-m", "-C", "-h", "--")]


@pytest.mark.parametrize("thumbprint", THUMBPRINTS)
@pytest.mark.parametrize("command", ["keyset revoke", "anchor remove", "anchor add"])
def test_a_thumbprint_that_begins_with_a_hyphen_is_no_option(command: str, thumbprint: str, tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    said = shell.json(*command.split(), "-C", ".", thumbprint, status=3)
    assert said["error"]["code"] == "project_missing", said


@pytest.mark.parametrize("wrong", ["-m", "--anchr", "-" + "x" * 42])
def test_an_option_that_is_misspelt_is_still_told(wrong: str, tmp_path: Path) -> None:
    said = Shell(tmp_path).json("keyset", "revoke", wrong, status=2)
    assert "No such option" in said["error"]["message"]


def test_every_thumbprint_that_begins_with_a_hyphen_is_known_as_one() -> None:
    for last in range(256):
        assert _HYPHENED.fullmatch(b64url(b"\xfa" + bytes(30) + bytes([last])))
