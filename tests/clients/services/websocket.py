"""A WebSocket service (RFC 6455) inside TLS that sends every message back."""

from __future__ import annotations

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from livepin.testing import Channel


def echo(channel: Channel) -> None:
    """A conversation for `TlsServer`."""
    protocol = ServerProtocol()
    while data := channel.read():
        protocol.receive_data(data)
        for event in protocol.events_received():
            if isinstance(event, Request):
                protocol.send_response(protocol.accept(event))
            elif isinstance(event, Frame) and event.opcode is Opcode.BINARY:
                protocol.send_binary(bytes(event.data))
        for out in protocol.data_to_send():
            channel.write(out)
        if protocol.close_expected():
            return
