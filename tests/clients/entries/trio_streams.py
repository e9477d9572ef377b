"""Streams of trio."""

from __future__ import annotations

import ssl
from functools import partial

import trio

from livepin.testing import TlsServer, conversations
from tests.clients.client import SECRET, TIMEOUT, Client, Target


async def exchange(target: Target, context: ssl.SSLContext | None) -> bytes:
    with trio.fail_after(TIMEOUT):
        stream = await trio.open_ssl_over_tcp_stream(
            target.host, target.port, ssl_context=context, https_compatible=True
        )
        async with stream:
            await stream.send_all(SECRET)
            return bytes(await stream.receive_some())


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    return trio.run(exchange, target, context)


CLIENT = Client(
    "trio",
    visit,
    explicit="trio.open_ssl_over_tcp_stream(…ssl_context=context…)",
    error="trio.BrokenResourceError",
    serve=partial(TlsServer, conversation=conversations.echo),
)
