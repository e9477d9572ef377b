"""Moving the bytes of an `ssl.SSLObject`, as event loops do."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class MemoryTls:
    """TLS over two memory buffers and a plain socket."""

    def __init__(
        self, plain: socket.socket, context: ssl.SSLContext, host: str, session: ssl.SSLSession | None = None
    ) -> None:
        self._plain = plain
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self.incoming, self.outgoing, server_hostname=host, session=session)

    def drive(self, step: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Run one step to its end. What it wrote is sent, also when it fails."""
        while True:
            try:
                return step(*arguments, **named)
            except ssl.SSLWantReadError:
                self.flush()
                self._receive()
            finally:
                self.flush()

    def flush(self) -> None:
        if data := self.outgoing.read():
            self._plain.sendall(data)

    def _receive(self) -> None:
        if data := self._plain.recv(65536):
            self.incoming.write(data)
        else:
            self.incoming.write_eof()
