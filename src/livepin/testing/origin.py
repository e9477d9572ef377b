"""A static HTTP or HTTPS origin for tests, which counts, records, and fails on request."""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from livepin.testing import http11
from livepin.testing.authority import ServerCertificate
from livepin.testing.failures import Answer, Ending, Failure, Stale
from livepin.testing.http11 import Request
from livepin.testing.listener import Channel, Listener, TcpChannel
from livepin.testing.tls_channel import Recording, TlsChannel

#: The pointer is looked at often, what has a number in its name never changes (design section 3).
POINTER_CACHE = "public, max-age=60, stale-while-revalidate=600, stale-if-error=86400"
IMMUTABLE_CACHE = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _Switch:
    failures: tuple[Failure, ...]
    left: int | None
    path: str | None

    def concerns(self, request: Request) -> bool:
        return self.left != 0 and self.path in (None, request.path.lstrip("/"))


class Origin(Listener):
    """Serves what was `put` into it, and what lies in `folder`, with ETag, 304, Cache-Control and content type.

    Where there is ``PATH.gz`` beside ``PATH``, clients that accept gzip get that. With a `certificate` it speaks HTTPS.
    A context manager; see `Listener` for `start`, `stop`, `port`.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        certificate: ServerCertificate | None = None,
        address: str = "127.0.0.1",
    ) -> None:
        """`folder`: served as it is at the moment of each request. `address`: the loopback address."""
        super().__init__(self._serve, address)
        self._folder = folder
        self._context = _tls_context(certificate)
        self._contents: dict[str, bytes] = {}
        self._served: dict[str, bytes] = {}
        self._switch: _Switch | None = None
        self._requests: list[Request] = []
        self._connections = 0

    @property
    def base_url(self) -> str:
        """What an application is given as configuration URL: it ends in ``/``."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{'http' if self._context is None else 'https'}://{host}:{self.port}/"

    def url(self, path: str) -> str:
        """The URL of a path."""
        return self.base_url + path

    # ------------------------------------------------------------------ content

    def put(self, path: str, content: str | bytes) -> None:
        """Serve `content` at `path` (without a leading slash) from now on. It wins over a file in `folder`."""
        self._contents[path] = content.encode() if isinstance(content, str) else content

    def remove(self, path: str) -> None:
        """Serve `path` no longer. Raises `KeyError` when nothing was put there."""
        del self._contents[path]

    # ------------------------------------------------------------------ failing

    def fail(self, *failures: Failure, times: int | None = None, path: str | None = None) -> None:
        """Let `failures` spoil answers until `heal`, or for the next `times` requests; of one `path` alone, or all.

        Replaces what was set before.
        """
        self._switch = _Switch(failures, times, path)

    def heal(self) -> None:
        """Answer honestly again. What hangs at this moment goes on hanging until the client leaves."""
        self._switch = None

    # ------------------------------------------------------------------ what was recorded

    @property
    def requests(self) -> tuple[Request, ...]:
        """Every request so far, in order, as it came. It is recorded before it is answered."""
        with self._changed:
            return tuple(self._requests)

    @property
    def count(self) -> int:
        """How many requests came."""
        return len(self.requests)

    @property
    def connection_count(self) -> int:
        """How many connections were made, those without a request included."""
        with self._changed:
            return self._connections

    def forget(self) -> None:
        """Start counting and recording anew."""
        with self._changed:
            self._requests.clear()
            self._connections = 0

    def wait_for_requests(self, count: int, timeout: float = 5.0) -> None:
        """Return when `count` requests came (since `forget`). Raises `TimeoutError`."""
        self.wait_until(lambda: len(self._requests) >= count, timeout)

    # ------------------------------------------------------------------ answering

    def _serve(self, tcp: TcpChannel) -> None:
        with self._changed:
            self._connections += 1
            self._changed.notify_all()
        if self._context is None:
            self._answer_all(tcp)
            tcp.half_close()
            tcp.drain()
            return
        channel = TlsChannel(tcp, self._context, Recording(lambda: None))
        try:
            channel.handshake()
            self._answer_all(channel)
        finally:
            channel.finish()

    def _answer_all(self, channel: Channel) -> None:
        requests = http11.RequestReader(channel)
        while request := requests.next():
            answer = self._prepare(request)
            _send(answer, request, channel)
            if answer.ending is not Ending.KEEP or not request.keeps_alive:
                return

    def _prepare(self, request: Request) -> Answer:
        with self._changed:
            self._requests.append(request)
            self._changed.notify_all()
            failures = self._failures_for(request)
            answer = self._honest(request, stuck=any(isinstance(failure, Stale) for failure in failures))
        for failure in failures:
            answer = failure.spoil(answer)
        return answer

    def _failures_for(self, request: Request) -> tuple[Failure, ...]:
        switch = self._switch
        if switch is None or not switch.concerns(request):
            return ()
        if switch.left is not None:
            self._switch = replace(switch, left=switch.left - 1)
        return switch.failures

    def _honest(self, request: Request, *, stuck: bool) -> Answer:
        if request.method not in ("GET", "HEAD"):
            return Answer(405, {"Allow": "GET, HEAD", "Content-Type": "text/plain"})
        path = request.path.lstrip("/")
        content = self._served.get(path) if stuck else None
        content = self._look_up(path) if content is None else content
        if content is None:
            return Answer(404, {"Content-Type": "text/plain"}, b"not found\n")
        self._served[path] = content
        headers = _headers(path, content)
        packed = self._look_up(path + ".gz")
        if packed is not None and not stuck and "gzip" in (request.header("Accept-Encoding") or ""):
            content = packed
            headers = {**_headers(path, packed), "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        if _matches(request.header("If-None-Match"), headers["ETag"]):
            return Answer(304, {name: headers[name] for name in ("ETag", "Cache-Control")})
        return Answer(200, headers, content)

    def _look_up(self, path: str) -> bytes | None:
        found = self._contents.get(path)
        if found is not None or self._folder is None or ".." in PurePosixPath(path).parts:
            return found
        file = self._folder / path
        return file.read_bytes() if file.is_file() else None


def _headers(path: str, content: bytes) -> dict[str, str]:
    name = PurePosixPath(path).name
    immutable = name.endswith(".jws") and name.removesuffix(".jws").replace(".", "").isdecimal()
    return {
        "Content-Type": "application/jose" if name.endswith(".jws") else "application/octet-stream",
        "Cache-Control": IMMUTABLE_CACHE if immutable else POINTER_CACHE,
        # Of the content, not of its date and size: two versions within a second must not share one.
        "ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"',
    }


def _matches(if_none_match: str | None, etag: str) -> bool:
    """RFC 9110 section 13.1.2: a list of tags, compared weakly, or ``*``."""
    tags = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return "*" in tags or etag in tags


def _send(answer: Answer, request: Request, channel: Channel) -> None:
    if answer.delay:
        channel.wait(answer.delay)
    if answer.raw is not None:
        channel.write(answer.raw)
    else:
        channel.write(_head(answer, request))
        if request.method != "HEAD" and answer.status != 304:
            _send_body(answer, channel)
    if answer.ending is Ending.RESET:
        channel.reset()
    elif answer.ending is Ending.HANG:
        channel.drain()


def _head(answer: Answer, request: Request) -> bytes:
    headers = dict(answer.headers)
    if answer.announced and answer.status != 304:
        headers["Content-Length"] = str(len(answer.body))
    stays = answer.ending is Ending.KEEP and request.keeps_alive
    headers["Connection"] = "keep-alive" if stays else "close"
    return http11.head(answer.status, headers.items())


def _send_body(answer: Answer, channel: Channel) -> None:
    body = answer.body[: answer.cut]
    piece = answer.piece or len(body) or 1
    while True:
        for start in range(0, len(body), piece):
            channel.write(body[start : start + piece])
            if answer.interval:
                channel.wait(answer.interval)
        if not answer.endless:
            return


def _tls_context(certificate: ServerCertificate | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    certificate.load_into(context)
    return context
