"""A region: a real nginx process that serves a folder over HTTPS."""

from __future__ import annotations

import contextlib
import os
import pwd
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from demo.origin import find_nginx
from livepin.testing import ServerCertificate
from livepin.testing.ports import free_port

_CONFIGURATION = """\
daemon off;
worker_processes 1;
{user}
pid nginx.pid;
error_log error.log notice;
events {{ worker_connections 64; }}
http {{
    log_format plain '$request_method $uri $status $body_bytes_sent';
    access_log access.log plain;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate chain.pem;
        ssl_certificate_key key.pem;
        root public;
        types {{ application/jose jws; }}
        add_header Cache-Control "public, max-age=60, stale-while-revalidate=600, stale-if-error=86400";
    }}
}}
"""


class NginxRegion:
    """One nginx, its folder and its log."""

    def __init__(self, folder: Path, certificate: ServerCertificate, nginx: str, port: int) -> None:
        self.folder = folder
        self.port = port
        self._command = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf")]
        self._writes = 0
        (folder / "public").mkdir(parents=True)
        certificate.write(folder)
        # As root, nginx would serve as somebody who may not look into a private folder.
        user = f"user {pwd.getpwuid(os.geteuid()).pw_name};" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(_CONFIGURATION.format(user=user, port=port), "utf-8")

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/"

    def put(self, path: str, content: str | bytes) -> None:
        """Replace a file whole. nginx makes its ETag of time and size, so the time is made a new one."""
        file = self.folder / "public" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".draft")
        draft.write_bytes(content.encode() if isinstance(content, str) else content)
        self._writes += 1
        written = int(time.time()) + self._writes
        os.utime(draft, (written, written))
        draft.replace(file)

    def start(self) -> None:
        """Start the process, and wait until it listens."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while not (self.folder / "nginx.pid").exists() or not (self.folder / "nginx.pid").read_text("ascii").strip():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"nginx does not start:\n{(self.folder / 'error.log').read_text('utf-8')}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Let the region be down."""
        self._process.terminate()
        self._process.wait(10)

    def log(self) -> list[str]:
        """What it was asked, and what it answered."""
        return (self.folder / "access.log").read_text("utf-8").splitlines()


@contextlib.contextmanager
def serving(folder: Path, certificate: ServerCertificate) -> Iterator[NginxRegion]:
    """A region on a free port. Raises `RuntimeError` where nginx is not installed."""
    program = find_nginx()
    if program is None:
        raise RuntimeError("nginx is not installed: `make nginx`")
    region = NginxRegion(folder, certificate, program, free_port())
    region.start()
    try:
        yield region
    finally:
        region.stop()
