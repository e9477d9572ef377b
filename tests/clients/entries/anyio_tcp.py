"""Streams of anyio."""

from __future__ import annotations

import ssl
from functools import partial

import anyio

from livepin.testing import TlsServer, conversations
from tests.clients.client import SECRET, TIMEOUT, Client, Target


async def exchange(target: Target, context: ssl.SSLContext | None) -> bytes:
    with anyio.fail_after(TIMEOUT):
        async with await anyio.connect_tcp(
            target.host, target.port, tls=True, ssl_context=context, tls_standard_compatible=False
        ) as stream:
            await stream.send(SECRET)
            return await stream.receive()


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    return anyio.run(exchange, target, context)


CLIENT = Client(
    "anyio",
    visit,
    explicit="anyio.connect_tcp(…tls=True, ssl_context=context…)",
    error="livepin.PinError",
    serve=partial(TlsServer, conversation=conversations.echo),
)
