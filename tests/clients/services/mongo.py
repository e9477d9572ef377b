"""As much of MongoDB as its client needs to find a server and to run a command."""

from __future__ import annotations

import struct
from functools import partial
from typing import Any

import bson

from livepin.testing import Channel, TlsServer

HELLO = {"ok": 1, "isWritablePrimary": True, "minWireVersion": 0, "maxWireVersion": 25, "maxBsonObjectSize": 16777216}
OP_REPLY, OP_MSG = 1, 2013


def echo(channel: Channel) -> None:
    """A conversation: whatever is asked is answered with what a server says of itself, and with the comment."""
    buffer = b""
    while data := channel.read():
        buffer += data
        while len(buffer) >= 4 and len(buffer) >= (length := struct.unpack_from("<i", buffer)[0]):
            channel.write(_answer(buffer[:length]))
            buffer = buffer[length:]


def _answer(message: bytes) -> bytes:
    _, number, _, operation = struct.unpack_from("<iiii", message)
    if operation == OP_MSG:
        asked: dict[str, Any] = bson.decode(message[21:])
        body = bytes(5) + bson.encode({**HELLO, "comment": asked.get("comment", "")})
        return struct.pack("<iiii", len(body) + 16, 0, number, OP_MSG) + body
    body = struct.pack("<iqii", 8, 0, 0, 1) + bson.encode(HELLO)
    return struct.pack("<iiii", len(body) + 16, 0, number, OP_REPLY) + body


serve = partial(TlsServer, conversation=echo, alpn=())
