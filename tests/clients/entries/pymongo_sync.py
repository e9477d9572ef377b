"""pymongo. It looks for a server until its own time is up."""

from __future__ import annotations

import ssl
import threading
from typing import Any

from pymongo import MongoClient

from tests.clients.client import SECRET, TIMEOUT, Client, Target
from tests.clients.services import mongo


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    try:
        with MongoClient[dict[str, Any]](target.host, target.port, tls=True, serverSelectionTimeoutMS=1500) as client:
            return str(client.admin.command("ping", comment=SECRET.decode())).encode()
    finally:
        _wait_for_monitors()


def _wait_for_monitors() -> None:
    """Its threads go on for a moment after the client is closed: one that connects once more belongs to this visit,
    and not to a time when pinning is uninstalled already."""
    for thread in threading.enumerate():
        if thread.name.startswith("pymongo"):
            thread.join(TIMEOUT)


CLIENT = Client(
    "pymongo",
    visit,
    error="pymongo.errors.ServerSelectionTimeoutError",
    tries=None,
    found=False,
    note="its own error has ours as text alone.",
    serve=mongo.serve,
    slow=True,
)
