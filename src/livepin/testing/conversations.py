"""What a TLS server says once the handshake is done, and what it says before, where TLS begins in mid-conversation.

Every function here has one of two shapes, and your own may have them too: a `Conversation` runs inside TLS until it
returns; a `Preamble` runs in the clear before the handshake and returns whether there is to be one.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from livepin.testing import http11
from livepin.testing.listener import Channel

Conversation = Callable[[Channel], None]
Preamble = Callable[[Channel], bool]


def http(channel: Channel) -> None:
    """An honest HTTP/1.1 service with keep-alive: status 200 and a JSON object that echoes `method`, `target`,
    `headers` and `body` (as Latin-1 text)."""
    requests = http11.RequestReader(channel)
    while request := requests.next():
        echo_of = {
            "method": request.method,
            "target": request.target,
            "headers": dict(request.headers),
            "body": request.body.decode("latin-1"),
        }
        body = json.dumps(echo_of).encode()
        connection = "keep-alive" if request.keeps_alive else "close"
        response = http11.answer(200, body, "application/json", ("Connection", connection))
        channel.write(response if request.method != "HEAD" else response[: -len(body)])
        if not request.keeps_alive:
            return


def echo(channel: Channel) -> None:
    """Send every byte back: a raw protocol, for sockets and streams."""
    while data := channel.read():
        channel.write(data)


def silent(channel: Channel) -> None:
    """Complete the handshake, take whatever comes, and never answer."""
    channel.drain()


def hang_up(channel: Channel) -> None:
    """Complete the handshake and end the connection in good order, without a word."""


def reset(channel: Channel) -> None:
    """Complete the handshake and reset the connection."""
    channel.reset()


def starttls(channel: Channel) -> bool:
    """A preamble as in SMTP (RFC 3207): greeting, any commands, STARTTLS; then TLS."""
    channel.write(b"220 localhost ESMTP ready\r\n")
    while line := _line(channel):
        verb = line.split(b" ")[0].upper()
        if verb == b"STARTTLS":
            channel.write(b"220 Go ahead\r\n")
            return True
        if verb == b"QUIT":
            channel.write(b"221 Bye\r\n")
            return False
        channel.write(b"250-localhost\r\n250 STARTTLS\r\n" if verb in (b"EHLO", b"HELO") else b"250 OK\r\n")
    return False


def intercepted_connect(channel: Channel) -> bool:
    """The preamble of an intercepting proxy: it takes CONNECT for any target, and then is the target itself."""
    request = http11.RequestReader(channel).next()
    if request is None or request.method != "CONNECT":
        channel.write(http11.answer(405, b"", "text/plain"))
        return False
    channel.write(http11.head(200, ()))
    return True


def _line(channel: Channel) -> bytes:
    """One line without its end, read byte by byte: what follows it may be TLS already."""
    line = b""
    while (byte := channel.read(1)) not in (b"\n", b""):
        line += byte
    return line.strip()
