"""The emergency page, followed literally: a machine with nothing but the key, while everything else is gone.

What a server, its backups and a running application make of it is played in tests/slow/test_emergency.py.
"""

from __future__ import annotations

import gzip
import http.server
import re
import shutil
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from livepin.core.jws import PublicKey
from livepin.core.trust import Trust, verify, verify_held
from livepin.testing.tls import TlsServer
from tests.cli import emergency_page
from tests.cli.conftest import HOST, Service
from tests.cli.emergency_page import Reader, copy_to_cdn
from tests.cli.shell import Shell


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


@pytest.mark.slow
@pytest.mark.parametrize(("start", "seen"), [("project", False), ("project", True), ("keyed", True)])
def test_somebody_follows_the_page_at_three_in_the_morning(
    start: str, seen: bool, request: pytest.FixtureRequest, tmp_path: Path, service: Service, cdn: tuple[Path, str]
) -> None:
    """`seen`: whether the machine sees the folder that the CDN serves."""
    old: Shell = request.getfixturevalue(start)
    folder, url = cdn
    shutil.copytree(old.directory / "public", folder, dirs_exist_ok=True)
    embedded = old.json("embed")
    pointer = folder / "acme/shop/pins.jws"
    before = verify_held(pointer.read_bytes(), _trust(embedded))

    # The machine has the key file, and nothing else. Everything that was, is gone.
    night = Shell(tmp_path / "night", {"LIVEPIN_ANCHOR_PASSPHRASE": ""})
    night.directory.mkdir()
    shutil.copy(old.directory / "keys" / "signing.pem", night.directory / "shop.pem")
    shutil.copy(service.ca, night.directory / "ca.pem")
    shutil.rmtree(old.directory)

    known = {"AUDIENCE": "acme/shop", "PUBLIC_KEY": embedded["public_key"], "URL": url, "KEY": "shop.pem"}
    reader = Reader(night, {**known, "CDN": str(folder) if seen else "public"})
    with TlsServer(service.cast.backup) as renewed:
        reader.follow(2, instead={'--signer "$KEY"': '--signer "$KEY" --ca ca.pem'})
        # What only a service on loopback needs: where it is.
        night.livepin("host", "set", HOST, "--address", f"127.0.0.1:{renewed.port}")
        reader.follow(3)
        published = re.search(r"published (\d+\.\d+)", reader.follow(5))
        assert published is not None
        if not seen:
            copy_to_cdn(night.directory / "public", folder, published[1])
        assert f"revision {published[1]}," in reader.follow(6)

    held = verify_held(before.text, _trust(embedded))
    arrived = verify(pointer.read_bytes(), _trust(embedded), time.time(), held)
    assert arrived.adopted
    assert arrived.revision.number == (before.epoch, before.serial + 1)
    copy = pointer.with_name("pins.jws.gz")
    assert not copy.exists() or gzip.decompress(copy.read_bytes()) == pointer.read_bytes()
    pins = arrived.revision.document.payload["hosts"][0]["pins"]
    assert pins[:2] == held.document.payload["hosts"][0]["pins"]
    assert [pin["spki_sha256"] for pin in pins[2:]] == [service.cast.backup.spki_sha256]


def _trust(embedded: dict[str, str]) -> Trust:
    return Trust("acme", "shop", (PublicKey.from_text(embedded["public_key"]),))


def test_only_these_lines_are_to_be_changed() -> None:
    changed = {one.section: one.variables for one in emergency_page.blocks() if one.variables}
    assert changed == {1: ["AUDIENCE", "PUBLIC_KEY", "URL", "KEY", "CDN"], 4: ["STOLEN", "ANCHOR"]}
