"""A context of truststore, which has the operating system's authorities."""

from __future__ import annotations

import socket
import ssl
from functools import partial

import truststore

from livepin.testing import TlsServer, conversations
from tests.clients.client import SECRET, TIMEOUT, Client, Target


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    trusting = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    plain = socket.create_connection((target.host, target.port), TIMEOUT)
    with plain, trusting.wrap_socket(plain, server_hostname=target.host) as connection:
        connection.sendall(SECRET)
        return connection.recv(len(SECRET))


CLIENT = Client(
    "truststore.SSLContext",
    visit,
    error="livepin.PinError",
    serve=partial(TlsServer, conversation=conversations.echo),
)
