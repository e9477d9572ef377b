"""A fault is over: how long it takes until an application knows better, and whom it asks."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Callable, Iterator

import pytest

import livepin
from livepin.client.round import GRACE
from livepin.testing import Cast, HandTurnedClock, Origin, TlsServer, conversations, policy
from livepin.testing.failures import Delay, Hang, Stale, Status
from tests.acme import Acme

MINUTES_10, DAY = 600, 86400


@pytest.fixture
def clock() -> HandTurnedClock:
    """A clock that starts now, because certificates are validated by the computer's."""
    return HandTurnedClock(time.time())


@pytest.fixture
def acme(cast: Cast, clock: HandTurnedClock) -> Iterator[Acme]:
    with Origin() as origin:
        acme = Acme(cast, origin, clock)
        acme.publish(policy("localhost", cast.genuine))
        acme.publish(policy("localhost", cast.genuine))
        yield acme
        acme.close()


@pytest.fixture
def service(cast: Cast) -> Iterator[TlsServer]:
    with TlsServer(cast.genuine, conversation=conversations.echo) as server:
        yield server


@pytest.fixture
def second() -> Iterator[Origin]:
    """A second region."""
    with Origin() as origin:
        yield origin


def connect(context: ssl.SSLContext, server: TlsServer) -> bytes:
    with (
        socket.create_connection(("localhost", server.port), 10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.sendall(b"hello")
        return connection.recv(5)


def mismatch(context: ssl.SSLContext, server: TlsServer) -> None:
    with pytest.raises(livepin.PinError):
        connect(context, server)


def wait_for_serial(pinner: livepin.Pinner, serial: int) -> None:
    deadline = time.monotonic() + 30
    while pinner.status().serial != serial:
        assert time.monotonic() < deadline, pinner.status()
        time.sleep(0.01)


def wait_for_rounds(pinner: livepin.Pinner, rounds: int) -> None:
    deadline = time.monotonic() + 30
    while pinner.status().rounds < rounds:
        assert time.monotonic() < deadline, pinner.status()
        time.sleep(0.01)


# ---------------------------------------------------------------- once a source is good again

#: What a source may serve instead of a document, for hours.
BAD: dict[str, Callable[[Acme], str]] = {
    "rolled back": lambda acme: acme.documents.rolled_back(),
    "forked": lambda acme: acme.documents.forked(),
    "foreign": lambda acme: acme.documents.wrong_audience(),
    "no document": lambda acme: "<!doctype html>",
}


@pytest.fixture(params=BAD)
def after_many_refusals(request: pytest.FixtureRequest, acme: Acme) -> livepin.Pinner:
    """The source has served something bad so often that it rests as long as it ever will."""
    pinner = acme.pinner()
    acme.serve(BAD[request.param](acme))
    for _ in range(10):
        assert pinner.refresh()
    assert (pinner.status().serial, pinner._refresher.schedule.sources[0].failures) == (2, 10)
    return pinner


def test_a_good_document_is_taken_at_the_next_refresh_however_often_bad_ones_were_refused(
    after_many_refusals: livepin.Pinner, acme: Acme, clock: HandTurnedClock
) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    clock.advance(MINUTES_10 * 1.1)
    wait_for_serial(after_many_refusals, 3)


def test_a_good_document_is_taken_at_once_at_a_mismatch_however_often_bad_ones_were_refused(
    after_many_refusals: livepin.Pinner, acme: Acme, service: TlsServer
) -> None:
    context = acme.context(after_many_refusals)
    service.use(acme.cast.backup)
    acme.publish(policy("localhost", acme.cast.backup))
    assert connect(context, service) == b"hello"


def test_a_mismatch_asks_also_the_source_that_rests(acme: Acme, second: Origin, service: TlsServer) -> None:
    """The first source failed a moment ago. Now it has the rotation, and the second has not."""
    second.put(acme.documents.pointer, acme.documents.current)
    pinner = acme.pinner(configuration_url=[acme.origin.base_url, second.base_url])
    acme.origin.fail(Status(503), times=1)
    assert pinner.refresh()
    service.use(acme.cast.backup)
    acme.publish(policy("localhost", acme.cast.backup))
    assert connect(acme.context(pinner), service) == b"hello"


def test_without_any_document_a_source_is_asked_at_least_every_minute(acme: Acme, clock: HandTurnedClock) -> None:
    """Ten minutes would be the pause of one who can wait."""
    acme.origin.fail(Status(503))
    pinner = acme.pinner(wait=1.0)
    for _ in range(10):
        assert pinner.refresh()
    acme.origin.heal()
    clock.advance(62)
    wait_for_serial(pinner, 2)


@pytest.mark.parametrize(("says", "not_yet", "due"), [(DAY, 53 * 60, 14 * 60), (1, 8.5, 3)])
def test_a_stolen_key_can_neither_silence_refreshing_nor_make_a_flood_of_it(
    acme: Acme, clock: HandTurnedClock, says: int, not_yet: float, due: float
) -> None:
    acme.publish(policy("localhost", acme.cast.genuine), refresh_after=says)
    pinner = acme.pinner()
    acme.publish(policy("localhost", acme.cast.genuine))
    clock.advance(not_yet)
    time.sleep(1.1)  # the refresher looks at the clock once a second
    assert (acme.origin.count, pinner.status().serial) == (1, 3)
    clock.advance(due)
    wait_for_serial(pinner, 4)


# ---------------------------------------------------------------- who asks while a round is under way


def test_a_rotation_published_while_an_older_answer_is_on_its_way_is_found_all_the_same(
    acme: Acme, service: TlsServer
) -> None:
    """The round under way has asked too early. The mismatch is answered by one that began after it."""
    pinner = acme.pinner()
    context = acme.context(pinner)
    acme.origin.forget()
    acme.origin.fail(Delay(0.5), times=1)
    assert not pinner.refresh(0.0)
    acme.origin.wait_for_requests(1)
    service.use(acme.cast.backup)
    acme.publish(policy("localhost", acme.cast.backup))
    assert connect(context, service) == b"hello"
    assert acme.origin.count == 2


def test_a_refresh_asked_for_during_another_one_is_not_lost(acme: Acme) -> None:
    pinner = acme.pinner()
    acme.origin.forget()
    acme.origin.fail(Delay(0.5), times=1)
    assert not pinner.refresh(0.0)
    acme.origin.wait_for_requests(1)
    acme.publish(policy("localhost", acme.cast.genuine))
    assert pinner.refresh(5.0)
    assert (pinner.status().serial, acme.origin.count) == (3, 2)


def test_many_mismatches_during_one_round_ask_for_one_more_and_no_flood(acme: Acme, service: TlsServer) -> None:
    pinner = acme.pinner()
    context = acme.context(pinner)
    service.use(acme.cast.evil)
    acme.origin.forget()
    acme.origin.fail(Delay(0.5), times=1)
    assert not pinner.refresh(0.0)
    acme.origin.wait_for_requests(1)
    threads = [threading.Thread(target=mismatch, args=(context, service)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert acme.origin.count == 2


# ---------------------------------------------------------------- whom one may believe


def test_a_mismatch_asks_without_etag_because_a_304_proves_nothing(acme: Acme, service: TlsServer) -> None:
    """Some servers make ETags of time and size: two documents within a second may share one."""
    pinner = acme.pinner()
    acme.origin.forget()
    service.use(acme.cast.evil)
    mismatch(acme.context(pinner), service)
    assert [request.header("If-None-Match") for request in acme.origin.requests] == [None]


def test_when_the_document_is_out_of_date_every_region_is_asked_and_none_may_answer_304(
    acme: Acme, second: Origin, clock: HandTurnedClock
) -> None:
    """The cache of the first region is stuck; only the second has what was signed since."""
    second.put(acme.documents.pointer, acme.documents.current)
    pinner = acme.pinner(configuration_url=[acme.origin.base_url, second.base_url])
    acme.origin.fail(Stale())
    clock.advance(31 * DAY)
    wait_for_rounds(pinner, 2)
    assert pinner.status().expired
    # Forgotten first: a round of the background may be the one that finds the new document. The first region must have
    # been asked before the second ends the round.
    acme.origin.forget()
    second.fail(Delay(0.5))
    second.put(acme.documents.pointer, acme.documents.next())
    pinner.refresh()
    assert (pinner.status().serial, pinner.status().expired) == (3, False)
    assert acme.origin.requests[0].header("If-None-Match") is None


def test_an_expired_document_that_stays_the_only_one_is_not_asked_for_every_ten_seconds(
    acme: Acme, clock: HandTurnedClock
) -> None:
    pinner = acme.pinner()
    acme.origin.fail(Stale())
    clock.advance(31 * DAY)
    wait_for_rounds(pinner, 2)
    acme.origin.forget()
    clock.advance(60)
    time.sleep(1.1)
    assert acme.origin.count == 0


def test_an_etag_of_another_epoch_is_not_used_though_the_payload_is_the_same(acme: Acme, second: Origin) -> None:
    """Nothing but the key set has changed, so payload and digest are the same; the file at the first region is not."""
    second.put(acme.documents.pointer, acme.documents.current)
    pinner = acme.pinner(configuration_url=[acme.origin.base_url, second.base_url])
    status = pinner.status()
    acme.documents.new_epoch()
    same = acme.documents.next(serial=2, issued_at=status.issued_at, expires_at=status.expires_at)
    second.put(acme.documents.pointer, same)
    acme.origin.fail(Status(503), times=1)
    assert pinner.refresh()
    assert (pinner.status().epoch, pinner.status().digest) == (1, status.digest)
    pinner._refresher.schedule.sources[0].not_before = 0.0
    acme.origin.forget()
    assert pinner.refresh()
    assert acme.origin.requests[0].header("If-None-Match") is None


def test_a_document_counts_as_withdrawn_when_every_source_says_so(acme: Acme, second: Origin) -> None:
    second.put(acme.documents.pointer, acme.documents.current)
    pinner = acme.pinner(configuration_url=[acme.origin.base_url, second.base_url])
    acme.origin.fail(Status(404))
    pinner.refresh()
    assert acme.told("withdrawn") == []
    (event,) = acme.told("source_down")
    assert event.detail["code"] == "withdrawn"
    second.fail(Status(410))
    pinner.refresh()
    assert len(acme.told("withdrawn")) == 1
    assert pinner.status().serial == 2


# ---------------------------------------------------------------- slow sources


def test_a_source_that_is_always_overtaken_is_told_of_and_rests(acme: Acme, second: Origin) -> None:
    second.put(acme.documents.pointer, acme.documents.current)
    pinner = acme.pinner(configuration_url=[acme.origin.base_url, second.base_url])
    acme.origin.fail(Hang())
    pinner.refresh()
    assert [event.detail["code"] for event in acme.told("source_down")] == ["source_timeout"]
    acme.origin.forget()
    pinner.refresh()
    assert acme.origin.count == 0, "it is not asked first any more"


def test_a_first_start_does_not_wait_long_for_a_region_that_hangs(acme: Acme, second: Origin) -> None:
    second.fail(Hang())

    async def start() -> tuple[bool, float]:
        began = time.monotonic()
        pinner = acme.pinner(configuration_url=[acme.origin.base_url, second.base_url])
        return await pinner.ready(), time.monotonic() - began

    ready, took = asyncio.run(start())
    assert ready
    assert GRACE - 0.5 < took < 4, "it waits for the others a little, because the highest document wins"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_worker_is_ready_at_once_where_its_parent_was(acme: Acme) -> None:
    pinner = acme.pinner()
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns of forks beside threads: that is the test
        child = os.fork()
    if child == 0:
        try:
            began = time.monotonic()
            ready = asyncio.run(pinner.ready(8.0))
            os.write(writing, f"{ready} {time.monotonic() - began < 2}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(child, 0)
    assert said == "True True"
