"""The application of a drill: a process of its own, which visits its service and a thief's server all the time.

Beside `livepin.setup`, and a remote configuration of its own, nothing in it knows of Livepin. The first line on
standard input is what it is to be; each further line is an order (`refresh`). It says one JSON line whenever something
changed, and ends when standard input does.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import sys
import threading
import time
import urllib.request
from collections.abc import Mapping
from typing import Any

import livepin

#: Seconds between two rounds of visits, for one visit, and between two looks at the remote configuration.
PAUSE, PATIENCE, REMOTE_EVERY = 0.1, 5.0, 1.0
_SECRET = "secret-of-the-application"


class Application:
    """Visits its servers, and sets up again when its remote configuration says something new."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self._told = told
        self._context = ssl.create_default_context(cadata=told["ca"])  # made before set-up, as a module does
        self._embedded: Mapping[str, Any] = told["embedded"]
        self._pinner = self._set_up()
        self._looked = time.monotonic()

    def _set_up(self) -> livepin.Pinner:
        return livepin.setup(**self._embedded, store=self._told["store"], on_event=_event)

    def run(self) -> None:
        """Visit for ever."""
        said = ""
        while True:
            if self._told["remote"] and time.monotonic() - self._looked >= REMOTE_EVERY:
                self._look_at_remote()
            if (text := json.dumps(self._seen())) != said:
                said = text
                _say(text)
            time.sleep(PAUSE)

    def obey(self) -> None:
        """Follow orders; without anybody who gives them, end."""
        for line in sys.stdin:
            if line.strip() == "refresh":
                self._pinner.refresh()
        os._exit(0)

    def _look_at_remote(self) -> None:
        self._looked = time.monotonic()
        with (
            contextlib.suppress(OSError, ValueError),
            urllib.request.urlopen(self._told["remote"], timeout=5) as answer,
        ):
            found = json.load(answer)
            if found != self._embedded:
                self._embedded = found
                self._pinner = self._set_up()

    def _seen(self) -> dict[str, Any]:
        ends = {name: _visit(self._context, self._told["host"], port) for name, port in self._told["servers"].items()}
        status = self._pinner.status()
        return {"visits": ends, "project": status.project, "held": [status.epoch, status.serial]}


def _visit(context: ssl.SSLContext, host: str, port: int) -> str:
    """One request with a secret: `answered`, the code of the refusal, or what else went wrong."""
    request = f"GET / HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {_SECRET}\r\nConnection: close\r\n\r\n"
    try:
        with (
            socket.create_connection(("127.0.0.1", port), PATIENCE) as plain,
            context.wrap_socket(plain, server_hostname=host) as connection,
        ):
            connection.sendall(request.encode())
            return "answered" if connection.recv(4096) else "closed"
    except OSError as error:
        refused = livepin.find_pin_error(error)
        return type(error).__name__ if refused is None else refused.code


def _event(event: livepin.Event) -> None:
    _say(json.dumps({"event": event.name, "code": event.detail.get("code", ""), "message": event.message}))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    application = Application(json.loads(sys.stdin.readline()))
    threading.Thread(target=application.obey, daemon=True).start()
    application.run()
