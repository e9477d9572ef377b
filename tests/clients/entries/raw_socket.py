"""A socket of the `ssl` module."""

from __future__ import annotations

import socket
import ssl
from functools import partial

from livepin.testing import TlsServer, conversations
from tests.clients.client import SECRET, TIMEOUT, Client, Target


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    context = context or ssl.create_default_context()
    plain = socket.create_connection((target.host, target.port), TIMEOUT)
    with plain, context.wrap_socket(plain, server_hostname=target.host) as connection:
        connection.sendall(SECRET)
        return connection.recv(len(SECRET))


CLIENT = Client(
    "ssl, sockets",
    visit,
    explicit="context.wrap_socket(…)",
    error="livepin.PinError",
    serve=partial(TlsServer, conversation=conversations.echo),
)
