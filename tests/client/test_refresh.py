"""Documents reach a running application: on time, at a mismatch, from several sources, and never a worse one."""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import livepin
from livepin import Pinner
from livepin.client import refresh
from livepin.client import round as rounds
from livepin.client.attempt import Attempt, Bounds, Fetched
from livepin.client.fetch import MAX_BYTES, HttpFetcher
from livepin.testing import Cast, HandTurnedClock, Origin, TlsServer, conversations, policy
from livepin.testing.failures import CaptivePortal, Delay, Failure, Hang, Reset, Status
from tests.acme import Acme


@pytest.fixture
def acme(cast: Cast, clock: HandTurnedClock) -> Iterator[Acme]:
    with Origin() as origin:
        acme = Acme(cast, origin, clock)
        acme.publish(policy("localhost", cast.genuine))
        yield acme
        acme.close()


@pytest.fixture
def service(cast: Cast) -> Iterator[TlsServer]:
    """The genuine service, with its first certificate."""
    with TlsServer(cast.genuine, conversation=conversations.echo) as server:
        yield server


@pytest.fixture
def second(acme: Acme) -> Iterator[Origin]:
    """A second region, which serves the first document too."""
    with Origin() as origin:
        origin.put(acme.documents.pointer, acme.documents.current)
        yield origin


