"""Pins are set up and concern nobody: an operator is told, once, and never without reason."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import livepin
from livepin.client import unjudged
from livepin.testing import Cast, HandTurnedClock, Origin, TlsServer, conversations, failures, policy
from tests.acme import Acme
from tests.visits import visit


@pytest.fixture
def server(cast: Cast) -> Iterator[TlsServer]:
    with TlsServer(cast.genuine, conversation=conversations.silent) as server:
        yield server


@pytest.fixture
def ageing(cast: Cast, clock: HandTurnedClock) -> Iterator[Acme]:
    """A project whose clock is turned by hand, for a host that nobody connects to."""
    with Origin() as origin:
        acme = Acme(cast, origin, clock)
        acme.publish(policy("api.example.com", cast.genuine))
        yield acme
        acme.close()


@pytest.fixture
def plain(cast: Cast) -> ssl.SSLContext:
    """An ordinary context."""
    return cast.authority.client_context()


def told(acme: Acme) -> list[dict[str, object]]:
    return [dict(event.detail) for event in acme.told("nothing_judged")]


# ---------------------------------------------------------------- every connection goes elsewhere


def shake_hands(context: ssl.SSLContext, server: TlsServer, times: int) -> None:
    for _ in range(times):
        visit(context, server, "127.0.0.1")


def test_fifty_connections_of_which_none_is_to_a_listed_host_are_told_of_once(
    acme: Acme, server: TlsServer, plain: ssl.SSLContext, installed: None
) -> None:
    acme.publish(policy("api.exmaple.com", acme.cast.genuine))  # misspelt
    livepin.setup(**acme.embedded())
    shake_hands(plain, server, unjudged.MANY - 1)
    assert told(acme) == []
    shake_hands(plain, server, 1)
    assert told(acme) == [{"kind": "unlisted", "connections": 50}]
    shake_hands(plain, server, 60)
    assert len(told(acme)) == 1


def test_one_listed_host_among_many_others_is_enough(
    acme: Acme, server: TlsServer, plain: ssl.SSLContext, installed: None
) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    livepin.setup(**acme.embedded())
    shake_hands(plain, server, 20)
    assert visit(plain, server) == "sent"
    shake_hands(plain, server, unjudged.MANY + 5)
    assert told(acme) == []


def test_a_listed_host_that_is_refused_or_off_is_listed(
    acme: Acme, server: TlsServer, plain: ssl.SSLContext, installed: None
) -> None:
    acme.publish(policy("localhost", action="off"))
    livepin.setup(**acme.embedded())
    assert visit(plain, server) == "sent"
    shake_hands(plain, server, unjudged.MANY + 5)
    assert told(acme) == []


def test_connections_before_there_is_a_document_are_another_trouble(
    acme: Acme, server: TlsServer, plain: ssl.SSLContext, installed: None
) -> None:
    livepin.setup(**acme.embedded(hosts=["api.example.com"]))
    shake_hands(plain, server, unjudged.MANY + 5)
    assert told(acme) == []


# ---------------------------------------------------------------- connections pass the pinner by


def ten_minutes_pass(acme: Acme, pinner: livepin.Pinner, clock: HandTurnedClock) -> None:
    clock.advance(unjudged.PATIENCE + 1)
    pinner.refresh()


def test_a_pinner_whose_contexts_nobody_uses_tells_of_the_connections_that_pass_it_by(
    ageing: Acme, clock: HandTurnedClock, server: TlsServer, plain: ssl.SSLContext
) -> None:
    before = unjudged.connections_elsewhere()
    pinner = ageing.pinner()
    ageing.context(pinner)
    shake_hands(plain, server, 3)
    clock.advance(unjudged.PATIENCE - 60)
    pinner.refresh()
    assert told(ageing) == []
    ten_minutes_pass(ageing, pinner, clock)
    assert told(ageing) == [{"kind": "elsewhere", "connections": before + 3}]
    for _ in range(3):
        ten_minutes_pass(ageing, pinner, clock)
    assert len(told(ageing)) == 1


def test_a_process_that_does_nothing_is_never_warned(
    ageing: Acme, clock: HandTurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = counted(monkeypatch)
    pinner = ageing.pinner()
    for _ in range(10):
        ten_minutes_pass(ageing, pinner, clock)
    assert told(ageing) == []
    assert 1 <= len(looks) <= 4, "it looks more and more rarely"


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Notes each look around, and leaves out the contexts of other tests, which share this process."""
    before = unjudged.connections_elsewhere()
    look: Callable[[], int] = unjudged.connections_elsewhere
    looks: list[int] = []

    def since_then() -> int:
        looks.append(look() - before)
        return looks[-1]

    monkeypatch.setattr(unjudged, "connections_elsewhere", since_then)
    return looks


