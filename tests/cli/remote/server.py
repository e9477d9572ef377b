"""A real server for the command line to talk to: `livepin serve` in processes of its own, and an owner on it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cli.shell import Shell
from tests.server.installation import Answer, Installation, installed

EMAIL, PASSWORD = "alice@example.com", "a long and winding password"
#: What an operator does on the server's machine.
_LINK = (
    "from livepin.cli.installation import enter; enter(None); "
    "from livepin.server.actions import accounts; print({}.secret)"
)


@dataclass
class Server:
    """A server, and the token of Alice, who owns the organization acme there."""

    installation: Installation
    token: str = field(default="", repr=False)
    projects: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.installation.port}"

    @property
    def origin_url(self) -> str:
        return f"http://127.0.0.1:{self.installation.origin_port}/"

    def serial(self, shell: Shell) -> int:
        """The number that applications get of the shell's project."""
        found: int = shell.json("verify", f"{self.origin_url}{shell.variables['PROJECT']}/pins.jws")["serial"]
        return found

    def link(self, call: str) -> str:
        """The secret of a one-time link, made by an operator."""
        made = subprocess.run(
            [sys.executable, "-c", _LINK.format(call)],
            env=self.installation.environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert made.returncode == 0, made.stderr
        return made.stdout.strip()

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, **headers: str) -> Answer:
        """One call of the API as Alice."""
        given = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        given |= {"Content-Type": "application/json"} if body is not None else {}
        data = b"" if body is None else json.dumps(body).encode()
        answer = self.installation.ask(f"/api/v1{path}", method, data, **given, **headers)
        assert answer.status < 400, answer.body
        return answer

    def claim(self) -> None:
        """The first account, and its organization."""
        secret = self.link("accounts.first_owner_link()")
        claimed = self.ask("POST", "/accounts", {"secret": secret, "email": EMAIL, "password": PASSWORD})
        self.token = claimed.json["token"]["token"]
        self.ask("POST", "/organizations", {"organization": "acme"})

    def account(self, email: str) -> str:
        """Somebody with an account, who belongs to no organization; their token."""
        secret = self.link("accounts.account_link()")
        made = self.ask("POST", "/accounts", {"secret": secret, "email": email, "password": "another long password"})
        return str(made.json["token"]["token"])

    def join(self, token: str, email: str, role: str) -> None:
        """Have the account of a token become a member of acme."""
        invited = self.ask("POST", "/organizations/acme/invitations", {"email": email, "role": role})
        Server(self.installation, token).ask("POST", "/invitations/accept", {"secret": invited.json["secret"]})

    def new_project(self, ca: Path, **members: str) -> str:
        """A project with a key of its own, which trusts `ca` when it looks. Its ID is nobody else's."""
        self.projects += 1
        name = f"shop{self.projects}"
        self.ask("POST", "/organizations/acme/projects", {"project": name, **members})
        self.ask("PATCH", f"/organizations/acme/projects/{name}", {"ca_pem": ca.read_text("ascii")})
        return f"acme/{name}"


@contextlib.contextmanager
def serving(data: Path, *roles: str) -> Iterator[Server]:
    """A server that runs, with Alice."""
    settings = {"LIVEPIN_SERVER_LOOK_PRIVATE": "true", "LIVEPIN_SERVER_REQUESTS_PER_MINUTE": "0"}
    with installed(data, settings) as installation:
        installation.serve(*roles)
        server = Server(installation)
        server.claim()
        yield server