def connect(context: ssl.SSLContext, server: TlsServer) -> bytes:
    with (
        socket.create_connection(("localhost", server.port), 10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.sendall(b"hello")
        return connection.recv(5)


def rotate(acme: Acme, service: TlsServer) -> None:
    """The service takes a new key, and only now its pin is published."""
    new = acme.cast.authority.rekeyed(acme.cast.genuine)
    service.use(new)
    acme.publish(policy("localhost", new))


def serial(pinner: Pinner) -> int | None:
    return pinner.status().serial


def names(acme: Acme) -> list[str]:
    return [event.name for event in acme.events]


# ---------------------------------------------------------------- on time


def test_the_next_document_is_fetched_when_it_is_time(acme: Acme, clock: HandTurnedClock) -> None:
    pinner = acme.pinner()
    acme.publish(policy("localhost", acme.cast.backup))
    clock.advance(539)
    assert (acme.origin.count, serial(pinner)) == (1, 1)
    clock.advance(122)
    acme.origin.wait_for_requests(2)
    pinner._refresher.wait_for_round(1, 5)
    assert serial(pinner) == 2


def test_what_is_known_is_asked_for_by_its_etag_and_not_sent_again(acme: Acme) -> None:
    pinner = acme.pinner()
    assert pinner.refresh()
    first, again = acme.origin.requests
    assert first.header("If-None-Match") is None
    assert again.header("If-None-Match") is not None
    assert (serial(pinner), names(acme)) == (1, ["document_accepted"])


def test_an_etag_is_sent_only_while_it_names_the_document_that_is_held(acme: Acme, second: Origin) -> None:
    """Else a region that stayed behind could answer 304 about a document that is not ours any more."""
    pinner = acme.pinner(configuration_url=[acme.origin.base_url, second.base_url])
    second.put(acme.documents.pointer, acme.documents.next())
    acme.origin.fail(Status(500), times=1)
    assert pinner.refresh()
    assert serial(pinner) == 2
    pinner._refresher.schedule.sources[0].not_before = 0.0
    acme.origin.forget()
    assert pinner.refresh()
    assert acme.origin.requests[0].header("If-None-Match") is None


def test_what_a_thief_of_the_cdn_said_about_etags_is_forgotten_within_the_hour(
    acme: Acme, clock: HandTurnedClock
) -> None:
    """He guesses the ETag that the next document will have: the honest CDN answers 304 to it, and means well."""
    pinner = acme.pinner()
    acme.origin.fail(Status(304))
    clock.advance(3599)
    assert pinner.refresh()
    assert acme.origin.requests[-1].header("If-None-Match") is not None
    clock.advance(2)
    pinner.refresh()
    assert acme.origin.requests[-1].header("If-None-Match") is None


def test_a_304_to_who_holds_nothing_proves_nothing(acme: Acme) -> None:
    acme.origin.fail(Status(304))
    pinner = acme.pinner()
    assert serial(pinner) is None
    assert pinner.status().sources == {acme.origin.url(acme.documents.pointer): "source_status"}


def test_a_fetch_names_no_installation(acme: Acme) -> None:
    acme.pinner()
    (request,) = acme.origin.requests
    assert request.query == ""
    assert {name.lower() for name, _ in request.headers} <= {
        *("host", "user-agent", "accept", "accept-encoding", "connection"),
    }


# ---------------------------------------------------------------- at a mismatch


def test_a_rotation_that_overtook_the_cache_is_invisible_in_a_thread(acme: Acme, service: TlsServer) -> None:
    context = acme.context(acme.pinner())
    assert connect(context, service) == b"hello"
    rotate(acme, service)
    assert connect(context, service) == b"hello"
    assert (acme.origin.count, acme.told("verdict_blocked")) == (2, [])


def test_inside_an_event_loop_a_mismatch_fails_at_once_and_the_refresh_goes_on_behind(
    acme: Acme, service: TlsServer
) -> None:
    pinner = acme.pinner()
    context = acme.context(pinner)
    rotate(acme, service)
    acme.origin.fail(Delay(2))

    async def talk() -> bytes:
        reader, writer = await asyncio.open_connection("localhost", service.port, ssl=context)
        writer.write(b"hello")
        reply = await reader.readexactly(5)
        writer.close()
        return reply

    async def application() -> bytes:
        began = time.monotonic()
        with pytest.raises(livepin.PinError) as caught:
            await talk()
        assert time.monotonic() - began < 1.5, "nothing waits inside an event loop"
        assert caught.value.retryable
        assert "try again" in str(caught.value)
        await asyncio.to_thread(pinner._refresher.wait_for_round, 1, 30)
        return await talk()

    assert asyncio.run(application()) == b"hello"
    service.wait_until_idle()
    assert service.application_bytes == len(b"hello")


def test_an_attack_is_refused_after_one_look_for_a_newer_document(acme: Acme, service: TlsServer) -> None:
    context = acme.context(acme.pinner())
    service.use(acme.cast.evil)
    with pytest.raises(livepin.PinError) as caught:
        connect(context, service)
    assert not caught.value.retryable
    assert acme.origin.count == 2


def test_mismatches_ask_at_most_every_thirty_seconds_then_every_sixty(
    acme: Acme, service: TlsServer, clock: HandTurnedClock
) -> None:
    context = acme.context(acme.pinner())
    service.use(acme.cast.evil)
    counts = []
    for seconds in (0, 1, 28, 1, 59, 1):
        clock.advance(seconds)
        with pytest.raises(livepin.PinError):
            connect(context, service)
        counts.append(acme.origin.count - 1)
    assert counts == [1, 1, 1, 2, 2, 3]


def test_a_slow_source_keeps_a_mismatch_waiting_for_two_seconds_at_most(acme: Acme, service: TlsServer) -> None:
    context = acme.context(acme.pinner())
    service.use(acme.cast.evil)
    acme.origin.fail(Hang())
    began = time.monotonic()
    with pytest.raises(livepin.PinError):
        connect(context, service)
    assert 1.9 < time.monotonic() - began < 6


def test_many_connections_that_mismatch_at_once_share_one_fetch(acme: Acme, service: TlsServer) -> None:
    context = acme.context(acme.pinner())
    rotate(acme, service)
    acme.origin.fail(Delay(0.2))
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: connect(context, service), range(8)))
    assert replies == [b"hello"] * 8
    assert acme.origin.count == 2


def test_a_mismatch_asks_all_regions_because_one_may_have_stayed_behind(
    acme: Acme, service: TlsServer, second: Origin
) -> None:
    """A cache that is stuck answers honestly, with a document that is held already."""
    context = acme.context(acme.pinner(configuration_url=[acme.origin.base_url, second.base_url]))
    new = acme.cast.authority.rekeyed(acme.cast.genuine)
    service.use(new)
    second.put(acme.documents.pointer, acme.documents.next([policy("localhost", new)]))
    assert connect(context, service) == b"hello"


