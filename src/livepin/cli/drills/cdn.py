"""A CDN for drills: it serves an origin's folder through a cache, and whoever has its account serves what he likes."""

from __future__ import annotations

import hashlib
import http.server
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Self

_GONE = 404


@dataclass(frozen=True, slots=True)
class _Cached:
    """What was found at the origin, None for nothing, and when (monotonic seconds)."""

    at: float
    content: bytes | None


class _Server(http.server.ThreadingHTTPServer):
    """A reader that got what it wants from another source hangs up: that is no fault, and nothing to print."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """All other errors are printed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Cdn:
    """Serves a folder on loopback. What it has fetched it keeps for `max_age` seconds, as an edge cache does."""

    def __init__(self, folder: Path, max_age: float) -> None:
        self._folder = folder
        self._max_age = max_age
        self._lock = threading.Lock()
        self._cache: dict[str, _Cached] = {}
        self._hijacked: dict[str, bytes | None] = {}
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self._server.server_port}/"

    def hijack(self, path: str, content: str | None) -> None:
        """What its thief does: serve this at `path` from now on, or nothing (None)."""
        with self._lock:
            self._hijacked[path] = None if content is None else content.encode("ascii")

    def release(self) -> None:
        """The account is the owner's again, and the cache is purged."""
        with self._lock:
            self._hijacked.clear()
            self._cache.clear()

    def move(self, folder: Path) -> None:
        """Its owner has it serve another origin."""
        with self._lock:
            self._folder = folder
            self._cache.clear()

    def content(self, path: str) -> bytes | None:
        """What is served at `path` at this moment."""
        with self._lock:
            if path in self._hijacked:
                return self._hijacked[path]
            cached = self._cache.get(path)
            if cached is None or time.monotonic() - cached.at >= self._max_age:
                cached = self._cache[path] = _Cached(time.monotonic(), self._at_origin(path))
            return cached.content

    def _at_origin(self, path: str) -> bytes | None:
        file = self._folder / path
        return file.read_bytes() if ".." not in PurePosixPath(path).parts and file.is_file() else None

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        cdn = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                content = cdn.content(self.path.lstrip("/"))
                tag = "" if content is None else f'"{hashlib.sha256(content).hexdigest()[:32]}"'
                known = bool(tag) and self.headers.get("If-None-Match") == tag
                self.send_response(_GONE if content is None else 304 if known else 200)
                body = b"" if content is None or known else content
                if tag:
                    self.send_header("ETag", tag)
                if not known:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Requests are nobody's business here."""

        return Handler
