"""websockets in ordinary threads."""

from __future__ import annotations

import ssl
from functools import partial

from websockets.sync.client import connect

from livepin.testing import TlsServer
from tests.clients import websocket
from tests.clients.client import SECRET, TIMEOUT, Client, Target


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    url = target.url.replace("https:", "wss:")
    with connect(url, ssl=context, open_timeout=TIMEOUT) as connection:
        connection.send(SECRET)
        reply = connection.recv(TIMEOUT)
        assert isinstance(reply, bytes)
        return reply


CLIENT = Client(
    "websockets.sync",
    visit,
    explicit="connect(…, ssl=context…)",
    error="livepin.PinError",
    serve=partial(TlsServer, conversation=websocket.echo),
)
