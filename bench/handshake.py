"""The check's share of a TLS 1.3 handshake, measured inside real handshakes, where the caches are cold."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import livepin
from bench.judging import _pinner
from bench.ratio import Row, median
from livepin.client.context import pinned_context
from livepin.testing import Cast, Origin

HANDSHAKES = 300


def rows() -> Iterator[Row]:
    """Share of remembered and of first judgements."""
    cast = Cast()
    with Origin() as origin:
        for position in ("leaf", "ca"):
            with _pinner(cast, origin, position) as pinner:
                what = "leaf pin" if position == "leaf" else "pin on an authority"
                target = 0.01 if position == "leaf" else None
                yield Row(f"check, {what}, remembered", "TLS 1.3 handshake", *_share(cast, pinner, cold=False), target)
                target = 0.02 if position == "leaf" else None
                yield Row(f"check, {what}, first time", "TLS 1.3 handshake", *_share(cast, pinner, cold=True), target)


def _share(cast: Cast, pinner: livepin.Pinner, *, cold: bool) -> tuple[float, float]:
    """Microseconds of the check, and of the whole handshake, both sides of it."""
    spent: list[float] = []

    def check(peer: Any) -> None:
        if cold:
            snapshot = pinner._keeper.snapshot
            assert snapshot.revision is not None
            pinner._keeper.snapshot = snapshot.with_revision(snapshot.revision, seeded=False)
        started = time.perf_counter()
        pinner.check(peer)
        spent.append(time.perf_counter() - started)

    client = pinned_context(check, cadata=cast.authority.root_pem)
    with _server(cast) as port:
        whole = [_handshake(client, port) for _ in range(HANDSHAKES)]
    return median(spent) * 1e6, median(whole) * 1e6


@contextmanager
def _server(cast: Cast) -> Iterator[int]:
    with tempfile.TemporaryDirectory() as folder:
        files = cast.genuine.write(Path(folder))
        command = [sys.executable, "-m", "bench.server", str(files.chain), str(files.key)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                yield int(process.stdout.readline())
            finally:
                process.kill()


def _handshake(client: ssl.SSLContext, port: int) -> float:
    """Seconds from the first byte of the handshake to the last, over loopback TCP."""
    with socket.create_connection(("127.0.0.1", port)) as tcp:
        started = time.perf_counter()
        with client.wrap_socket(tcp, server_hostname="localhost"):
            return time.perf_counter() - started
