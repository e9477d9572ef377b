"""An operator asks an application whether pinning works in it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator

import pytest

import livepin
from livepin import Outcome, Verdict
from livepin.client.clock import SystemClock
from livepin.client.events import Events
from livepin.client.tally import Tally
from livepin.client.telling import Teller
from livepin.client.unjudged import Unjudged
from livepin.testing import Cast, HandTurnedClock, Origin, TlsServer, conversations, failures, policy
from tests.acme import Acme
from tests.visits import visit

DAY = 86400


@pytest.fixture
def server(cast: Cast) -> Iterator[TlsServer]:
    with TlsServer(cast.genuine, conversation=conversations.silent) as server:
        yield server


@pytest.fixture
def ageing(cast: Cast, clock: HandTurnedClock) -> Iterator[Acme]:
    """A project whose clock is turned by hand."""
    with Origin() as origin:
        acme = Acme(cast, origin, clock)
        yield acme
        acme.close()


# ---------------------------------------------------------------- connections


def test_connections_are_counted_by_outcome_and_code(acme: Acme, server: TlsServer) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    pinner = acme.pinner()
    context = acme.context(pinner)
    for _ in range(3):
        assert visit(context, server) == "sent"
    visit(context, server, "127.0.0.1")
    server.use(acme.cast.evil)
    visit(context, server)
    visit(context, server)
    status = pinner.status()
    assert status.verdicts == {"allowed": {"matched": 3, "unlisted": 1}, "blocked": {"pin_mismatch": 2}}
    assert (status.judged, status.asked) == (6, 0)


def test_reported_connections_and_those_without_a_document_are_counted_as_such(acme: Acme, server: TlsServer) -> None:
    pinner = acme.pinner()
    context = acme.context(pinner)
    visit(context, server)
    acme.publish(policy("localhost", acme.cast.backup, action="report"))
    pinner.refresh()
    assert visit(context, server) == "sent"
    assert pinner.status().verdicts == {"blocked": {"no_document": 1}, "reported": {"pin_mismatch": 1}}


def test_a_rotation_that_a_refresh_heals_counts_as_one_match(acme: Acme, server: TlsServer) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    pinner = acme.pinner()
    context = acme.context(pinner)
    server.use(acme.cast.evil)
    acme.publish(policy("localhost", acme.cast.evil))
    assert visit(context, server) == "sent"
    assert pinner.status().verdicts == {"allowed": {"matched": 1}}


def test_a_connection_that_is_dropped_later_was_one_connection(acme: Acme, server: TlsServer) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    pinner = acme.pinner()
    context = acme.context(pinner)
    with (
        socket.create_connection((server.address, server.port), 10) as plain,
        context.wrap_socket(plain, server_hostname="localhost"),
    ):
        acme.publish(policy("localhost", acme.cast.genuine), deny=[acme.cast.genuine.spki_sha256])
        pinner.refresh()
        assert acme.told("verdict_blocked")
        assert pinner.status().verdicts == {"allowed": {"matched": 1}}


def test_peers_that_the_application_describes_itself_are_not_counted_as_connections(acme: Acme) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    pinner = acme.pinner()
    pinner.verify("localhost", acme.cast.genuine.chain_der)
    status = pinner.status()
    assert (status.judged, status.asked, status.unseen, status.concerns) == (0, 1, (), ())


def test_no_connection_is_lost_or_counted_twice_when_many_threads_count() -> None:
    events, tally = Events(SystemClock()), Tally()
    teller = Teller(events, tally, Unjudged(tally, SystemClock(), events))
    matched = Verdict(Outcome.ALLOWED, "matched", "localhost", pattern="localhost", digest="d")
    unlisted = Verdict(Outcome.ALLOWED, "unlisted", "other.example", digest="d")

    def work() -> None:
        for _ in range(5000):
            teller.connection(matched)
            teller.connection(unlisted)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert tally.counts() == {"allowed": {"matched": 40_000, "unlisted": 40_000}}
    assert (tally.judged, tally.unlisted) == (80_000, 40_000)


# ---------------------------------------------------------------- what is in force


def test_hosts_that_nobody_connected_to_are_named_except_those_that_are_off(acme: Acme, server: TlsServer) -> None:
    acme.publish(
        policy("localhost", acme.cast.genuine),
        policy("*.example.com", acme.cast.genuine),
        policy("old.example.com", action="off"),
    )
    pinner = acme.pinner()
    assert pinner.status().unseen == ("localhost", "*.example.com")
    visit(acme.context(pinner), server)
    assert pinner.status().unseen == ("*.example.com",)
    acme.publish(policy("localhost", acme.cast.genuine), policy("new.example.com", acme.cast.genuine))
    pinner.refresh()
    assert pinner.status().unseen == ("new.example.com",)


def test_a_refused_host_was_seen(acme: Acme, server: TlsServer) -> None:
    acme.publish(policy("localhost", acme.cast.backup))
    pinner = acme.pinner()
    assert visit(acme.context(pinner), server) == "pin_mismatch"
    assert pinner.status().unseen == ()


def test_age_and_expiry_follow_the_signed_times(ageing: Acme, clock: HandTurnedClock) -> None:
    ageing.publish(policy("localhost", ageing.cast.genuine))
    pinner = ageing.pinner()
    clock.advance(10 * DAY)
    status = pinner.status()
    assert status.age == pytest.approx(10 * DAY, abs=1)
    assert not status.expired
    clock.advance(20 * DAY)
    assert pinner.status().expired
    clock.set(0)  # a clock that was wound back does not make the document younger than new
    assert pinner.status().age == 0


def test_each_source_says_when_it_last_answered_and_what_was_last_wrong(ageing: Acme, clock: HandTurnedClock) -> None:
    ageing.publish(policy("localhost", ageing.cast.genuine))
    began = clock.now()
    pinner = ageing.pinner()
    (report,) = pinner.status().reports
    assert report.url == ageing.origin.url(ageing.documents.pointer)
    assert (report.problem, report.answered_at, report.last_problem, report.last_problem_at) == ("", began, "", None)
    clock.advance(100)
    ageing.origin.fail(failures.Status(503))
    pinner.refresh()
    (report,) = pinner.status().reports
    assert (report.problem, report.answered_at, report.last_problem_at) == ("source_status", began, began + 100)
    clock.advance(100)
    ageing.origin.heal()
    pinner.refresh()
    (report,) = pinner.status().reports
    assert (report.problem, report.answered_at) == ("", began + 200)
    assert (report.last_problem, report.last_problem_at) == ("source_status", began + 100)


def test_it_says_whether_the_whole_process_is_judged(acme: Acme, installed: None) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    beside = acme.pinner()
    pinner = livepin.setup(**acme.embedded())
    assert (pinner.status().installed, beside.status().installed) == (True, False)
    livepin.uninstall()
    assert not pinner.status().installed
    hooks = [event.name for event in acme.events if event.name.startswith("hook_")]
    assert hooks == ["hook_installed", "hook_removed"]


# ---------------------------------------------------------------- what is not as it should be


def test_nothing_is_of_concern_when_pins_are_enforced_and_up_to_date(acme: Acme, server: TlsServer) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    pinner = acme.pinner()
    assert pinner.status().concerns == ("nothing was judged yet",)
    visit(acme.context(pinner), server)
    assert pinner.status().concerns == ()


def test_what_is_of_concern_is_said_in_sentences(ageing: Acme, clock: HandTurnedClock, server: TlsServer) -> None:
    url = ageing.origin.url(ageing.documents.pointer)
    pinner = ageing.pinner()
    assert pinner.status().concerns == ("there is no document", f"{url} does not deliver: withdrawn")
    ageing.publish(policy("api.example.com", ageing.cast.genuine))
    pinner.refresh()
    visit(ageing.context(pinner), server)
    clock.advance(31 * DAY)
    assert pinner.status().concerns == ("the document is out of date", "no listed host was seen yet")


def test_a_health_check_sends_it_as_json(acme: Acme, server: TlsServer) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    pinner = acme.pinner()
    visit(acme.context(pinner), server)
    told = json.loads(json.dumps(pinner.status().as_json()))
    assert (told["serial"], told["verdicts"], told["concerns"]) == (1, {"allowed": {"matched": 1}}, [])
    assert told["reports"][0]["url"].endswith("pins.jws")
