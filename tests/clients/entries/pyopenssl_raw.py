"""pyOpenSSL itself. The handshake happens inside the first send."""

from __future__ import annotations

import socket
import ssl
from functools import partial

from OpenSSL import SSL

from livepin.testing import TlsServer, conversations
from tests.clients.client import SECRET, TIMEOUT, Client, Target


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    trusting = SSL.Context(SSL.TLS_CLIENT_METHOD)
    trusting.set_default_verify_paths()
    trusting.set_verify(SSL.VERIFY_PEER)
    with socket.create_connection((target.host, target.port), TIMEOUT) as plain:
        plain.settimeout(None)  # pyOpenSSL knows no timeouts
        connection = SSL.Connection(trusting, plain)
        connection.set_tlsext_host_name(target.host.encode())
        connection.set_connect_state()
        connection.sendall(SECRET)
        return connection.recv(len(SECRET))


CLIENT = Client(
    "pyOpenSSL",
    visit,
    error="livepin.client.adapters.pyopenssl.OpenSslPinError",
    note="it compares no names; the host that is judged is the one that it sends (`set_tlsext_host_name`).",
    serve=partial(TlsServer, conversation=conversations.echo),
)
