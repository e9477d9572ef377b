"""Noticing that pins are set up and concern nobody: the silent way in which pinning fails.

Three kinds. Every connection goes to hosts that the document does not list: a pattern is misspelt, or it is another
project's document. Or a pinner stands beside the connections: they are made through contexts that nobody judges.
Or a library brings a TLS of its own, which set-up does not reach.
"""

from __future__ import annotations

import gc
import sys

from livepin.client.clock import Clock
from livepin.client.context import PinnedContext
from livepin.client.events import EventName, Events
from livepin.client.fetch import OWN_CONTEXTS
from livepin.client.handshake import REAL_CONTEXT
from livepin.client.tally import Tally

#: So many connections to hosts that are not listed, and none to one that is, are told of.
MANY = 50
#: So many seconds after its first document, a pinner that judged nothing asks who else connects.
PATIENCE = 600.0

#: Libraries that bring a TLS of their own, by the module that is imported, and whose it is.
UNREACHED = {
    **dict.fromkeys(("aioquic", "qh3"), "HTTP/3"),
    **dict.fromkeys(("curl_cffi", "pycurl"), "libcurl"),
    **dict.fromkeys(("psycopg", "psycopg2"), "libpq"),
    "MySQLdb": "libmysqlclient",
    "confluent_kafka": "librdkafka",
    "grpc": "gRPC",
}


class Unjudged:
    """Watches over one pinner. Tells `nothing_judged` at most once, and `not_reached` of each library once."""

    def __init__(self, tally: Tally, clock: Clock, events: Events) -> None:
        self._tally = tally
        self._clock = clock
        self._events = events
        self._told = False
        self._look_at: float | None = None
        self._pause = PATIENCE
        self._known: set[str] = set()

    def unlisted(self) -> None:
        """A connection went to a host that is not listed. Called in the handshake: a comparison or two."""
        tally = self._tally
        if tally.unlisted >= MANY and not self._told and not tally.matched and not tally.listed:
            message = f"{tally.unlisted} connections were judged, and none was to a host that the document lists"
            self._tell(message, "unlisted", tally.unlisted)

    def look_around(self) -> None:
        """A round of fetching ended and a document is held: look for connections that pass by this pinner.

        Looking costs up to a tenth of a second where there are millions of objects, so it is done rarely, and never
        again once something was judged. A process without connections has none that pass by.
        """
        now = self._clock.monotonic()
        if self._look_at is None:
            self._look_at = now + self._pause
        if self._told or now < self._look_at or self._tally.judged:
            return
        self._pause *= 2
        self._look_at = now + self._pause
        if count := connections_elsewhere():
            message = f"this pinner has judged nothing, and {count} connections passed it by, through other contexts"
            self._tell(f"{message}: give clients `pinner.ssl_context()`, or call `livepin.setup`", "elsewhere", count)

    def look_beside(self) -> None:
        """Every `ssl` connection of the process is judged: look for libraries that do without `ssl`."""
        for library in unreached():
            if library not in self._known:
                self._known.add(library)
                message = f"{library} is loaded: what it sends by {UNREACHED[library]} is not judged"
                self._events.emit(EventName.NOT_REACHED, message, key=library, library=library)

    def _tell(self, message: str, kind: str, count: int) -> None:
        self._told = True
        self._events.emit(EventName.NOTHING_JUDGED, message, kind=kind, connections=count)


def unreached() -> tuple[str, ...]:
    """Modules of this process that can send by a TLS of their own. Whether they do, nobody here can see."""
    return tuple(sorted(UNREACHED.keys() & sys.modules.keys()))


def connections_elsewhere() -> int:
    """How many TLS handshakes were finished, as a client, by contexts of this process that are no pinner's.

    Contexts that are gone already count no more, so this is a lower bound. OpenSSL counts; nothing is hooked for it.
    """
    found = (each for each in gc.get_objects() if issubclass(type(each), REAL_CONTEXT))  # isinstance would wake proxies
    strangers = [each for each in found if not isinstance(each, PinnedContext) and each not in OWN_CONTEXTS]
    return sum(context.session_stats()["connect_good"] for context in strangers)
