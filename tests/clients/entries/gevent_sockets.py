"""gevent's own sockets and contexts, without its monkey patches (for those see `tests/clients/test_orders.py`)."""

from __future__ import annotations

import ssl
from functools import partial

import gevent.socket
import gevent.ssl

from livepin.testing import TlsServer, conversations
from tests.clients.client import SECRET, TIMEOUT, Client, Target


def exchange(target: Target) -> bytes:
    context = gevent.ssl.create_default_context()
    plain = gevent.socket.create_connection((target.host, target.port), TIMEOUT)
    with plain, context.wrap_socket(plain, server_hostname=target.host) as connection:
        connection.sendall(SECRET)
        return bytes(connection.recv(len(SECRET)))


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    return bytes(gevent.spawn(exchange, target).get())


CLIENT = Client(
    "gevent",
    visit,
    error="livepin.PinError",
    serve=partial(TlsServer, conversation=conversations.echo),
)
