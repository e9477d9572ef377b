"""As much of MySQL as a client needs to log in and to run one query (its protocol, version 10)."""

from __future__ import annotations

import struct
from functools import partial

from livepin.testing import Channel, TlsServer

#: LONG_PASSWORD, CONNECT_WITH_DB, PROTOCOL_41, SSL, TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH
CAPABILITIES = 0x0008AA09
OK = bytes.fromhex("00000002000000")
END = bytes.fromhex("fe00000200")
VARCHAR, UTF8 = 0xFD, 33


def greet(channel: Channel) -> bool:
    """A preamble: the greeting offers TLS, and the client asks for it."""
    low, high = CAPABILITIES & 0xFFFF, CAPABILITIES >> 16
    greeting = b"\x0a8.0.0\0" + bytes(4) + b"saltsalt\0" + struct.pack("<HBHHB", low, UTF8, 2, high, 21)
    channel.write(_packet(0, greeting + bytes(10) + b"saltsaltsalt\0" + b"mysql_native_password\0"))
    return bool(channel.read(36))  # and not a byte of what follows: that is TLS


def echo(channel: Channel) -> None:
    """A conversation: everybody may log in, and the result of a query is the query."""
    number = 3  # the client's login is the third packet, and its answer has the next number
    while data := channel.read():
        asks = number == 1 and data[5:].upper().startswith(b"SELECT")
        channel.write(_result(data[5:]) if asks else _packet(number, OK))
        number = 1


def _result(text: bytes) -> bytes:
    column = b"".join(map(_string, (b"def", b"", b"", b"", b"echo", b""))) + b"\x0c"
    column += struct.pack("<HIBHB", UTF8, 1024, VARCHAR, 0, 0) + bytes(2)
    parts = (b"\x01", column, END, _string(text), END)
    return b"".join(_packet(number, part) for number, part in enumerate(parts, 1))


def _string(text: bytes) -> bytes:
    return bytes([len(text)]) + text


def _packet(number: int, body: bytes) -> bytes:
    return struct.pack("<I", len(body))[:3] + bytes([number]) + body


serve = partial(TlsServer, preamble=greet, conversation=echo, alpn=())
