"""Whole connections, pinned and not, in turns: what an application feels."""

from __future__ import annotations

import asyncio
import socket
import ssl
import statistics
import time
from collections.abc import Iterator

import livepin
from bench.handshake import _server
from bench.judging import _pinner
from bench.ratio import Row, side_by_side
from livepin.testing import Cast, Origin

CONNECTIONS = 1000
#: So many connections are made at once in an event loop, so many times.
AT_ONCE, TIMES = 20, 20


def rows() -> Iterator[Row]:
    """Connections one by one, connections in an event loop and what else waits there, and sending afterwards."""
    cast = Cast()
    plain = cast.authority.client_context()
    with Origin() as origin, _pinner(cast, origin, "leaf") as pinner:
        pinned = pinner.ssl_context(cadata=cast.authority.root_pem)
        with _server(cast) as port:
            ours, theirs = _one_by_one(pinned, plain, port)
            for name, place in (("p50", 49), ("p99", 98)):
                found = (statistics.quantiles(values, n=100)[place] * 1e6 for values in (ours, theirs))
                yield Row(f"connection and a byte, {name}", "without pins", *found)
            ours, theirs = _in_a_loop(pinned, plain, port)
            for name, place in (("p50", 49), ("p99", 98)):
                found = (statistics.quantiles(values, n=100)[place] * 1e6 for values in (ours, theirs))
                yield Row(f"event loop late while {AT_ONCE} connect, {name}", "without pins", *found)
        yield Row("sending 1 kB after the handshake", "without pins", *_sending(cast, pinner), 1.1)


def _one_by_one(pinned: ssl.SSLContext, plain: ssl.SSLContext, port: int) -> tuple[list[float], list[float]]:
    """Seconds of connections with and without pins, one of each in turn."""
    spent: tuple[list[float], list[float]] = ([], [])
    for _ in range(CONNECTIONS):
        for context, values in zip((pinned, plain), spent, strict=True):
            started = time.perf_counter()
            with (
                socket.create_connection(("127.0.0.1", port)) as tcp,
                context.wrap_socket(tcp, server_hostname="localhost") as tls,
            ):
                tls.sendall(b"!")
                values.append(time.perf_counter() - started)
    return spent


def _in_a_loop(pinned: ssl.SSLContext, plain: ssl.SSLContext, port: int) -> tuple[list[float], list[float]]:
    """How late a task comes that wakes up every millisecond, in seconds."""
    spent: tuple[list[float], list[float]] = ([], [])

    async def connect(context: ssl.SSLContext) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
        writer.write(b"!")
        await writer.drain()
        writer.close()

    async def watch(values: list[float]) -> None:
        while True:
            due = time.perf_counter() + 0.001
            await asyncio.sleep(0.001)
            values.append(max(0.0, time.perf_counter() - due))

    async def measure() -> None:
        for _ in range(TIMES):
            for context, values in zip((pinned, plain), spent, strict=True):
                watching = asyncio.create_task(watch(values))
                await asyncio.gather(*(connect(context) for _ in range(AT_ONCE)))
                watching.cancel()

    asyncio.run(measure())
    return spent


def _sending(cast: Cast, pinner: livepin.Pinner) -> tuple[float, float]:
    """Microseconds of one write into memory: no network, so that nothing else is measured."""
    data = bytes(1000)
    works = []
    for context in (pinner.ssl_context(cadata=cast.authority.root_pem), cast.authority.client_context()):
        client, outgoing = _shaken(context, cast)
        works.append(lambda client=client, outgoing=outgoing: (client.write(data), outgoing.read()))
    return side_by_side(*works)


def _shaken(context: ssl.SSLContext, cast: Cast) -> tuple[ssl.SSLObject, ssl.MemoryBIO]:
    """A client that has shaken hands in memory, and where its bytes come out."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cast.genuine.load_into(server_context)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(down, up, server_hostname="localhost")
    server = server_context.wrap_bio(up, down, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return client, up
