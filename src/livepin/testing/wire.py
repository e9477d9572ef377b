"""TLS as anybody on the way can read it: the first message of a client, and what is no TLS at all."""

from __future__ import annotations

from dataclasses import dataclass

_HANDSHAKE, _CLIENT_HELLO = 22, 1
_RECORD_TYPES = range(20, 25)  # RFC 8446 section 5.1, and heartbeat
_SERVER_NAME, _ALPN = 0, 16


@dataclass(frozen=True, slots=True)
class ClientHello:
    """The part of a ClientHello (RFC 8446 section 4.1.2) that tests ask about.

    `server_name` is "" when the client sent none, as for IP addresses (RFC 6066 section 3).
    """

    server_name: str
    alpn: tuple[str, ...]


class _Reader:
    """Length-prefixed fields, one after the other. Raises `IndexError` where the bytes end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, size: int) -> bytes:
        if self._at + size > len(self._data):
            raise IndexError("truncated")
        self._at += size
        return self._data[self._at - size : self._at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, prefix: int) -> bytes:
        return self.take(self.number(prefix))


def parse(data: bytes) -> ClientHello | None:
    """The ClientHello that `data`, the first bytes from a client, holds; None when it is incomplete or no TLS."""
    try:
        return _hello(_Reader(_handshake_bytes(data)))
    except (IndexError, UnicodeDecodeError):
        return None


def _handshake_bytes(data: bytes) -> bytes:
    """Content of the leading handshake records, joined: a ClientHello may be cut at any place (section 5.1)."""
    reader, content = _Reader(data), b""
    while reader and reader.number(1) == _HANDSHAKE:
        reader.take(2)
        content += reader.vector(2)
        if len(content) >= 4 and len(content) - 4 >= int.from_bytes(content[1:4], "big"):
            break
    return content


def _hello(message: _Reader) -> ClientHello | None:
    if message.number(1) != _CLIENT_HELLO:
        return None
    body = _Reader(message.vector(3))
    body.take(2 + 32)  # legacy_version, random
    body.vector(1)  # legacy_session_id
    body.vector(2)  # cipher suites
    body.vector(1)  # compression methods
    extensions = _extensions(body)
    return ClientHello(_server_name(extensions.get(_SERVER_NAME, b"")), _protocols(extensions.get(_ALPN, b"")))


def _extensions(body: _Reader) -> dict[int, bytes]:
    found = {}
    if body:
        reader = _Reader(body.vector(2))
        while reader:
            kind = reader.number(2)
            found[kind] = reader.vector(2)
    return found


def _server_name(extension: bytes) -> str:
    names = _Reader(_Reader(extension).vector(2)) if extension else _Reader(b"")
    while names:
        kind, name = names.number(1), names.vector(2)
        if kind == 0:
            return name.decode("ascii")
    return ""


def _protocols(extension: bytes) -> tuple[str, ...]:
    names = _Reader(_Reader(extension).vector(2)) if extension else _Reader(b"")
    found = []
    while names:
        found.append(names.vector(1).decode("latin-1"))  # octets (RFC 7301 section 3.1)
    return tuple(found)


class Records:
    """Follows the record layer of one direction and tells what is outside it.

    A client that goes on without TLS after a failed handshake sends its secrets in the clear; a count of decrypted
    bytes alone would not show that.
    """

    def __init__(self) -> None:
        self._pending = b""
        self._lost = False

    def outside(self, data: bytes) -> bytes:
        """The part of `data`, the next bytes on the wire, that belongs to no TLS record."""
        self._pending += data
        while self._pending and not self._lost:
            head = self._pending[:5]
            self._lost = head[0] not in _RECORD_TYPES or head[1:2] not in (b"", b"\3")
            size = 5 + int.from_bytes(head[3:5], "big")
            if not self._lost and (len(head) < 5 or len(self._pending) < size):
                return b""
            if not self._lost:
                self._pending = self._pending[size:]
        found, self._pending = self._pending, b""
        return found
