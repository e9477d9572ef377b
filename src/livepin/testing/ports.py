"""Ports for servers that cannot choose one themselves."""

from __future__ import annotations

import contextlib
import secrets
import socket

#: Below what systems take for outgoing connections (Linux from 32768, others from 49152 on): one of those would have
#: the port between the moment when it is found and the one when its server begins to listen.
_PORTS = range(20_000, 32_000)


def free_port() -> int:
    """A TCP port of 127.0.0.1 on which nobody listens. Raises `OSError` where none is found."""
    for _ in range(100):
        port = secrets.choice(_PORTS)  # not `random`: tests seed it, and each would be given the same ones
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise OSError(f"no port from {_PORTS[0]} to {_PORTS[-1]} is free")
