"""An ordinary application under observation: `python -m tests.faults.application`, orders on standard input.

All the time it visits its service, and a server of an attacker as if its traffic had been led astray, from threads and
inside an event loop, each with a secret. Its event loop is watched. Beside `livepin.setup` nothing in it knows of
Livepin. The first line on standard input is what it is to be; each further line asks for one thing, and gets one line.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import random
import resource
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import livepin

HOST = "localhost"
#: Seconds between two visits of a lane, for one visit, and between two looks at the event loop.
PAUSE, PATIENCE, TICK = 0.2, 8.0, 0.01


def _pause() -> float:
    """Never the same: lanes of one rhythm could take turns for ever, and some events are told only out of turn."""
    return PAUSE * random.uniform(0.5, 1.5)


class Lane:
    """One server, visited in one way, over and over."""

    def __init__(self, name: str, port: int, secret: str) -> None:
        self.name = name
        self._port = port
        self._request = f"GET /orders HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: {secret}\r\nConnection: close\r\n\r\n"
        # Made before set-up, as a module does that is imported earlier.
        self._context = ssl.create_default_context()
        #: When each visit began, and how it ended.
        self.visits: list[tuple[float, str]] = []

    def follow(self, closing: threading.Event) -> None:
        """Visit in a thread."""
        while not closing.wait(_pause()):
            began = time.monotonic()
            self.visits.append((began, self.visit()))

    async def follow_in_loop(self) -> None:
        """Visit inside the event loop."""
        while True:
            await asyncio.sleep(_pause())
            began = time.monotonic()
            self.visits.append((began, await self._visit_in_loop()))

    def visit(self) -> str:
        """One visit from a thread, and how it ended: `answered`, a code of Livepin's, or something else."""
        try:
            with (
                socket.create_connection((HOST, self._port), PATIENCE) as plain,
                self._context.wrap_socket(plain, server_hostname=HOST) as connection,
            ):
                connection.sendall(self._request.encode())
                return _said(connection.recv(4096))
        except Exception as error:  # how it ended is what is asked
            return _ended(error)

    async def _visit_in_loop(self) -> str:
        try:
            async with asyncio.timeout(PATIENCE):
                reader, writer = await asyncio.open_connection(HOST, self._port, ssl=self._context)
                writer.write(self._request.encode())
                answer = await reader.read(4096)
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
                return _said(answer)
        except Exception as error:
            return _ended(error)


def _said(answer: bytes) -> str:
    return "answered" if answer.startswith(b"HTTP/1.1 200 ") else f"said {answer[:40]!r}"


def _ended(error: BaseException) -> str:
    found = livepin.find_pin_error(error)
    return found.code if found else f"{type(error).__name__}: {error}"


class BrokenLog(logging.Handler):
    """A bug of the application: whoever logs gets an error."""

    def emit(self, record: logging.LogRecord) -> None:
        print("the log is broken", file=sys.stderr, flush=True)
        raise RuntimeError("a bug of the application's log")


class LoopWatch:
    """How late the event loop was, at worst, in seconds. Waiting for a processor does not count: others need it too."""

    def __init__(self) -> None:
        self.worst = 0.0

    async def look(self) -> None:
        while True:
            before, waited = time.monotonic(), _waited_for_processor()
            await asyncio.sleep(TICK)
            late = time.monotonic() - before - TICK - (_waited_for_processor() - waited)
            self.worst = max(self.worst, late)


