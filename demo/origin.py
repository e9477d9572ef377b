"""The static server that applications fetch the document from: nginx where there is one, else Python's."""

from __future__ import annotations

import gzip
import os
import pwd
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from demo.processes import Processes
from demo.waiting import DemoFailed
from livepin.testing.ports import free_port

POINTER = Path("acme/shop/pins.jws")

_NGINX = """\
daemon off;
worker_processes 1;
{user}
pid nginx.pid;
error_log stderr notice;
events {{ worker_connections 64; }}
http {{
    access_log access.log;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port};
        root public;
        types {{ application/jose jws; }}
        {gzip_static}
        location ~ /pins\\.jws$ {{
            add_header Cache-Control "public, max-age=60, stale-while-revalidate=600, stale-if-error=86400";
        }}
        location / {{
            add_header Cache-Control "public, max-age=31536000, immutable";
        }}
    }}
}}
"""


def find_nginx(search: str | None = None) -> str | None:
    """The program, also where it is not on an ordinary user's PATH. `search`: instead of the PATH."""
    return shutil.which("nginx", path=search or f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/local/sbin")


def require_nginx(nginx: str | None, environment: dict[str, str]) -> str | None:
    """Raise `DemoFailed` where a run without nginx must not look green: the build machine (CI=true)."""
    if nginx is None and environment.get("CI") == "true":
        raise DemoFailed("nginx is not installed, and with CI=true the demo does not make do without: `make nginx`")
    return nginx


class Origin:
    """Serves `folder`/public on a free port of loopback."""

    def __init__(self, folder: Path, processes: Processes, nginx: str | None) -> None:
        """`nginx`: the program, or None for Python's own static server."""
        self.public = folder / "public"
        self._port = 0
        self._folder = folder
        self._processes = processes
        self._nginx = nginx

    @property
    def url(self) -> str:
        """What applications embed as configuration URL, once the server was started."""
        return f"http://127.0.0.1:{self._port}/"

    def start(self) -> str:
        """Start the server, wait until it answers, and say which it is."""
        self.public.mkdir(parents=True)
        self._port = free_port()
        if self._nginx is None:
            name = f"Python's own static server ({'.'.join(map(str, sys.version_info[:3]))})"
            module = ["-m", "http.server", str(self._port), "--bind", "127.0.0.1", "--directory", str(self.public)]
            command: list[str | Path] = [sys.executable, *module]
        else:
            name = self._configure(self._nginx)
            command = [self._nginx, "-p", self._folder, "-c", self._folder / "nginx.conf"]
        process = self._processes.start("origin", command)
        process.wait_for(self._answers, 10, "to answer")
        return name

    def _configure(self, nginx: str) -> str:
        about = subprocess.run([nginx, "-V"], capture_output=True, text=True, check=True, timeout=10).stderr
        # As root, nginx would serve as somebody who may not look into the story's private folder.
        user = f"user {pwd.getpwuid(os.geteuid()).pw_name};" if os.geteuid() == 0 else ""
        gzip_static = "gzip_static on;" if "http_gzip_static_module" in about else ""
        text = _NGINX.format(user=user, port=self._port, gzip_static=gzip_static)
        (self._folder / "nginx.conf").write_text(text, "utf-8")
        return about.partition("\n")[0].removeprefix("nginx version: ").replace("/", " ")

    def _answers(self) -> bool:
        try:
            # Straight there, whatever proxy this machine's environment asks for.
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(f"{self.url}nothing-here", timeout=5):
                return False
        except urllib.error.HTTPError as error:
            error.close()
            return error.code == 404
        except OSError:
            return False

    def revision(self, serial: int) -> str:
        """A revision as it was published, from its immutable file."""
        return (self.public / POINTER.with_name(f"0.{serial}.jws")).read_text("ascii")

    def replace_pointer(self, text: str) -> None:
        """Serve something else, as whoever owns the origin can: whole, with a new ETag, and its `.gz` beside it."""
        pointer = self.public / POINTER
        copy = pointer.with_name(f"{pointer.name}.gz")
        later = int(pointer.stat().st_mtime) + 1
        copy.unlink(missing_ok=True)
        for path, data in ((pointer, text.encode("ascii")), (copy, gzip.compress(text.encode("ascii")))):
            draft = path.with_name(f"{path.name}.draft")
            draft.write_bytes(data)
            os.utime(draft, (later, later))
            draft.replace(path)
