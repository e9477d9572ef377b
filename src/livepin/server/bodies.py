"""Bodies of requests are read before a request is worked on, and only some at a time.

The threat: a body that never ends. Whoever sends the head of a request and then a byte a minute holds the thread that
reads it, and a dozen such connections from one machine held every thread: no health, no sign-in, no publish, for as
long as they liked. A read cannot be ended from here, so at most half of the threads read bodies, and for one client
at most a quarter; who finds no place soon is turned away. What is sent whole is read in no time, and never waits: a
proxy that collects bodies before it passes them on (nginx does) keeps slow ones away altogether (docs/server.md).

No body is larger than the largest that a page or an operation takes, files included: those would fill a disk.
"""

from __future__ import annotations

import io
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from livepin.server.proxies import sender

Environment = dict[str, Any]
Respond = Callable[..., Any]
Application = Callable[[Environment, Respond], Iterable[bytes]]

#: How long a request waits for a place to read its body, in seconds.
SOON = 0.25
#: Beside what Django takes of a form or of JSON: the frame of a file that is sent in a form.
_FRAME = 1024 * 1024


class Bodies:
    """WSGI middleware. `threads`: how many answer requests; `largest`: bytes of a body."""

    def __init__(self, application: Application, threads: int, largest: int) -> None:
        self._application = application
        self._largest = largest + _FRAME
        self._most, self._most_of_one = max(1, threads // 2), max(1, threads // 4)
        self._reading: Counter[str] = Counter()
        self._places = threading.Condition()

    def __call__(self, environ: Environment, respond: Respond) -> Iterable[bytes]:
        """Answer, once the body is there."""
        length = str(environ.get("CONTENT_LENGTH") or "0")
        if not (length.isascii() and length.isdigit()):
            return _refused(respond, HTTPStatus.BAD_REQUEST)
        if len(length) > 15 or int(length) > self._largest:
            return _refused(respond, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if int(length):
            with self._place(sender(environ)) as found:
                if not found:
                    return _refused(respond, HTTPStatus.SERVICE_UNAVAILABLE)
                body = environ["wsgi.input"].read(int(length))
            if len(body) < int(length):
                return _refused(respond, HTTPStatus.BAD_REQUEST)
            environ["wsgi.input"] = io.BytesIO(body)
        return self._application(environ, respond)

    @contextmanager
    def _place(self, client: str) -> Iterator[bool]:
        """A place to read in, while the block runs; False where none came free soon."""
        with self._places:
            found = self._places.wait_for(lambda: self._has_place(client), SOON)
            self._reading[client] += found
        try:
            yield found
        finally:
            with self._places:
                self._reading[client] -= found
                self._reading += Counter()  # keeps those alone who read
                self._places.notify_all()

    def _has_place(self, client: str) -> bool:
        return self._reading.total() < self._most and self._reading[client] < self._most_of_one


def _refused(respond: Respond, status: HTTPStatus) -> list[bytes]:
    headers = [("Content-Type", "text/plain"), ("Content-Length", "0"), ("Connection", "close"), ("Retry-After", "1")]
    headers.append(("X-Content-Type-Options", "nosniff"))
    respond(f"{status.value} {status.phrase}", headers)
    return [b""]
