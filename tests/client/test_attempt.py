"""An application walks away from an attempt that takes too long, and loses nothing by it."""

from __future__ import annotations

import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from livepin.client.attempt import MAX_LIVING, Answer, Attempt, Bounds, Fetched
from livepin.client.fetch import HttpFetcher
from livepin.errors import DocumentRefused, FetchFailed
from tests.client.faulty import Talk, faulty

URL = "https://cdn.example.com/pins.jws"
SLACK = 6.0


@pytest.fixture
def hanging_resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A C library whose name resolution never comes back (until the test ends)."""
    comes_back = threading.Event()

    def hang(*arguments: object, **named: object) -> object:
        comes_back.wait(30)
        raise socket.gaierror("after all")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    yield comes_back
    comes_back.set()


def fetching_threads() -> int:
    return sum(thread.name == "livepin-fetch" for thread in threading.enumerate())


def wait_until_none_is_left() -> None:
    until = time.monotonic() + 10
    while fetching_threads():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_resolver_that_hangs_costs_the_deadline_and_no_more(hanging_resolver: threading.Event) -> None:
    started = time.monotonic()
    with pytest.raises(FetchFailed, match="resolving the name") as caught:
        HttpFetcher().fetch(URL, etag=None, deadline=1.0)
    assert caught.value.code == "source_timeout"
    assert 1.0 <= time.monotonic() - started < 1.0 + SLACK
    hanging_resolver.set()
    wait_until_none_is_left()


def test_a_resolver_that_never_comes_back_does_not_fill_the_process_with_threads(
    hanging_resolver: threading.Event,
) -> None:
    attempts = [HttpFetcher().start(URL, etag=None, deadline=30) for _ in range(MAX_LIVING + 3)]
    assert fetching_threads() <= MAX_LIVING
    with pytest.raises(FetchFailed, match="still hang") as caught:
        attempts[-1].wait()
    assert caught.value.code == "source_unreachable"
    hanging_resolver.set()
    wait_until_none_is_left()
    with faulty(lambda talk: None) as source, pytest.raises(FetchFailed) as later:
        HttpFetcher().fetch(source.url, etag=None, deadline=5)
    assert "still hang" not in later.value.message


def test_an_attempt_that_was_cut_while_the_resolver_hung_asks_nobody_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolve, comes_back = socket.getaddrinfo, threading.Event()

    def slow(*arguments: Any, **named: Any) -> Any:
        comes_back.wait(30)
        return resolve(*arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    with faulty(lambda talk: talk.answer("a.b.c")) as source:
        attempt = HttpFetcher().start(source.url, etag=None, deadline=20)
        attempt.cut()
        comes_back.set()
        wait_until_none_is_left()
        assert source.heads == []


def test_a_slow_source_is_reported_at_the_deadline_also_where_nobody_waits() -> None:
    results: queue.SimpleQueue[Attempt] = queue.SimpleQueue()

    def drip(talk: Talk) -> None:
        talk.send("HTTP/1.1 200 OK\r\n\r\n")
        talk.drip(b"x" * 1000)

    for conversation in (drip, Talk.hang):
        with faulty(conversation) as source:
            HttpFetcher().start(source.url, etag=None, deadline=0.3, on_done=results.put)
            outcome = results.get(timeout=0.3 + SLACK).outcome
        assert isinstance(outcome, FetchFailed)
        assert outcome.code == "source_timeout"


def test_several_sources_report_to_one_queue_and_the_slow_one_is_cut() -> None:
    results: queue.SimpleQueue[Attempt] = queue.SimpleQueue()
    fetcher = HttpFetcher()
    with faulty(lambda talk: talk.hang()) as slow, faulty(lambda talk: talk.answer("a.b.c")) as quick:
        attempts = [fetcher.start(source.url, etag=None, deadline=20, on_done=results.put) for source in (slow, quick)]
        first = results.get(timeout=30)
        assert first is attempts[1]
        assert isinstance(first.outcome, Fetched)
        started = time.monotonic()
        attempts[0].cut()
        second = results.get(timeout=30)
        assert second is attempts[0]
        assert isinstance(second.outcome, FetchFailed)
        assert (second.outcome.code, "given up" in second.outcome.message) == ("source_timeout", True)
        wait_until_none_is_left()  # the cut woke the thread: it does not wait for its own deadline
        assert time.monotonic() - started < SLACK
    assert results.empty()


def test_an_outcome_is_settled_once_whoever_comes_later() -> None:
    told: list[Attempt] = []
    go_on = threading.Event()

    def work(bounds: Bounds) -> Fetched:
        go_on.wait(10)
        return Fetched(Answer.DOCUMENT, URL, "a.b.c")

    attempt = Attempt(URL, work, deadline=20, on_done=told.append)
    assert attempt.outcome is None
    attempt.cut()
    attempt.cut()
    go_on.set()
    wait_until_none_is_left()
    assert told == [attempt]
    for _ in range(2):
        with pytest.raises(FetchFailed, match="given up"):
            attempt.wait()


def test_an_attempt_that_has_ended_is_not_changed_by_a_cut() -> None:
    attempt = Attempt(URL, lambda bounds: Fetched(Answer.DOCUMENT, URL, "a.b.c"), deadline=20)
    assert attempt.wait().body == "a.b.c"
    attempt.cut()
    assert attempt.wait().body == "a.b.c"


def test_a_fault_of_ours_ends_the_attempt_like_any_other_failure() -> None:
    def work(bounds: Bounds) -> Fetched:
        raise ZeroDivisionError

    with pytest.raises(FetchFailed, match="ZeroDivisionError") as caught:
        Attempt(URL, work, deadline=20).wait()
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_an_error_of_livepins_own_arrives_as_it_was_raised() -> None:
    refused = DocumentRefused("malformed", "V1", "not a JWS")

    def work(bounds: Bounds) -> Fetched:
        raise refused

    with pytest.raises(DocumentRefused) as caught:
        Attempt(URL, work, deadline=20).wait()
    assert caught.value is refused


def test_a_connection_that_is_cut_is_closed_and_never_taken_for_a_complete_answer() -> None:
    results: queue.SimpleQueue[Attempt] = queue.SimpleQueue()
    ended = threading.Event()

    def endless(talk: Talk) -> None:
        talk.send("HTTP/1.1 200 OK\r\n\r\nhalf of a docu")
        assert talk.connection.recv(1) == b""
        ended.set()

    with faulty(endless) as source:
        attempt = HttpFetcher().start(source.url, etag=None, deadline=20, on_done=results.put)
        while attempt.bounds.phase != "reading the answer":
            time.sleep(0.01)
        attempt.cut()
        assert isinstance(results.get(timeout=30).outcome, FetchFailed)
        assert ended.wait(30)
        wait_until_none_is_left()


def test_an_attempt_at_interpreter_exit_fails_and_does_not_hang() -> None:
    script = (
        "import atexit\n"
        "from livepin.client.fetch import HttpFetcher\n"
        "from livepin.errors import FetchFailed\n"
        "def last():\n"
        "    try: HttpFetcher().fetch('http://127.0.0.1:1/x', etag=None, deadline=2)\n"
        "    except FetchFailed as error: print(error.code)\n"
        "atexit.register(last)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=20)
    assert (ran.returncode, ran.stdout.strip(), ran.stderr) == (0, "source_unreachable", "")


def test_a_process_exits_while_an_attempt_hangs() -> None:
    with faulty(lambda talk: talk.hang()) as source:
        script = (
            "import sys, time\n"
            "from livepin.client.fetch import HttpFetcher\n"
            "attempt = HttpFetcher().start(sys.argv[1], etag=None, deadline=60)\n"
            "while attempt.bounds.phase != 'waiting for the answer': time.sleep(0.01)\n"
        )
        started = time.monotonic()
        ran = subprocess.run([sys.executable, "-c", script, source.url], capture_output=True, text=True, timeout=30)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert time.monotonic() - started < 10


def test_what_an_attempt_shows_of_itself_holds_no_secret() -> None:
    attempt = Attempt(URL + "?token=hunter2", lambda bounds: Fetched(Answer.DOCUMENT, URL), deadline=5)
    attempt.wait()
    assert "cdn.example.com" in repr(attempt)
