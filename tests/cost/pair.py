"""A client and a server of one TLS connection, in memory: real handshakes, without a network to wait for."""

from __future__ import annotations

import ssl
from contextlib import suppress

from livepin.testing import ServerCertificate


def server_context(certificate: ServerCertificate) -> ssl.SSLContext:
    """Makes the server's side of pairs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.load_into(context)
    return context


class Pair:
    """Two ends that have not shaken hands."""

    def __init__(self, client: ssl.SSLContext, server: ssl.SSLContext, host: str = "localhost") -> None:
        up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.sent = up
        self.client = client.wrap_bio(down, up, server_hostname=host)
        self.server = server.wrap_bio(up, down, server_side=True)

    def shake(self) -> None:
        """Let both sides do what they can until they rest. Raises what the client raises."""
        for _ in range(4):
            for side in (self.client, self.server):
                with suppress(ssl.SSLWantReadError):
                    side.do_handshake()

    def told(self) -> bytes:
        """What the server can decrypt."""
        with suppress(ssl.SSLError):
            return self.server.read(100)
        return b""
