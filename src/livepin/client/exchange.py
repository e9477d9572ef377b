"""One HTTP/1.1 request over a stream, and its answer with every part of it bounded.

Requests are written by hand, so that nothing gets into them that is not written here; answers are parsed by
``http.client``, which is imported when the first fetch is made: an application that only judges never pays for it.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from livepin.client.address import shown
from livepin.client.attempt import Bounds, Phase
from livepin.client.transport import Stream
from livepin.errors import FetchFailed

if TYPE_CHECKING:
    from http.client import HTTPResponse

#: The same for every application and every version: a fetch carries no identifier.
USER_AGENT = "livepin/1"

_CHUNK = 64 * 1024


@contextmanager
def request(stream: Stream, method: str, target: str, headers: Mapping[str, str]) -> Iterator[HTTPResponse]:
    """Send a request without a body and read the head of its answer; the stream stays open.

    Raises what the stream raises, and `http.client.HTTPException` for an answer that is not HTTP.
    """
    from http.client import HTTPResponse, IncompleteRead  # lazily: see above

    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    stream.send("\r\n".join(lines).encode("ascii"))
    raw = _Raw(stream)
    wire: Any = _Wire(raw)
    # Closed in order: left to the garbage collector, some versions complain aloud.
    with closing(HTTPResponse(wire, method=method)) as response:
        response.begin()
        while 102 <= response.status < 200:  # an interim answer (RFC 9110 section 15.2); `http.client` knows 100 alone
            response.headers = None  # type: ignore[assignment]  # or `begin` takes the head for read
            response.begin()
        if raw.ended:
            # For `http.client` a head that is cut off ends there: half a 200 would be an empty document.
            raise IncompleteRead(b"")
        yield response


class _Raw(io.RawIOBase):
    """A stream as a file. `ended`: the other side has said its last."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.receive(len(buffer))
        buffer[: len(data)] = data
        self.ended = not data
        return len(data)


@dataclass(frozen=True, slots=True)
class _Wire:
    """As much of a socket as `HTTPResponse` asks for."""

    raw: _Raw

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self.raw)


def read_body(response: HTTPResponse, bounds: Bounds, max_bytes: int) -> bytes:
    """The whole body with its content encoding undone; at most `max_bytes` before and after that.

    Raises `FetchFailed` (`source_too_large`, `source_truncated`, `source_encoding`).
    """
    bounds.phase = Phase.BODY
    decoder = _decoder_for(response.getheader("Content-Encoding", ""), bounds, max_bytes)
    announced = response.length
    if announced is not None and announced > max_bytes:
        raise _too_large(bounds, max_bytes)
    received, parts = 0, []
    while data := response.read(_CHUNK):
        received += len(data)
        if received > max_bytes:
            raise _too_large(bounds, max_bytes)
        parts.append(decoder.feed(data))
    if announced is not None and received < announced:
        raise FetchFailed("source_truncated", f"{received} of {announced} bytes came", where=shown(bounds.url))
    decoder.finish()
    return b"".join(parts)


class _Decoder(Protocol):
    def feed(self, data: bytes) -> bytes: ...

    def finish(self) -> None: ...


def _decoder_for(encoding: str, bounds: Bounds, max_bytes: int) -> _Decoder:
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return _Identity()
    if name in {"gzip", "x-gzip"}:
        return _Gunzip(bounds, max_bytes)
    raise FetchFailed("source_encoding", f"content encoding {name[:40]!r} was not asked for", where=shown(bounds.url))


class _Identity:
    def feed(self, data: bytes) -> bytes:
        return data

    def finish(self) -> None:
        return None


class _Gunzip:
    """One gzip member (RFC 1952), decoded piece by piece: a bomb is never unpacked beyond the limit."""

    def __init__(self, bounds: Bounds, max_bytes: int) -> None:
        self._bounds = bounds
        self._max_bytes = max_bytes
        self._left = max_bytes
        self._unzip = zlib.decompressobj(wbits=31)

    def feed(self, data: bytes) -> bytes:
        try:
            plain = self._unzip.decompress(data, self._left + 1)
        except zlib.error:
            raise self._invalid("the body is not gzip") from None
        if len(plain) > self._left:
            raise _too_large(self._bounds, self._max_bytes)
        if self._unzip.unused_data:
            raise self._invalid("something follows the gzip data")
        self._left -= len(plain)
        return plain

    def finish(self) -> None:
        if not self._unzip.eof:
            raise FetchFailed("source_truncated", "the gzip data ends early", where=shown(self._bounds.url))

    def _invalid(self, why: str) -> FetchFailed:
        return FetchFailed("source_encoding", why, where=shown(self._bounds.url))


def _too_large(bounds: Bounds, max_bytes: int) -> FetchFailed:
    return FetchFailed("source_too_large", f"the answer has more than {max_bytes} bytes", where=shown(bounds.url))
