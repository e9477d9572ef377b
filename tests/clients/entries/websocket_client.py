"""websocket-client."""

from __future__ import annotations

import ssl
from contextlib import closing
from functools import partial

from websocket import create_connection

from livepin.testing import TlsServer
from tests.clients.client import SECRET, TIMEOUT, Client, Target
from tests.clients.services import websocket


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    url = target.url.replace("https:", "wss:")
    with closing(create_connection(url, timeout=TIMEOUT, sslopt={"context": context} if context else {})) as connection:
        connection.send_binary(SECRET)
        reply = connection.recv()
        assert isinstance(reply, bytes)
        return reply


CLIENT = Client(
    "websocket-client",
    visit,
    explicit='create_connection(…sslopt={"context": context}…)',
    error="livepin.PinError",
    serve=partial(TlsServer, conversation=websocket.echo),
)
