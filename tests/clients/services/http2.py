"""An HTTP/2 service (RFC 9113) inside TLS that sends every body back."""

from __future__ import annotations

from functools import partial

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, StreamEnded

from livepin.testing import Channel, TlsServer


def echo(channel: Channel) -> None:
    """A conversation for `TlsServer`."""
    connection = H2Connection(H2Configuration(client_side=False))
    connection.initiate_connection()
    bodies: dict[int, bytes] = {}
    channel.write(connection.data_to_send())
    while data := channel.read():
        for event in connection.receive_data(data):
            if isinstance(event, DataReceived):
                bodies[event.stream_id] = bodies.get(event.stream_id, b"") + event.data
            elif isinstance(event, StreamEnded):
                connection.send_headers(event.stream_id, [(":status", "200")])
                connection.send_data(event.stream_id, bodies.pop(event.stream_id, b""), end_stream=True)
        channel.write(connection.data_to_send())


serve = partial(TlsServer, alpn=("h2",), conversation=echo)
