"""Streams of asyncio that begin in the clear: STARTTLS."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from functools import partial

from livepin.testing import TlsServer, conversations
from tests.clients.client import SECRET, TIMEOUT, Client, Target


async def exchange(target: Target, context: ssl.SSLContext | None) -> bytes:
    reader, writer = await asyncio.open_connection(target.host, target.port)
    try:
        await reader.readline()
        writer.write(b"STARTTLS\r\n")
        await reader.readline()
        context = context or ssl.create_default_context()
        await writer.start_tls(context, server_hostname=target.host)
        writer.write(SECRET)
        await writer.drain()
        return await reader.readexactly(len(SECRET))
    finally:
        writer.close()
        with suppress(OSError):  # one that was refused has been told about before
            await writer.wait_closed()


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    return asyncio.run(asyncio.wait_for(exchange(target, context), TIMEOUT))


CLIENT = Client(
    "asyncio streams, start_tls",
    visit,
    explicit="writer.start_tls(context, …)",
    error="livepin.PinError",
    serve=partial(TlsServer, preamble=conversations.starttls, conversation=conversations.echo),
)
