"""A server of a drill: `livepin serve` in a process of its own, and its API as the owner and the thief use it."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from livepin.cli.api import Api
from livepin.cli.drills.report import DrillFailed
from livepin.cli.profiles import PROJECT, SERVER, TOKEN
from livepin.errors import LivepinError
from livepin.testing.ports import free_port

_STARTS, _ENDS, _ANSWERS = 60.0, 25.0, 30.0


class Server:
    """An installation with one organization, `acme`; a context manager. `owner`: the token of who made it."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "server"
        self._port, self._origin_port = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.owner = ""

    def __enter__(self) -> Self:
        listen = ["--listen", f"127.0.0.1:{self._port}", "--origin-listen", f"127.0.0.1:{self._origin_port}"]
        command = [sys.executable, "-m", "livepin", "serve", "--data", str(self.data), *listen]
        self._process = subprocess.Popen(
            command,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            self._wait_until_ready()
            self._make_owner()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_ENDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LIVEPIN_", "DJANGO_"))}
        # The service that is looked at is on this machine, which a server does not look at by itself.
        return {**kept, "LIVEPIN_SERVER_LOOK_PRIVATE": "true"}

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + _STARTS
        while not self._is_ready():
            if time.monotonic() > end or (self._process is not None and self._process.poll() is not None):
                raise DrillFailed("the server does not get ready")
            time.sleep(0.1)

    def _make_owner(self) -> None:
        command = [sys.executable, "-m", "livepin", "server", "account", "new", "--data", str(self.data), "--json"]
        done = subprocess.run(command, env=self._environment(), capture_output=True, text=True, timeout=_STARTS)
        if done.returncode:
            raise DrillFailed(f"no account could be made: {done.stderr}")
        claim = {
            "secret": json.loads(done.stdout)["code"],
            "email": "owner@example.com",
            "password": secrets.token_urlsafe(18),
        }
        self.owner = self.ask("POST", "/accounts", claim)["token"]["token"]
        self.ask("POST", "/organizations", {"organization": "acme"})

    @property
    def origin(self) -> Path:
        """The folder of its origin."""
        return self.data / "origin"

    def signed_in(self, project: str) -> dict[str, str]:
        """What is in the shell of the owner, whose commands work on this server's project. No profile is touched."""
        return {SERVER: self._url, TOKEN: self.owner, PROJECT: project}

    # ------------------------------------------------------------------ the API

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def ask(self, method: str, path: str, body: Any = None, *, token: str = "") -> Any:
        """A request of the owner's (or whose `token` it is); its JSON. Raises `DrillFailed` where it is refused."""
        try:
            return self._api(token).ask(method, path, body, if_match="*").members
        except LivepinError as error:
            raise DrillFailed(f"{method} {path}: {error.message} [{error.code}]") from None

    def refusal(self, method: str, path: str, body: Any = None, *, token: str = "") -> LivepinError | None:
        """Why the same is refused; None where it is done."""
        try:
            self._api(token).ask(method, path, body, if_match="*")
        except LivepinError as error:
            return error
        return None

    def _api(self, token: str) -> Api:
        """What the command line itself talks to a server with."""
        return Api(self._url, token or self.owner, timeout=_ANSWERS)

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_ANSWERS)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def publish(self, path: str, *, token: str = "", **wish: Any) -> dict[str, Any]:
        """Ask for a publish below `path`, and wait until it is published. Raises `DrillFailed`."""
        began = time.monotonic()
        asked = self.ask("POST", path, wish, token=token)
        project = path.partition("/revisions/")[0].removesuffix("/publishes")
        found: dict[str, Any] = {}
        while found.get("state") != "published":
            found = self.ask("GET", f"{project}/publishes/{asked['id']}?wait=10", token=token)
            if found["state"] in ("refused", "failed", "cancelled") or time.monotonic() - began > _STARTS:
                raise DrillFailed(f"the publish is {found['state']}: {found.get('findings')} {found.get('problem')}")
            if found["state"] == "waiting":
                time.sleep(0.1)  # for its worker alone; the server answers at once in that state
        return found
