"""The attacker: mitmproxy between the application and the shop, with a CA of its own."""

from __future__ import annotations

import re
from pathlib import Path

from demo.processes import Process, Processes, complete_lines
from demo.waiting import DemoFailed, wait_for

_ADD_ON = Path(__file__).with_name("programs") / "eavesdropper.py"
_LISTENS = re.compile(r"proxy listening at 127\.0\.0\.1:(\d+)")


def find_mitmdump(checkout: Path) -> Path:
    """The program. Raises `DemoFailed` where it was not installed."""
    program = checkout / ".venv-attacker" / "bin" / "mitmdump"
    if not program.exists():
        raise DemoFailed("mitmproxy is not installed: `make attacker` puts it into .venv-attacker")
    return program


class Attacker:
    """A running mitmdump. It is on the way of whoever uses it as an HTTP proxy."""

    def __init__(self, folder: Path, processes: Processes, program: Path) -> None:
        self._folder = folder
        self._processes = processes
        self._program = program
        self._process: Process | None = None
        self._port = 0
        folder.mkdir()

    def start(self, upstream_ca: Path) -> None:
        """Start it and wait until it listens. `upstream_ca`: PEM of the CA of the service that it relays to."""
        options = [f"confdir={self._folder}", f"ssl_verify_upstream_trusted_ca={upstream_ca}"]
        settings = [word for option in options for word in ("--set", option)]
        listen = ["--listen-host", "127.0.0.1", "--listen-port", "0"]
        process = self._processes.start(
            "attacker", [self._program, *listen, *settings, "-s", _ADD_ON], folder=self._folder
        )
        found = process.wait_for(lambda: _LISTENS.search(process.out.read_text("utf-8")), 30, "to listen")
        self._port = int(found[1])
        self._process = process

    @property
    def ca_file(self) -> Path:
        """Its CA's certificate, made by mitmproxy at its first start."""
        return self._folder / "mitmproxy-ca-cert.pem"

    @property
    def environment(self) -> dict[str, str]:
        """What puts an application behind it."""
        return {"HTTPS_PROXY": f"http://127.0.0.1:{self._port}"}

    def wait_until_alone(self) -> int:
        """Wait until every connection has ended, so that nothing can be written to its log any more.

        Returns how many victims finished a TLS handshake with it.
        """
        lines: list[str] = []

        def alone() -> bool:
            lines[:] = complete_lines(self._folder / "connections.log")
            return lines.count("came") > 0 and lines.count("came") == lines.count("left")

        wait_for(alone, 10, "the attacker's connections to end")
        return lines.count("handshake")

    def decrypted(self) -> list[str]:
        """Its log: a line for whatever it could read."""
        return complete_lines(self._folder / "decrypted.log")

    def forget(self) -> None:
        """Begin its logs anew."""
        for name in ("connections.log", "decrypted.log"):
            (self._folder / name).unlink(missing_ok=True)
