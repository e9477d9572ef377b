"""Mail servers that upgrade to TLS (RFC 3207, RFC 9051) and answer every command with itself."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from livepin.testing import Channel, TlsServer, conversations


def _lines(channel: Channel) -> Iterator[bytes]:
    buffer = b""
    while data := channel.read():
        *lines, buffer = (buffer + data).split(b"\r\n")
        yield from lines


def smtp(channel: Channel) -> None:
    """What is said inside TLS: a conversation for `TlsServer`."""
    for line in _lines(channel):
        channel.write((b"221 " if line.upper() == b"QUIT" else b"250 ") + line + b"\r\n")


def imap(channel: Channel) -> None:
    """What is said inside TLS: a conversation for `TlsServer`."""
    for line in _lines(channel):
        _imap_answer(channel, line)


def imap_upgrade(channel: Channel) -> bool:
    """What is said before it: a preamble."""
    channel.write(b"* OK ready\r\n")
    for line in _lines(channel):
        _imap_answer(channel, line)
        if line.endswith(b"STARTTLS"):
            return True
    return False


def _imap_answer(channel: Channel, line: bytes) -> None:
    tag, _, command = line.partition(b" ")
    if command == b"CAPABILITY":
        channel.write(b"* CAPABILITY IMAP4rev1 STARTTLS\r\n")
    channel.write(tag + b" OK " + command + b"\r\n")


serve_smtp = partial(TlsServer, preamble=conversations.starttls, conversation=smtp, alpn=())
serve_imap = partial(TlsServer, preamble=imap_upgrade, conversation=imap, alpn=())