def test_a_mismatch_goes_on_as_soon_as_one_region_has_news_though_another_hangs(
    acme: Acme, service: TlsServer, second: Origin
) -> None:
    context = acme.context(acme.pinner(configuration_url=[acme.origin.base_url, second.base_url]))
    new = acme.cast.authority.rekeyed(acme.cast.genuine)
    service.use(new)
    second.put(acme.documents.pointer, acme.documents.next([policy("localhost", new)]))
    acme.origin.fail(Hang())
    began = time.monotonic()
    assert connect(context, service) == b"hello"
    assert time.monotonic() - began < 1.9, "two seconds are what a mismatch waits where nothing new comes"


def test_a_pinner_that_is_closed_in_the_middle_of_a_round_ends_it_and_says_nothing_of_its_sources(
    acme: Acme, clock: HandTurnedClock
) -> None:
    before = set(threading.enumerate())
    pinner = acme.pinner()
    acme.origin.fail(Hang())
    clock.advance(661)  # 600 s, and the tenth that is chance
    acme.origin.wait_for_requests(2, 30)
    closed = time.monotonic()
    pinner.close()
    for thread in set(threading.enumerate()) - before:
        if "livepin" in thread.name:
            thread.join(30)
    assert time.monotonic() - closed < rounds.ROUND_SECONDS / 2, "it was not waited for until its time was up"
    assert not acme.told("source_down")


def test_a_closed_pinner_goes_on_judging_but_promises_no_refresh(acme: Acme, service: TlsServer) -> None:
    pinner = acme.pinner()
    context = acme.context(pinner)
    pinner.close()
    service.use(acme.cast.evil)

    async def talk() -> None:
        await asyncio.open_connection("localhost", service.port, ssl=context)

    with pytest.raises(livepin.PinError) as caught:
        asyncio.run(talk())
    assert not caught.value.retryable
    assert acme.origin.count == 1


# ---------------------------------------------------------------- sources that fail