def test_a_pinner_that_judged_something_is_not_warned_of_others(
    ageing: Acme, clock: HandTurnedClock, server: TlsServer, plain: ssl.SSLContext
) -> None:
    pinner = ageing.pinner()
    shake_hands(plain, server, 3)
    shake_hands(ageing.context(pinner), server, 1)
    ten_minutes_pass(ageing, pinner, clock)
    assert told(ageing) == []


def test_a_pinner_for_the_whole_process_is_not_passed_by(
    ageing: Acme, clock: HandTurnedClock, server: TlsServer, plain: ssl.SSLContext, installed: None
) -> None:
    shake_hands(plain, server, 3)
    pinner = livepin.setup(**ageing.embedded(), clock=clock)  # type: ignore[call-arg]
    ten_minutes_pass(ageing, pinner, clock)
    assert told(ageing) == []


def test_fetching_the_document_is_not_a_connection_that_passes_by(
    cast: Cast, clock: HandTurnedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Origin(certificate=cast.genuine) as slow, Origin() as origin:
        acme = Acme(cast, origin, clock)
        slow.put(acme.documents.pointer, acme.publish(policy("api.example.com", cast.genuine)))
        urls = [f"https://localhost:{slow.port}/", origin.base_url]
        pinner = acme.pinner(configuration_url=urls, ca_file=cast.authority.write(tmp_path))
        looks = counted(monkeypatch)
        slow.put(acme.documents.pointer, acme.documents.next())
        slow.fail(failures.Drip())
        ten_minutes_pass(acme, pinner, clock)  # the first URL is still at it, over TLS, when the second one answers
        assert slow.count == 2
        acme.close()
    assert told(acme) == []
    assert looks
    assert set(looks) == {0}


def test_a_server_is_no_client(cast: Cast, plain: ssl.SSLContext) -> None:
    before = unjudged.connections_elsewhere()
    with TlsServer(cast.genuine) as server, socket.create_connection((server.address, server.port)) as tcp:
        plain.wrap_socket(tcp, server_hostname="localhost").close()
    assert unjudged.connections_elsewhere() == before + 1


# ---------------------------------------------------------------- libraries that do without ssl


WITH_LIBPQ = """
import json, sys
import livepin
told = []
note = lambda event: told.append(event.detail["library"]) if event.name == "not_reached" else None
pinner = livepin.setup(**json.loads(sys.argv[1]), on_event=note)
before = (list(told), pinner.status().unreached)
import psycopg
for _ in range(3):
    pinner.refresh()
print(json.dumps([*before, told, pinner.status().unreached, pinner.status().concerns]))
"""


def test_a_library_that_does_without_ssl_is_named_once_and_concerns_no_health_check(acme: Acme, cast: Cast) -> None:
    acme.publish(policy("localhost", cast.genuine))
    embedded = {name: value for name, value in acme.embedded().items() if name != "on_event"}
    command = [sys.executable, "-c", WITH_LIBPQ, json.dumps(embedded)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(ran.stdout) == [[], [], ["psycopg"], ["psycopg"], ["nothing was judged yet"]]
