"""websockets in an event loop."""

from __future__ import annotations

import asyncio
import ssl
from functools import partial

from websockets.asyncio.client import connect

from livepin.testing import TlsServer
from tests.clients.client import SECRET, TIMEOUT, Client, Target
from tests.clients.services import websocket


async def exchange(target: Target, context: ssl.SSLContext | None) -> bytes:
    url = target.url.replace("https:", "wss:")
    async with connect(url, ssl=context or True, open_timeout=TIMEOUT) as connection:
        await connection.send(SECRET)
        reply = await asyncio.wait_for(connection.recv(), TIMEOUT)
        assert isinstance(reply, bytes)
        return reply


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    return asyncio.run(exchange(target, context))


CLIENT = Client(
    "websockets.asyncio",
    visit,
    explicit="connect(…, ssl=context…)",
    error="livepin.PinError",
    serve=partial(TlsServer, conversation=websocket.echo),
)
