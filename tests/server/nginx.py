"""A real nginx in front of an origin's folder, configured as docs/server.md says."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import os
import pwd
import re
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.origin import find_nginx
from livepin.testing.cast import Cast
from livepin.testing.ports import free_port

PAGE = Path(__file__).resolve().parents[2] / "docs" / "server.md"

_AROUND = """\
daemon off;
worker_processes 1;
{user}
pid nginx.pid;
error_log error.log notice;
events {{ worker_connections 64; }}
http {{
access_log off;
client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
uwsgi_temp_path uwsgi; scgi_temp_path scgi;
{server}
}}
"""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> bytes:
        """The body as it was before it was compressed."""
        return gzip.decompress(self.body) if self.headers.get("content-encoding") == "gzip" else self.body


@dataclass(frozen=True, slots=True)
class Nginx:
    """A running nginx, and a client that trusts its certificate."""

    port: int
    context: ssl.SSLContext
    ca_file: Path

    @property
    def url(self) -> str:
        """The base of its documents."""
        return f"https://localhost:{self.port}/"

    def get(self, path: str, **headers: str) -> Answer:
        connection = http.client.HTTPSConnection("localhost", self.port, context=self.context, timeout=10)
        try:
            connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()


def configuration(folder: Path, root: Path, port: int) -> str:
    """The first server of the page, with the names of this test in place of the example's."""
    found = re.search(r"^server \{  # documents.*?^\}$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None
    server = found[0]
    for before, after in {
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "server_name pins.example.com;": "server_name localhost;",
        "/etc/ssl/pins.example.com.pem": str(folder / "chain.pem"),
        "/etc/ssl/pins.example.com.key": str(folder / "key.pem"),
        "root /srv/livepin/origin;": f"root {root};",
    }.items():
        assert before in server
        server = server.replace(before, after)
    user = f"user {pwd.getpwuid(os.geteuid()).pw_name};" if os.geteuid() == 0 else ""
    return _AROUND.format(user=user, server=server)


@contextlib.contextmanager
def nginx_before(root: Path, folder: Path, cast: Cast) -> Iterator[Nginx]:
    """Serve `root`; `folder` is made for its own files. Skips the test where there is no nginx."""
    program = find_nginx()
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("there is no nginx")
        pytest.skip("there is no nginx")
    folder.mkdir()
    root.mkdir()
    cast.genuine.write(folder)
    ca_file, port = cast.authority.write(folder), free_port()
    (folder / "nginx.conf").write_text(configuration(folder, root, port), "utf-8")
    process = subprocess.Popen([program, "-p", str(folder), "-c", str(folder / "nginx.conf")])
    try:
        deadline = time.monotonic() + 30
        while not (folder / "nginx.pid").exists() or not (folder / "nginx.pid").read_text().strip():
            assert process.poll() is None, (folder / "error.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield Nginx(port, cast.authority.client_context(), ca_file)
    finally:
        process.terminate()
        process.wait(10)