def _waited_for_processor() -> float:
    """Seconds that this thread could have run and was not let. 0 where the system does not tell."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text("ascii").split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


class Application:
    """What was ordered, and what it does when it is asked to."""

    def __init__(self, orders: dict[str, Any]) -> None:
        self._orders = orders
        self._events: list[dict[str, object]] = []
        self._watch = LoopWatch()
        self._closing = threading.Event()
        servers = {"genuine": orders["genuine"], "evil": orders["evil"]}
        lanes = {(name, way): port for name, port in servers.items() for way in ("thread", "loop")}
        self._lanes = {key: Lane("/".join(key), port, orders["secret"]) for key, port in lanes.items()}
        self._pinner: livepin.Pinner

    async def run(self) -> None:
        """Until standard input ends."""
        looking = asyncio.create_task(self._watch.look())
        await asyncio.sleep(TICK)  # it looks before anything is done
        await self._set_up()
        tasks = [looking, *self._start_traffic()]
        print(json.dumps({"ready": True}), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            order = json.loads(line)
            do: Callable[..., Any] = getattr(self, f"do_{order.pop('do')}")
            print(json.dumps(await asyncio.to_thread(do, **order)), flush=True)
        self._closing.set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _set_up(self) -> None:
        arguments = {**self._orders["setup"], "on_event": self._note}
        if self._orders.get("threads_are_used_up"):
            with no_thread_for_livepin():
                self._pinner = livepin.setup(**arguments)
            return
        if self._orders.get("inside_loop"):
            self._pinner = livepin.setup(**arguments)
            await self._pinner.ready(arguments.get("wait", 3.0))
        else:
            self._pinner = await asyncio.to_thread(livepin.setup, **arguments)

    def _start_traffic(self) -> list[asyncio.Task[None]]:
        if self._orders.get("quiet"):
            return []
        tasks = []
        for (_, way), lane in self._lanes.items():
            if way == "loop":
                tasks.append(asyncio.create_task(lane.follow_in_loop()))
            else:
                threading.Thread(target=lane.follow, args=(self._closing,), daemon=True).start()
        return tasks

    def _note(self, event: livepin.Event) -> None:
        self._events.append({"name": event.name, **event.detail})
        if self._orders.get("careless"):
            raise RuntimeError("a bug of the application")

    # ------------------------------------------------------------------ what it can be asked for

    def do_status(self) -> dict[str, object]:
        """What Livepin says of itself, and what happened."""
        status = self._pinner.status()
        return {
            "held": None if status.epoch is None else [status.epoch, status.serial],
            "expired": status.expired,
            "seeded": status.seeded,
            "problems": list(status.sources.values()),
            "rounds": status.rounds,
            "events": self._events,
            "lag": self._watch.worst,
        }

    def do_refresh(self, wait: float) -> bool:
        """Fetch now; whether it ended in time."""
        return self._pinner.refresh(wait)

    def do_observe(self, wait: float) -> dict[str, list[str]]:
        """How visits ended that began from now on: at least one of each lane."""
        since = time.monotonic()
        while True:
            seen = {
                lane.name: sorted({ended for began, ended in list(lane.visits) if began >= since})
                for lane in self._lanes.values()
            }
            if all(seen.values()) or time.monotonic() - since > wait:
                return seen
            time.sleep(0.02)

    def do_visits(self) -> dict[str, dict[str, int]]:
        """How often the visits of each lane ended how, from the start."""
        ended = {lane.name: [how for _, how in list(lane.visits)] for lane in self._lanes.values()}
        return {name: {how: all_of_it.count(how) for how in all_of_it} for name, all_of_it in ended.items()}

    def do_skew(self, seconds: float) -> None:
        """Somebody sets the clock of this machine."""
        set_clock(seconds)

    def do_fork(self, port: int) -> dict[str, object]:
        """Fork a worker, as gunicorn does after `--preload`; what it says. `port`: of the source."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                inherited = _connections_to(port)
                lanes = {name: self._lanes[name, "thread"].visit() for name in ("genuine", "evil")}
                before = self._pinner.status().rounds
                refreshed = self._pinner.refresh(5.0) and self._pinner.status().rounds > before
                said = {**lanes, "refreshed": refreshed, "inherited": inherited, **self.do_status()}
                os.write(writing, json.dumps(said).encode())
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            answer: dict[str, object] = json.loads(pipe.read() or b'{"died": true}')
        os.waitpid(child, 0)
        return answer


def _connections_to(port: int) -> int:
    """How many descriptors of this process are connections to a port of this machine."""
    count = 0
    for number in range(3, 256):
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(number)) as copy:
            if copy.family in (socket.AF_INET, socket.AF_INET6):
                count += copy.getpeername()[1] == port
    return count


# ---------------------------------------------------------------------- what this machine does to it

_TRUE_TIME, _TRUE_RESOLVER = time.time, socket.getaddrinfo


def set_clock(seconds: float) -> None:
    """Be a machine whose clock is wrong by that much."""
    time.time = lambda: _TRUE_TIME() + seconds


def hang_resolver(name: str) -> None:
    """Be a machine whose resolver never comes back for one name."""

    def getaddrinfo(host: Any, *arguments: Any, **more: Any) -> Any:
        if host == name:
            threading.Event().wait()
        return _TRUE_RESOLVER(host, *arguments, **more)

    socket.getaddrinfo = getaddrinfo


@contextlib.contextmanager
def no_thread_for_livepin() -> Iterator[None]:
    """Be a machine that gives no more threads to those who ask within the block."""
    true_start = threading.Thread.start

    def start(self: threading.Thread) -> None:
        if self.name.startswith("livepin-"):
            raise RuntimeError("can't start new thread")
        true_start(self)

    threading.Thread.start = start  # type: ignore[method-assign]
    try:
        yield
    finally:
        threading.Thread.start = true_start  # type: ignore[method-assign]


def main() -> None:
    orders = json.loads(sys.stdin.readline())
    if seconds := orders.get("skew"):
        set_clock(seconds)
    if orders.get("logs_carelessly"):
        logging.getLogger().addHandler(BrokenLog())
    if name := orders.get("resolver_hangs_for"):
        hang_resolver(name)
    if (limit := orders.get("file_size")) is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    asyncio.run(Application(orders).run())


if __name__ == "__main__":
    main()
