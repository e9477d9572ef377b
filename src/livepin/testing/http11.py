"""Just enough HTTP/1.1 (RFC 9112) for fakes: read a request exactly as it came, write an answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from http import HTTPStatus
from urllib.parse import urlsplit

from livepin.testing.listener import Channel

#: A request head longer than this (bytes) is not a request of any client worth answering.
_MAX_HEAD = 65536


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came: `target` and `headers` (name and value, in order) are untouched."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path of the target, without the query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> str:
        """The query of the target; empty when there is none."""
        return urlsplit(self.target).query

    def header(self, name: str) -> str | None:
        """The first value of a header; None when it was not sent."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def keeps_alive(self) -> bool:
        """Whether the client may send another request on this connection."""
        return (self.header("Connection") or "").lower() != "close"


class RequestReader:
    """Requests from a channel, one after the other."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._buffer = b""

    def next(self) -> Request | None:
        """The next request; None when the peer is gone or does not talk HTTP/1.1."""
        head = self._until(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        first = lines[0].split(" ")
        if len(first) != 3 or not first[2].startswith("HTTP/1."):
            return None
        pairs = (line.partition(":") for line in lines[1:] if line)
        headers = tuple((name, value.strip()) for name, _, value in pairs)
        request = Request(first[0], first[1], headers)
        try:
            return replace(request, body=self._body(request))
        except ValueError:  # a length that is no number
            return None

    def _body(self, request: Request) -> bytes:
        if (request.header("Expect") or "").lower() == "100-continue":
            self._channel.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if (request.header("Transfer-Encoding") or "").lower() == "chunked":
            return self._chunks()
        return self._exactly(int(request.header("Content-Length") or 0))

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self._until(b"\r\n").partition(b";")[0] or b"0", 16):
            body += self._exactly(size)
            self._until(b"\r\n")
        while self._until(b"\r\n") not in (b"\r\n", b""):  # trailers
            pass
        return body

    def _until(self, end: bytes) -> bytes:
        """Everything up to and with `end`; empty when the peer is gone before it came."""
        while end not in self._buffer:
            more = self._channel.read()
            if not more or len(self._buffer) > _MAX_HEAD:
                return b""
            self._buffer += more
        found, _, self._buffer = self._buffer.partition(end)
        return found + end

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size and (more := self._channel.read()):
            self._buffer += more
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found


def head(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    """Status line and headers, with the empty line that ends them."""
    known = HTTPStatus._value2member_map_.get(status)
    reason = known.phrase if isinstance(known, HTTPStatus) else "Unknown"
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def answer(status: int, body: bytes, content_type: str, *headers: tuple[str, str]) -> bytes:
    """A whole response with a body of known length."""
    return head(status, (("Content-Type", content_type), ("Content-Length", str(len(body))), *headers)) + body
