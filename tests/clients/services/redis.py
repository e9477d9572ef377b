"""As much of Redis as a client asks for before and while it says ECHO (RESP 3)."""

from __future__ import annotations

from functools import partial

from livepin.testing import Channel, TlsServer

HELLO = b"%1\r\n$5\r\nproto\r\n:3\r\n"


def echo(channel: Channel) -> None:
    """A conversation for `TlsServer`: ECHO answers its argument, what clients say about themselves is fine."""
    buffer = b""
    while data := channel.read():
        buffer += data
        while (parsed := _command(buffer)) is not None:
            words, buffer = parsed
            if words[0] == b"ECHO":
                channel.write(b"$%d\r\n%s\r\n" % (len(words[1]), words[1]))
            else:
                channel.write(HELLO if words[0] == b"HELLO" else b"+OK\r\n")


def _command(buffer: bytes) -> tuple[list[bytes], bytes] | None:
    """The words of the first command, and what follows it; None while it is not complete."""
    head, found, rest = buffer.partition(b"\r\n")
    words = []
    for _ in range(int(head[1:]) if found else 0):
        size, found, rest = rest.partition(b"\r\n")
        length = int(size[1:]) if found else 0
        if not found or len(rest) < length + 2:
            return None
        words.append(rest[:length])
        rest = rest[length + 2 :]
    return (words, rest) if words else None


serve = partial(TlsServer, conversation=echo)
