"""The engine that fits the database."""

from __future__ import annotations

import threading
from typing import Protocol

from livepin.server.settings import CONFIG


class Engine(Protocol):
    """Takes up what was enqueued."""

    def run(self) -> None:
        """Work until the event that it was made with is set."""
        ...


def open_engine(stop: threading.Event) -> Engine:
    """The engine of this installation; it ends some seconds after `stop` is set."""
    if CONFIG.on_postgres:
        from livepin.server.jobs.workers import Workers

        return Workers(stop)
    from livepin.server.jobs.threads import Threads

    return Threads(stop)
