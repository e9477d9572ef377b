"""What the harness asks of a client: one function that sends a secret, and what is said about it in the docs.

A file in `tests/clients/entries` is one client. Everything else follows from it: the control that leaks, the pinned
runs, the rows of `build/clients.json` and the row of the table in `docs/clients.md`.
"""

from __future__ import annotations

import importlib
import pkgutil
import ssl
from dataclasses import dataclass
from typing import Protocol

from livepin import PinError
from livepin.testing import ServerCertificate, TlsServer, Versions

SECRET = b"bearer-token-of-the-application"
#: Seconds. A client that waits longer than this for a loopback server hangs.
TIMEOUT = 10.0


@dataclass(frozen=True)
class Target:
    """The server that an application wants to talk to. It may be another one that answers."""

    port: int
    host: str = "localhost"

    @property
    def url(self) -> str:
        return f"https://{self.host}:{self.port}/orders"


class Visit(Protocol):
    """Duties of an entry's `visit`: connect, send `SECRET`, return what came back, close; raise what the client raises.

    With a context the client is given it, in the way that the docs show. With None the client is used as it comes:
    it makes its own context, and trusts what the environment says: `SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE`,
    `AWS_CA_BUNDLE`.
    """

    def __call__(self, target: Target, context: ssl.SSLContext | None) -> bytes: ...


class Serve(Protocol):
    """Makes the server that a client can talk to: it counts what reaches it."""

    def __call__(self, certificate: ServerCertificate, *, versions: Versions) -> TlsServer: ...


@dataclass(frozen=True)
class Client:
    """One client.

    `explicit`: how it takes a context, as code that stands in `visit` (a test looks); `…` is what does not matter, and
    empty is a client that takes none. `error`: the full name of what it raises for a refused peer. `found`: whether
    `livepin.find_pin_error` finds ours in it. `tries`: how many connections it makes until it gives up; None is as many
    as fit into its own time. `note`: a sentence for the docs. `serve`: makes a server that it can talk to. `slow`:
    tried by `make test-slow` alone.
    """

    name: str
    visit: Visit
    error: str
    explicit: str = ""
    found: bool = True
    tries: int | None = 1
    note: str = ""
    serve: Serve = TlsServer
    slow: bool = False


def keys() -> list[str]:
    """The names of the entries' modules: they name a client in test IDs, on command lines and in results."""
    package = importlib.import_module("tests.clients.entries")
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__))


def load(key: str) -> Client:
    """One entry, without importing the clients of the others."""
    client = importlib.import_module(f"tests.clients.entries.{key}").CLIENT
    assert isinstance(client, Client)
    return client


def full_name(error: BaseException) -> str:
    """`module.Class` of an error, as `Client.error` has it."""
    kind = type(error)
    if kind is PinError:
        return "livepin.PinError"
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
