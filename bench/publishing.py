"""From asking for a publish to a document that nginx serves, against writing a file that nginx serves."""

from __future__ import annotations

import os
import statistics
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bench.installation import HOSTS, Installation
from bench.ratio import Row

TIMES = 10
_PATIENCE = 60.0


def rows(here: Installation, publish: Callable[[], Any]) -> Iterator[Row]:
    """What a publish does besides: job, guard, signature, two objects with their copies, read back and confirmed."""
    ours, theirs = [], []
    with _jobs():
        for number in range(TIMES):
            ours.append(_until_served(f"{here.url}acme/shop/pins.jws", publish))
            write = partial(_write, here.public / "bare.txt", f"bare {number}")
            theirs.append(_until_served(f"{here.url}bare.txt", write))
    found = (statistics.median(values) * 1e6 for values in (ours, theirs))
    served = f"until {here.server.split()[0]} serves it"
    yield Row(f"a publish of {HOSTS} hosts, {served}", f"a file is written, {served}", *found)


@contextmanager
def _jobs() -> Iterator[None]:
    """The engine of one machine, as `livepin serve` runs it."""
    from livepin.server.jobs.engine import open_engine
    from livepin.server.jobs.threads import run_waiting
    from livepin.server.models import Job

    Job.objects.filter(state="waiting").delete()  # those of the other rows
    run_waiting()
    stop = threading.Event()
    engine = threading.Thread(target=open_engine(stop).run)
    engine.start()
    try:
        yield
    finally:
        stop.set()
        engine.join()


def _until_served(url: str, act: Callable[[], Any]) -> float:
    """Seconds from the act until something else is served."""
    before, started = _served(url), time.perf_counter()
    act()
    while _served(url) == before:
        if time.perf_counter() - started > _PATIENCE:
            raise RuntimeError(f"nothing new is served at {url}")
        time.sleep(0.001)
    return time.perf_counter() - started


def _served(url: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as answer:
            return bytes(answer.read())
    except OSError:  # a status of 404 is one
        return b""


def _write(path: Path, text: str) -> None:
    """As safely as an origin does: at once, and to last."""
    draft = path.with_suffix(".draft")
    with draft.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
