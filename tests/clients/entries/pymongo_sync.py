"""pymongo. It looks for a server until its own time is up."""

from __future__ import annotations

import ssl
from typing import Any

from pymongo import MongoClient

from tests.clients.client import SECRET, Client, Target
from tests.clients.services import mongo


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    with MongoClient[dict[str, Any]](target.host, target.port, tls=True, serverSelectionTimeoutMS=1500) as client:
        return str(client.admin.command("ping", comment=SECRET.decode())).encode()


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
