"""websockets in ordinary threads."""

from __future__ import annotations

import ssl
from functools import partial

from websockets.sync.client import connect

from livepin.testing import Resumption, TlsServer
from tests.clients.client import SECRET, TIMEOUT, Client, Target
from tests.clients.services import websocket


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    url = target.url.replace("https:", "wss:")
    with connect(url, ssl=context, open_timeout=TIMEOUT) as connection:
        connection.send(SECRET)
        reply = connection.recv(TIMEOUT)
        assert isinstance(reply, bytes)
        return reply


# It reads in one thread and writes in another, and OpenSSL must not be used like that: where a session ticket arrives
# while the first message is sent, this client hangs now and then, with pins and without. So there are no tickets.
CLIENT = Client(
    "websockets.sync",
    visit,
    explicit="connect(…, ssl=context…)",
    error="livepin.PinError",
    serve=partial(TlsServer, conversation=websocket.echo, resumption=Resumption.OFF),
)
