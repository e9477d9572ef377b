"""Databases as Debian has them, with TLS, each on a port and in a folder of its own, ended with its test."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.waiting import wait_for
from livepin.testing import ServerCertificate
from livepin.testing.ports import free_port

#: Seconds for a server to start on a machine with other things to do.
PATIENCE = 60.0


@dataclass(frozen=True)
class Running:
    """A server that listens. `log` is where it tells who came."""

    port: int
    folder: Path
    log: Path

    def heard(self) -> str:
        """What it has told so far."""
        return self.log.read_text("utf-8", "replace")

    def is_ready(self) -> bool:
        """All of them say so in nearly the same words; before that a port may be open, and nobody served."""
        return re.search(r"ready (?:to accept|for) connections", self.heard(), re.IGNORECASE) is not None


Start = Callable[[Running, Path, Path, str | None], Sequence[str]]


@contextmanager
def running(start: Start, certificate: ServerCertificate) -> Iterator[Running]:
    """One server, from its empty folder to its end. Skips the test where the program is not installed."""
    user = _somebody_else()
    # Not below pytest's own folder: that is closed to other users.
    with tempfile.TemporaryDirectory(prefix="livepin-") as name:
        folder = Path(name)
        files = certificate.write(folder)
        server = Running(free_port(), folder, folder / "server.log")
        server.log.touch()
        _give(folder, user)
        command = start(server, files.chain, files.key, user)
        with server.log.open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, user=user, cwd=folder)
        try:
            wait_for(lambda: process.poll() is not None or server.is_ready(), PATIENCE, f"{command[0]} to be ready")
            assert process.poll() is None, server.heard()
            yield server
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
            process.wait()


def redis(server: Running, chain: Path, key: Path, user: str | None) -> Sequence[str]:
    """Redis, that accepts TLS alone."""
    tls = ["--port", "0", "--tls-port", str(server.port), "--tls-cert-file", str(chain), "--tls-key-file", str(key)]
    quiet = ["--tls-auth-clients", "no", "--save", "", "--dir", str(server.folder), "--bind", "127.0.0.1"]
    return [_program("redis-server"), *tls, *quiet]


def postgres(server: Running, chain: Path, key: Path, user: str | None) -> Sequence[str]:
    """PostgreSQL, that notes who logs in. Its superuser is `orders`."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    found = str(programs[-1]) if programs else None
    data = server.folder / "data"
    new = [_program("initdb", found), "-D", str(data), "-U", "orders", "--auth=trust", "--no-locale", "--no-sync"]
    _prepare([*new, "--encoding=UTF8"], server, user)
    settings = {
        "port": server.port,
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": server.folder,
        "ssl": "on",
        "ssl_cert_file": chain,
        "ssl_key_file": key,
        "log_connections": "on",
        "fsync": "off",
    }
    options = [f"--{name}={value}" for name, value in settings.items()]
    return [_program("postgres", found), "-D", str(data), *options]


def mariadb(server: Running, chain: Path, key: Path, user: str | None) -> Sequence[str]:
    """MariaDB, that notes who logs in. Its superuser is `root`, without a password."""
    data = f"--datadir={server.folder / 'data'}"
    _prepare(
        [_program("mariadb-install-db"), "--no-defaults", data, "--auth-root-authentication-method=normal"],
        server,
        user,
    )
    tls = [f"--ssl-cert={chain}", f"--ssl-key={key}"]
    listens = [f"--port={server.port}", "--bind-address=127.0.0.1", f"--socket={server.folder / 'socket'}"]
    notes = ["--general-log=1", "--log-output=FILE", f"--general-log-file={server.log}"]
    return [_program("mariadbd", "/usr/sbin"), "--no-defaults", data, *tls, *listens, *notes]


def _prepare(command: Sequence[str], server: Running, user: str | None) -> None:
    done = subprocess.run(command, capture_output=True, user=user, cwd=server.folder, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr.decode()


def _program(name: str, folder: str | None = None) -> str:
    found = shutil.which(name, path=folder) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: make parts")
    return found


def _somebody_else() -> str | None:
    """Databases refuse to run as root."""
    return "nobody" if os.geteuid() == 0 else None


def _give(folder: Path, user: str | None) -> None:
    for path in (folder, *folder.iterdir()):
        path.chmod(0o700 if path.is_dir() else 0o600)
        if user is not None:
            os.chown(path, pwd.getpwnam(user).pw_uid, -1)
