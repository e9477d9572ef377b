"""The emergency page, followed literally: a machine with nothing but the key, while everything else is gone."""

from __future__ import annotations

import http.server
import re
import shlex
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from livepin.core.jws import PublicKey
from livepin.core.trust import Trust, verify, verify_held
from livepin.testing.tls import TlsServer
from tests.cli.conftest import HOST, Service
from tests.cli.shell import Shell

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "emergency.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(sh|text)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def cdn(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder that a web server serves, and its URL."""
    folder = tmp_path / "cdn"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def steps() -> list[tuple[str, str]]:
    """Commands, each with what the page says that it prints."""
    found: list[tuple[str, str]] = []
    for kind, text in BLOCKS:
        if kind == "sh":
            found.append((text, "…"))
        else:
            found[-1] = (found[-1][0], text)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("start", ["project", "keyed"])
def test_somebody_follows_the_page_at_three_in_the_morning(
    start: str, request: pytest.FixtureRequest, tmp_path: Path, service: Service, cdn: tuple[Path, str]
) -> None:
    old: Shell = request.getfixturevalue(start)
    folder, url = cdn
    shutil.copytree(old.directory / "public", folder, dirs_exist_ok=True)
    embedded = old.json("embed")
    before = verify_held((folder / "acme/shop/pins.jws").read_bytes(), _trust(embedded))

    # The machine has the key file, and nothing else. Everything that was, is gone.
    night = Shell(tmp_path / "night", {"LIVEPIN_ANCHOR_PASSPHRASE": ""})
    night.directory.mkdir()
    shutil.copy(old.directory / "keys" / "signing.pem", night.directory / "shop.pem")
    shutil.copy(service.ca, night.directory / "ca.pem")
    shutil.rmtree(old.directory)

    known = {"PUBLIC_KEY": embedded["public_key"], "URL": url}
    values = "\n".join(f"{name}={shlex.quote(value)}" for name, value in known.items())
    with TlsServer(service.cast.backup) as renewed:
        # What only a service on loopback needs: where it is, and the authority that its clients trust.
        there = f"livepin host set {HOST} --address 127.0.0.1:{renewed.port} && "
        for number, (command, expected) in enumerate(steps()):
            here = re.sub(r"^(PUBLIC_KEY|URL)=.*\n", "", command, flags=re.MULTILINE)
            here = here.replace('--signer "$KEY"', '--signer "$KEY" --ca ca.pem')
            if "pin add" in here:
                here = there + here
            if "verify" in here:  # step 5: "in the way you have"
                shutil.copytree(night.directory / "public", folder, dirs_exist_ok=True)
            _follow(night, f"{values}\nAUDIENCE=acme/shop\nKEY=shop.pem\n{here}", expected, f"block {number}")

    held = verify_held(before.text, _trust(embedded))
    arrived = verify((folder / "acme/shop/pins.jws").read_bytes(), _trust(embedded), before.issued_at + 60, held)
    assert arrived.adopted
    assert arrived.revision.number == (before.epoch, before.serial + 1)
    pins = arrived.revision.document.payload["hosts"][0]["pins"]
    assert pins[:2] == held.document.payload["hosts"][0]["pins"]
    assert [pin["spki_sha256"] for pin in pins[2:]] == [service.cast.backup.spki_sha256]


def _follow(shell: Shell, script: str, expected: str, where: str) -> None:
    done = subprocess.run(
        ["bash", "-ec", script],
        cwd=shell.directory,
        env=shell.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, f"{where}: {script}\n{done.stdout}{done.stderr}"
    pattern = ".*".join(re.escape(part.strip()) for part in expected.split("…"))
    assert re.search(pattern, done.stdout, re.DOTALL), f"{where} printed\n{done.stdout}\nnot\n{expected}"


def _trust(embedded: dict[str, str]) -> Trust:
    return Trust("acme", "shop", (PublicKey.from_text(embedded["public_key"]),))


def test_only_the_four_lines_are_to_be_changed() -> None:
    first = next(text for kind, text in BLOCKS if kind == "sh")
    assert re.findall(r"^([A-Z_]+)=", first, re.MULTILINE) == ["AUDIENCE", "PUBLIC_KEY", "URL", "KEY"]
    assert not re.search(r"^[A-Z_]+=", PAGE.partition("## 2.")[2], re.MULTILINE)
