"""What pinning costs a process that lives long and connects much: no memory, and never a verdict by the wrong document.

Real here: TLS handshakes between two ends in memory, documents that are signed, served, fetched and verified, threads.
Not real: the network; and of the many connections of a test each tenth has a handshake of its own, the others are
judged anew on one that stands.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import livepin
from livepin.client.peer import TlsPeer
from livepin.testing import ServerCertificate, policy
from tests.acme import Acme
from tests.cost.pair import Pair, server_context

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_million_verdicts_leave_memory_as_it_was() -> None:
    """In a process of its own. Every host is met once, each tenth is refused, each hundredth is not listed."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.cost.million", "1000000"], cwd=ROOT, capture_output=True, text=True, timeout=550
    )
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads(done.stdout)
    assert report["verdicts"] == {
        "allowed": {"matched": 900_000, "unlisted": 10_000},
        "blocked": {"pin_mismatch": 90_000},
    }
    # Between the first fifth and the end are 800,000 verdicts: what keeps a thing for each would keep that many blocks.
    assert report["blocks"] < 5_000, report
    assert report["bytes"] < 4 * 1024 * 1024, report


# ---------------------------------------------------------------- flipping documents


THREADS, CONNECTIONS, REAL = 16, 10_000, 10


@dataclass
class Traffic:
    """What sixteen threads saw."""

    pinner: livepin.Pinner
    wrong: list[str] = field(default_factory=list)
    certain: int = 0
    allowed: int = 0
    blocked: int = 0
    handshakes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def serial(self) -> int:
        revision = self.pinner._keeper.snapshot.revision
        assert revision is not None
        return revision.serial


def fits(key: int, serial: int) -> bool:
    """Odd documents pin the first key, even ones the second."""
    return serial % 2 == 1 - key


def connect(traffic: Traffic, pairs: tuple[Pair, ...], keys: list[ServerCertificate], number: int) -> None:
    """One connection, and whether its verdict is right under the document that was in force all the while."""
    key, pair = number % 2, pairs[number % 2]
    context = pair.client.context
    real = number % REAL == 0
    before = traffic.serial()
    try:
        if real:
            pair = Pair(context, pair.server.context)
            pair.shake()
            pair.client.write(b"secret")
        else:
            traffic.pinner.check(TlsPeer(pair.client._sslobj, context, "localhost", True))  # type: ignore[attr-defined]
        serial = None
    except livepin.PinError as error:
        serial = error.verdict.serial
    after = traffic.serial()
    with traffic.lock:
        traffic.handshakes += real
        traffic.allowed += serial is None
        traffic.blocked += serial is not None
        if serial is not None and fits(key, serial):
            traffic.wrong.append(f"key {key} was refused by document {serial}")
        if before == after:
            traffic.certain += 1
            if fits(key, before) != (serial is None):
                traffic.wrong.append(f"key {key} under document {before}: {serial or 'allowed'}")
        if real and serial is not None and pair.told():
            traffic.wrong.append("a refused server was told something")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_sixteen_threads_never_get_a_verdict_by_another_document_than_the_one_in_force(
    acme: Acme, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "livepin")  # tens of thousands of refusals
    keys = [acme.cast.genuine, acme.cast.backup]
    acme.publish(policy("localhost", keys[0]))
    pinner = acme.pinner(on_denied="keep")
    traffic = Traffic(pinner)
    standing = tuple(Pair(acme.cast.authority.client_context(), server_context(key)) for key in keys)
    for pair in standing:
        pair.shake()  # before anything is pinned
    context = acme.context(pinner)
    pairs = tuple(standing)
    for pair in pairs:
        pair.client.context = context

    def work(first: int) -> None:
        for number in range(first, first + CONNECTIONS):
            connect(traffic, pairs, keys, number)

    threads = [threading.Thread(target=work, args=(start,)) for start in range(THREADS)]
    for thread in threads:
        thread.start()
    flips = 0
    while any(thread.is_alive() for thread in threads):
        flips += 1
        acme.publish(policy("localhost", keys[flips % 2]))
        assert pinner.refresh()
        time.sleep(0.02)
    for thread in threads:
        thread.join()
    assert traffic.wrong == []
    assert traffic.allowed + traffic.blocked == THREADS * CONNECTIONS
    assert traffic.handshakes == THREADS * CONNECTIONS // REAL
    # The test means something only if documents changed often, both answers were common, and most were certain.
    assert flips > 20
    assert min(traffic.allowed, traffic.blocked) > 10_000
    assert traffic.certain > THREADS * CONNECTIONS // 2