FAULTS: dict[str, tuple[Failure, str, str]] = {
    "down": (Reset(), "source_down", "source_unreachable"),
    "failing": (Status(503), "source_down", "source_status"),
    "gone": (Status(404), "withdrawn", "withdrawn"),
    "captive portal": (CaptivePortal(), "document_refused", "malformed"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_held_document_survives_a_source_that_fails_and_recovers(
    acme: Acme, clock: HandTurnedClock, fault: str
) -> None:
    failure, event, code = FAULTS[fault]
    pinner = acme.pinner()
    acme.origin.fail(failure)
    pinner.refresh()
    assert (serial(pinner), list(pinner.status().sources.values())) == (1, [code])
    acme.origin.heal()
    clock.advance(60)
    pinner.refresh()
    assert names(acme) == ["document_accepted", event, "source_up"]
    assert list(pinner.status().sources.values()) == ["ok"]


@pytest.mark.parametrize("fault", FAULTS)
def test_the_next_source_is_asked_when_the_first_fails(acme: Acme, second: Origin, fault: str) -> None:
    failure, _, code = FAULTS[fault]
    pinner = acme.pinner(configuration_url=[acme.origin.base_url, second.base_url])
    second.put(acme.documents.pointer, acme.documents.next())
    acme.origin.fail(failure)
    assert pinner.refresh()
    assert serial(pinner) == 2
    assert [event.detail["url"] for event in acme.events if event.detail.get("code") == code] == [
        acme.origin.url(acme.documents.pointer)
    ]


REFUSED: dict[str, Callable[[Acme], str]] = {
    "V8 rolled_back": lambda acme: acme.documents.rolled_back(),
    "V8 forked": lambda acme: acme.documents.forked(),
    "V6 wrong_audience": lambda acme: acme.documents.wrong_audience(),
    "V3 unknown_key": lambda acme: acme.documents.by_unknown_key(),
    "V7 expired": lambda acme: acme.documents.expired(),
}


@pytest.mark.parametrize("refusal", REFUSED)
def test_a_source_that_serves_an_old_or_foreign_document_is_passed_over(
    acme: Acme, second: Origin, refusal: str
) -> None:
    second.put(acme.documents.pointer, acme.publish(policy("localhost", acme.cast.genuine)))
    pinner = acme.pinner(configuration_url=[acme.origin.base_url, second.base_url])
    acme.serve(REFUSED[refusal](acme))
    second.put(acme.documents.pointer, acme.documents.next())
    assert pinner.refresh()
    assert serial(pinner) == 3
    (event,) = acme.told("document_refused")
    assert f"{event.detail['step']} {event.detail['code']}" == refusal
    assert event.detail["url"] == acme.origin.url(acme.documents.pointer)


def test_a_slow_source_is_not_waited_for_while_another_answers(acme: Acme, second: Origin) -> None:
    pinner = acme.pinner(configuration_url=[acme.origin.base_url, second.base_url])
    second.put(acme.documents.pointer, acme.documents.next())
    acme.origin.fail(Hang())
    began = time.monotonic()
    assert pinner.refresh()
    assert 0.9 < time.monotonic() - began < 4
    assert serial(pinner) == 2


@pytest.mark.parametrize("newest", [0, 1], ids=["first", "second"])
def test_at_a_first_start_all_sources_are_asked_and_the_highest_document_wins(
    acme: Acme, second: Origin, newest: int
) -> None:
    old = acme.documents.current
    regions = [acme.origin, second]
    regions[newest].put(acme.documents.pointer, acme.documents.next())
    regions[1 - newest].put(acme.documents.pointer, old)
    pinner = acme.pinner(configuration_url=[origin.base_url for origin in regions])
    assert serial(pinner) == 2


def test_at_a_first_start_a_source_that_hangs_does_not_delay_set_up_beyond_its_wait(acme: Acme, second: Origin) -> None:
    acme.origin.fail(Hang())
    began = time.monotonic()
    pinner = acme.pinner(configuration_url=[acme.origin.base_url, second.base_url], wait=0.5)
    assert time.monotonic() - began < 2.8
    assert serial(pinner) == 1


def test_a_fetcher_with_a_bug_does_not_end_refreshing(acme: Acme, clock: HandTurnedClock) -> None:
    class Buggy(HttpFetcher):
        broken = True

        def start(
            self,
            url: str,
            *,
            etag: str | None,
            deadline: float,
            max_bytes: int = MAX_BYTES,
            on_done: Callable[[Attempt], object] | None = None,
        ) -> Attempt:
            if self.broken:
                raise RuntimeError("a bug")
            return super().start(url, etag=etag, deadline=deadline, max_bytes=max_bytes, on_done=on_done)

    fetcher = Buggy()
    pinner = Pinner(clock=clock, fetcher=fetcher, **acme.embedded())
    with pinner:
        assert names(acme) == ["refresh_failed"]
        fetcher.broken = False
        assert pinner.refresh()
        assert serial(pinner) == 1


def test_a_refresher_that_could_not_be_started_is_told_of_and_begins_with_the_next_connection(
    acme: Acme, service: TlsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_more(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as exhausted:
        exhausted.setattr(threading.Thread, "start", no_more)
        pinner = acme.pinner(seed=acme.documents.current, wait=0)
    assert names(acme) == ["refresh_failed"]
    acme.publish(policy("localhost", acme.cast.genuine))
    assert connect(acme.context(pinner), service) == b"hello"
    assert pinner._refresher.wait_for_round(0, 30)
    assert serial(pinner) == 2


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_refresher_that_died_is_replaced_with_the_next_connection(acme: Acme, service: TlsServer) -> None:
    """As for want of memory. Here it is ended from outside."""
    pinner = acme.pinner()
    (thread,) = pinner._refresher.threads
    assert thread.ident is not None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))
    thread.join(30)
    assert not thread.is_alive()
    assert connect(acme.context(pinner), service) == b"hello"
    (another,) = pinner._refresher.threads
    assert another.is_alive()


def test_what_cannot_be_imported_in_advance_does_not_end_refreshing(
    acme: Acme, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process without a descriptor left can import nothing."""
    monkeypatch.setattr(refresh, "_LAZY", ("livepin.no_such_module",))
    assert serial(acme.pinner()) == 1


def test_a_source_whose_attempt_never_ends_is_down(
    acme: Acme, clock: HandTurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The resolver of the C library knows no time limit, and cannot be woken."""
    end = threading.Event()

    class Unresolvable(HttpFetcher):
        def start(
            self,
            url: str,
            *,
            etag: str | None,
            deadline: float,
            max_bytes: int = MAX_BYTES,
            on_done: Callable[[Attempt], object] | None = None,
        ) -> Attempt:
            def work(bounds: Bounds) -> Fetched:
                end.wait(20)
                raise OSError("too late")

            return Attempt(url, work, deadline=deadline, on_done=on_done)

    for name in ("HEDGE_AFTER", "ROUND_SECONDS"):
        monkeypatch.setattr(rounds, name, 0.2)
    with Pinner(clock=clock, fetcher=Unresolvable(), **acme.embedded()) as pinner:
        end.set()
        assert list(pinner.status().sources.values()) == ["source_timeout"]
        assert acme.told("source_down")[0].detail["code"] == "source_timeout"


def test_a_refusal_without_any_document_names_each_url_its_cause_and_what_to_do(
    acme: Acme, second: Origin, service: TlsServer
) -> None:
    acme.origin.fail(Status(503))
    second.put(acme.documents.pointer, acme.documents.by_unknown_key())
    context = acme.context(acme.pinner(configuration_url=[acme.origin.base_url, second.base_url]))
    with pytest.raises(livepin.PinError) as caught:
        connect(context, service)
    text = str(caught.value)
    assert caught.value.code == "no_document"
    for part in (acme.origin.base_url, "503", second.base_url, "unknown_key", "Check the configuration URL"):
        assert part in text


def test_a_secret_in_the_query_of_a_url_is_told_to_nobody(acme: Acme, service: TlsServer) -> None:
    """Some CDNs want a signed URL. It is sent, and appears in no event, status or error."""
    url = acme.origin.url(acme.documents.pointer) + "?signature=t0ps3cret"
    pinner = acme.pinner(configuration_url=url)
    acme.origin.fail(Status(503))
    pinner.refresh()
    nothing = acme.pinner(configuration_url=url)
    with pytest.raises(livepin.PinError) as caught:
        connect(acme.context(nothing), service)
    assert "t0ps3cret" in acme.origin.requests[0].target
    told = [repr(acme.events), repr(pinner.status()), repr(nothing.status()), repr(caught.value), str(caught.value)]
    assert [text for text in told if "t0ps3cret" in text] == []


# ---------------------------------------------------------------- after a fork


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_worker_judges_and_refreshes_by_itself(acme: Acme, service: TlsServer) -> None:
    """As gunicorn does with `--preload`: set up once, then fork."""
    pinner = acme.pinner()
    context = acme.context(pinner)
    rotate(acme, service)

    def work() -> str:
        return f"{connect(context, service).decode()} {serial(pinner)}"

    assert in_a_fork(work) == "hello 2"
    assert serial(pinner) == 1, "the parent has its own"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_worker_forked_while_locks_are_held_does_not_hang(acme: Acme, service: TlsServer) -> None:
    pinner = acme.pinner()
    context = acme.context(pinner)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with pinner._refresher._wake, pinner._keeper._lock, pinner._events._lock:
            held.set()
            done.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(30)
    service.use(acme.cast.evil)

    def work() -> str:
        try:
            connect(context, service)
        except livepin.PinError as error:
            return error.code
        return "sent"

    try:
        assert in_a_fork(work) == "pin_mismatch"
    finally:
        done.set()
        holder.join(10)


def in_a_fork(work: Callable[[], Any]) -> str:
    """Run `work` in a forked child and return what it says; `hung` after ten seconds."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns of forks beside threads: that is the test
        child = os.fork()
    if child == 0:
        try:
            os.write(writing, str(work()).encode())
        except BaseException as error:
            os.write(writing, repr(error).encode())
        finally:
            os._exit(0)
    os.close(writing)
    watchdog = threading.Timer(10, os.kill, (child, 9))
    watchdog.start()
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(child, 0)
    watchdog.cancel()
    return said or "hung"
