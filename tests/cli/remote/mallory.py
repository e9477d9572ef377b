"""A server that somebody else owns: it passes everything on to the real one, and changes what it wants."""

from __future__ import annotations

import http.server
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from livepin.core.base64s import b64url, b64url_decode

#: Changes the JSON of an answer, by the path that was asked for.
Change = Callable[[str, dict[str, Any]], None]


def with_payload(signing_input: str, change: Callable[[dict[str, Any]], None], typ: str = "") -> str:
    """A signing input whose payload says something else."""
    header, payload = (json.loads(b64url_decode(part)) for part in signing_input.split("."))
    change(payload)
    header |= {"typ": typ} if typ else {}
    return ".".join(b64url(json.dumps(one).encode()) for one in (header, payload))


@dataclass
class Mallory:
    """`change` is asked about every answer; `asked`: what went through."""

    port: int
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def between(real: str, change: Change) -> Iterator[Mallory]:
    """Listen in front of `real`, a server's URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            mallory.asked.append(f"{self.command} {self.path}")
            headers = {name: value for name, value in self.headers.items() if name not in ("Host", "Connection")}
            request = urllib.request.Request(f"{real}{self.path}", body or None, headers, method=self.command)
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    self.pass_on(answer.status, answer.headers.get("ETag", ""), answer.read())
            except urllib.error.HTTPError as error:
                with error:
                    self.pass_on(error.code, "", error.read())

        def pass_on(self, status: int, tag: str, data: bytes) -> None:
            if data:
                members = json.loads(data)
                change(self.path, members)
                data = json.dumps(members).encode()
            self.send_response(status)
            for name, value in (("ETag", tag), ("Content-Length", str(len(data)))):
                if value:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one

        def log_message(self, *_: Any) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    mallory = Mallory(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield mallory
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
