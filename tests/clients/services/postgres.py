"""As much of PostgreSQL as a client needs to log in and to run one statement (its protocol, version 3)."""

from __future__ import annotations

import struct
from functools import partial

from livepin.testing import Channel, TlsServer


def asked_for_tls(channel: Channel) -> bool:
    """A preamble: the client asks whether there is TLS, and there is."""
    if not channel.read(8):
        return False
    channel.write(b"S")
    return True


def echo(channel: Channel) -> None:
    """A conversation: everybody may log in, and the tag of a statement's result is the statement."""
    if not channel.read():
        return
    settings = [(b"client_encoding", b"UTF8"), (b"server_version", b"15.0"), (b"standard_conforming_strings", b"on")]
    told = b"".join(_message(b"S", name + b"\0" + value + b"\0") for name, value in settings)
    channel.write(_message(b"R", bytes(4)) + told + _message(b"K", bytes(8)) + _message(b"Z", b"I"))
    while (data := channel.read()) and data[:1] == b"Q":
        channel.write(_message(b"C", data[5:]) + _message(b"Z", b"I"))


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


serve = partial(TlsServer, preamble=asked_for_tls, conversation=echo, alpn=())
