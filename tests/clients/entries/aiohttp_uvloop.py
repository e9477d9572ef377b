"""aiohttp on uvloop."""

from __future__ import annotations

import ssl

import uvloop

from tests.clients.client import Client, Target
from tests.clients.entries.aiohttp_session import post


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    return uvloop.run(post(target, context))


CLIENT = Client(
    "aiohttp on uvloop",
    visit,
    explicit="aiohttp.TCPConnector(ssl=context…)",
    error="aiohttp.client_exceptions.ClientConnectorCertificateError",
)
