"""The check's share of a TLS 1.3 handshake, measured inside real handshakes, where the caches are cold."""

from __future__ import annotations

import hashlib
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from urllib3.util.ssl_ import assert_fingerprint

import livepin
from bench.judging import _pinner
from bench.ratio import Row, median
from livepin.client.context import pinned_context
from livepin.client.peer import OpenPeer
from livepin.testing import Cast, Origin

HANDSHAKES = 300


def rows() -> Iterator[Row]:
    """Share of remembered and of first judgements, and of one fingerprint comparison at the same moment."""
    cast = Cast()
    fingerprint = hashlib.sha256(cast.genuine.der).hexdigest()
    theirs = _share(cast, lambda peer: assert_fingerprint(peer.leaf, fingerprint))
    yield Row("urllib3 assert_fingerprint", "TLS 1.3 handshake", *theirs)
    with Origin() as origin:
        for position, what in (("leaf", "leaf pin"), ("ca", "pin on an authority")):
            with _pinner(cast, origin, position) as pinner:
                is_leaf = position == "leaf"
                share = _share(cast, pinner.check)
                yield Row(f"check, {what}, remembered", "TLS 1.3 handshake", *share, 0.01 if is_leaf else None)
                share = _share(cast, pinner.check, lambda p=pinner: _forget(p))  # type: ignore[misc]
                yield Row(f"check, {what}, first time", "TLS 1.3 handshake", *share, 0.02 if is_leaf else None)


def _forget(pinner: livepin.Pinner) -> None:
    snapshot = pinner._keeper.snapshot
    assert snapshot.revision is not None
    pinner._keeper.snapshot = snapshot.with_revision(snapshot.revision, seeded=False)


def _share(
    cast: Cast, work: Callable[[OpenPeer], object], before: Callable[[], None] = lambda: None
) -> tuple[float, float]:
    """Microseconds of `work` inside handshakes, and of whole handshakes. `before` is not counted."""
    spent: list[float] = []

    def check(peer: OpenPeer) -> None:
        before()
        started = time.perf_counter()
        work(peer)
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
