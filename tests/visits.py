"""One connection with a secret in it, and how it ended."""

from __future__ import annotations

import socket
import ssl

import livepin
from livepin.testing import TlsServer


def visit(context: ssl.SSLContext, server: TlsServer, host: str = "localhost") -> str:
    """`sent`, or the code of the refusal."""
    plain = socket.create_connection((server.address, server.port), 10)
    try:
        with plain, context.wrap_socket(plain, server_hostname=host) as connection:
            connection.sendall(b"secret")
    except livepin.PinError as error:
        return error.code
    return "sent"
