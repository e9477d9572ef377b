"""An object of the `ssl` module over memory buffers: what event loops are built on."""

from __future__ import annotations

import socket
import ssl
from functools import partial

from livepin.testing import TlsServer, conversations
from tests.clients.client import SECRET, TIMEOUT, Client, Target
from tests.clients.memory import MemoryTls


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    context = context or ssl.create_default_context()
    with socket.create_connection((target.host, target.port), TIMEOUT) as plain:
        tls = MemoryTls(plain, context, target.host)
        tls.drive(tls.object.write, SECRET)
        return tls.drive(tls.object.read, len(SECRET))


CLIENT = Client(
    "ssl, memory buffers",
    visit,
    explicit="context.wrap_bio(…)",
    error="livepin.PinError",
    serve=partial(TlsServer, conversation=conversations.echo),
)
