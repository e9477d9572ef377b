"""An application sets up, waits for its first document, asks what is held, and is told what happens."""

from __future__ import annotations

import asyncio
import resource
import socket
import ssl
import sys
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
import trio

import livepin
from livepin import ConfigurationError, Event, Outcome, Pinner
from livepin.client.waiting import in_event_loop
from livepin.errors import CertificateInvalid
from livepin.testing import Cast, HandTurnedClock, Origin, TlsServer, conversations, policy
from livepin.testing.failures import Delay, Hang
from tests.acme import Acme

DAY = 86400


@pytest.fixture
def evil(cast: Cast) -> Iterator[TlsServer]:
    with TlsServer(cast.evil, conversation=conversations.silent) as server:
        yield server


def send(context: ssl.SSLContext, server: TlsServer) -> str:
    """Send a secret; `sent`, or the code of the refusal."""
    plain = socket.create_connection(("localhost", server.port), 10)
    try:
        with plain, context.wrap_socket(plain, server_hostname="localhost") as connection:
            connection.sendall(b"secret")
    except livepin.PinError as error:
        return error.code
    return "sent"


def bytes_at(server: TlsServer) -> int:
    server.wait_until_idle()
    return server.application_bytes


def names(acme: Acme) -> list[str]:
    return [event.name for event in acme.events]


# ---------------------------------------------------------------- no document


def nothing(acme: Acme, **other: Any) -> Pinner:
    """A pinner whose origin has nothing."""
    return acme.pinner(**other)


def test_without_any_document_every_host_is_blocked(acme: Acme, evil: TlsServer) -> None:
    context = acme.context(nothing(acme))
    assert (send(context, evil), bytes_at(evil)) == ("no_document", 0)


def test_without_any_document_only_the_hosts_named_at_set_up_are_blocked(acme: Acme, evil: TlsServer) -> None:
    named = acme.context(nothing(acme, hosts=["api.example.com", "localhost"]))
    others = acme.context(nothing(acme, hosts=["api.example.com", "**.localhost.example"]))
    assert (send(named, evil), bytes_at(evil)) == ("no_document", 0)
    assert send(others, evil) == "sent"


def test_an_application_may_choose_to_go_on_without_a_document_and_is_told_so(acme: Acme, evil: TlsServer) -> None:
    context = acme.context(nothing(acme, without_document="allow"))
    assert send(context, evil) == "sent"
    (event,) = acme.told("verdict_reported")
    assert (event.detail["code"], event.detail["host"]) == ("no_document", "localhost")


def test_the_first_connection_waits_for_the_first_document_that_is_under_way(acme: Acme) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    acme.origin.fail(Delay(0.3))
    context = acme.context(acme.pinner(wait=0))
    with TlsServer(acme.cast.genuine, conversation=conversations.silent) as server:
        assert send(context, server) == "sent"


# ---------------------------------------------------------------- set-up


def test_set_up_waits_for_the_first_document(acme: Acme) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    acme.origin.fail(Delay(0.2))
    assert acme.pinner().status().serial == 1


def test_set_up_does_not_wait_longer_than_it_was_told(acme: Acme) -> None:
    acme.origin.fail(Hang())
    began = time.monotonic()
    pinner = acme.pinner(wait=0.2)
    assert time.monotonic() - began < 2.5
    assert pinner.status().serial is None


def test_inside_an_event_loop_set_up_returns_at_once_and_ready_waits_without_blocking_it(acme: Acme) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    acme.origin.fail(Delay(1.5))

    async def application() -> tuple[float, bool, int | None, int]:
        began = time.monotonic()
        pinner = acme.pinner()
        took = time.monotonic() - began
        ticking = asyncio.create_task(tick())
        ready = await pinner.ready()
        ticking.cancel()
        return took, ready, pinner.status().serial, ticks

    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    took, ready, serial, ticks = asyncio.run(application())
    assert took < 1
    assert (ready, serial) == (True, 1)
    assert ticks > 5, "other tasks went on"


def test_ready_says_when_there_is_nothing(acme: Acme) -> None:
    pinner = nothing(acme)
    assert asyncio.run(pinner.ready()) is False


def test_ready_works_in_trio(acme: Acme) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    pinner = acme.pinner(wait=0)
    assert trio.run(pinner.ready) is True


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_ready_works_in_anyio_and_lets_other_tasks_go_on(backend: str, acme: Acme) -> None:
    async def application() -> tuple[bool, int]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await anyio.sleep(0.01)
                ticks += 1

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tick)
            pinner = acme.pinner()
            ready = await pinner.ready()
            tasks.cancel_scope.cancel()
        return ready, ticks

    acme.publish(policy("localhost", acme.cast.genuine))
    acme.origin.fail(Delay(0.3))
    ready, ticks = anyio.run(application, backend=backend)
    assert ready
    assert ticks > 5


def test_a_half_imported_asyncio_in_another_thread_breaks_no_handshake(monkeypatch: pytest.MonkeyPatch) -> None:
    """Imports take time, and a connection may be made meanwhile. Not knowing, nobody is kept waiting."""
    monkeypatch.setitem(sys.modules, "asyncio", types.ModuleType("asyncio"))
    assert in_event_loop() is True


def test_an_ordinary_thread_runs_no_event_loop() -> None:
    assert in_event_loop() is False


def test_a_pinner_is_closed_by_its_with_block(acme: Acme) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    with Pinner(**acme.embedded()) as pinner:
        thread = pinner._refresher._thread
        assert thread is not None
        assert thread.is_alive()
    thread.join(30)
    assert not thread.is_alive()


def test_a_pinner_that_nobody_uses_any_more_stops_by_itself(acme: Acme) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    pinner = Pinner(**acme.embedded())
    thread = pinner._refresher._thread
    assert thread is not None
    context = acme.context(pinner)
    del pinner
    thread.join(0.5)
    assert thread.is_alive(), "a context needs its pinner"
    del context
    thread.join(30)
    assert not thread.is_alive()


def test_a_restart_asks_for_news_before_the_first_request(acme: Acme, private_place: Path) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    acme.pinner(store=private_place).close()
    acme.publish(policy("localhost", acme.cast.backup))
    acme.origin.fail(Delay(0.3))
    assert acme.pinner(store=private_place).status().serial == 2
    assert acme.pinner(store=private_place, wait=0).status().serial == 2


def test_a_restart_waits_no_longer_than_it_was_told_and_goes_on_with_what_it_holds(
    acme: Acme, private_place: Path
) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    acme.pinner(store=private_place).close()
    acme.origin.fail(Hang())
    began = time.monotonic()
    pinner = acme.pinner(store=private_place, wait=0.2)
    assert time.monotonic() - began < 2.5
    assert pinner.status().serial == 1


def test_what_was_stored_is_there_after_a_restart_with_no_network(acme: Acme, private_place: Path) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    acme.pinner(store=private_place).close()
    acme.origin.stop()
    pinner = acme.pinner(store=private_place)
    assert (pinner.status().serial, pinner.status().seeded) == (1, False)
    acme.origin.start()


def test_what_could_not_be_stored_is_stored_once_the_disk_has_room_again(acme: Acme, private_place: Path) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    pinner = acme.pinner(store=private_place)
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (256, unlimited[1]))
    try:
        acme.publish(policy("localhost", acme.cast.backup))
        assert pinner.refresh()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert acme.told("store_unusable") != []
    assert pinner.refresh(), "nothing new comes"
    acme.origin.stop()
    assert acme.pinner(store=private_place).status().serial == 2
    acme.origin.start()


def test_a_roll_back_is_refused_after_a_restart(acme: Acme, private_place: Path) -> None:
    old = acme.publish(policy("localhost", acme.cast.evil))
    acme.publish(policy("localhost", acme.cast.genuine))
    acme.pinner(store=private_place).close()
    acme.serve(old)
    pinner = acme.pinner(store=private_place)
    assert pinner.status().serial == 2
    (event,) = acme.told("document_refused")
    assert (event.detail["code"], event.detail["step"]) == ("rolled_back", "V8")


def test_a_store_in_a_shared_place_is_not_used_and_told(acme: Acme, tmp_path: Path) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    tmp_path.chmod(0o777)
    pinner = acme.pinner(store=tmp_path)
    assert pinner.status().serial == 1
    assert names(acme) == ["store_unusable", "document_accepted"]
    assert list(tmp_path.iterdir()) == []


def test_a_seed_makes_the_first_start_safe_without_a_network(acme: Acme, evil: TlsServer) -> None:
    seed = acme.publish(policy("localhost", acme.cast.genuine))
    acme.origin.remove(acme.documents.pointer)
    pinner = acme.pinner(seed=seed)
    assert (pinner.status().serial, pinner.status().seeded) == (1, True)
    assert (send(acme.context(pinner), evil), bytes_at(evil)) == ("pin_mismatch", 0)


def test_a_seed_of_another_project_is_an_error_of_set_up(acme: Acme) -> None:
    acme.documents.sign()
    with pytest.raises(ConfigurationError) as caught:
        acme.pinner(seed=acme.documents.wrong_audience())
    assert caught.value.code == "seed_invalid"


# ---------------------------------------------------------------- asking by hand


def test_a_chain_that_the_caller_has_is_judged_without_a_connection(acme: Acme) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    pinner = acme.pinner()
    allowed = pinner.verify("localhost", acme.cast.genuine.chain_der)
    assert (allowed.outcome, allowed.code, allowed.serial, allowed.pattern) == (
        Outcome.ALLOWED,
        "matched",
        1,
        "localhost",
    )
    assert allowed.pin is not None
    assert allowed.pin.digest == acme.cast.genuine.spki_sha256
    blocked = pinner.verify("localhost", [acme.cast.evil.chain_pem])
    assert (blocked.outcome, blocked.code) == (Outcome.BLOCKED, "pin_mismatch")
    assert acme.cast.evil.spki_sha256 in blocked.reasons[0]


def test_a_chain_that_was_not_validated_counts_for_its_leaf_alone(acme: Acme) -> None:
    acme.publish(policy("localhost", {"spki_sha256": acme.cast.genuine.chain_spki_sha256[1], "position": "ca"}))
    pinner = acme.pinner()
    assert pinner.verify("localhost", acme.cast.genuine.chain_der).code == "matched"
    verdict = pinner.verify("localhost", acme.cast.genuine.chain_der, validated=False)
    assert (verdict.code, verdict.unvalidated) == ("pin_mismatch", True)


def test_text_without_a_certificate_is_an_error(acme: Acme) -> None:
    with pytest.raises(CertificateInvalid):
        nothing(acme).verify("localhost", ["no certificate"])


def test_asking_by_hand_fetches_nothing(acme: Acme) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    pinner = acme.pinner()
    pinner.verify("localhost", acme.cast.evil.chain_der)
    assert acme.origin.count == 1


@pytest.mark.parametrize("host", ["", "a..b", "x" * 64, "[::1", "fe80::1%eth0%", None])
def test_a_host_that_is_no_name_never_passes_a_pinned_document_by_accident(acme: Acme, host: str | None) -> None:
    acme.publish(policy("localhost", acme.cast.genuine), unlisted="block")
    assert acme.pinner().verify(host, acme.cast.evil.chain_der).outcome is Outcome.BLOCKED


# ---------------------------------------------------------------- what is told


def test_the_status_tells_what_is_in_force(acme: Acme) -> None:
    acme.publish(policy("localhost", acme.cast.genuine), policy("**.example.com", acme.cast.genuine))
    status = acme.pinner().status()
    assert (status.organization, status.project, status.epoch, status.serial) == ("acme", "shop", 0, 1)
    assert (status.hosts, status.expired, status.seeded, status.rounds) == (
        ("localhost", "**.example.com"),
        False,
        False,
        1,
    )
    assert status.expires_at is not None
    assert status.issued_at is not None
    assert status.expires_at - status.issued_at == 30 * DAY
    assert status.sources == {acme.origin.url(acme.documents.pointer): "ok"}
    assert status.events == {"document_accepted": 1}


def test_the_status_of_an_application_that_never_got_a_document(acme: Acme) -> None:
    status = nothing(acme).status()
    assert (status.epoch, status.serial, status.digest, status.expires_at, status.hosts) == (None, None, "", None, ())
    assert status.sources == {acme.origin.url(acme.documents.pointer): "withdrawn"}


def test_a_block_and_the_recovery_after_it_are_told_with_their_evidence(acme: Acme) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    context = acme.context(acme.pinner())
    with TlsServer(acme.cast.evil, conversation=conversations.silent) as server:
        send(context, server)
        server.use(acme.cast.genuine)
        send(context, server)
        send(context, server)
    assert names(acme) == ["document_accepted", "verdict_blocked", "verdict_recovered"]
    blocked = acme.told("verdict_blocked")[0].detail
    assert (blocked["host"], blocked["code"], blocked["pattern"], blocked["serial"]) == (
        *("localhost", "pin_mismatch", "localhost", 1),
    )


def test_a_report_only_policy_tells_and_lets_through(acme: Acme, evil: TlsServer) -> None:
    acme.publish(policy("localhost", acme.cast.genuine, action="report"))
    assert send(acme.context(acme.pinner()), evil) == "sent"
    assert acme.told("verdict_reported")[0].detail["code"] == "pin_mismatch"


def test_a_policy_that_is_off_lets_through_in_silence(acme: Acme, evil: TlsServer) -> None:
    acme.publish(policy("localhost", acme.cast.genuine, action="off"))
    assert send(acme.context(acme.pinner()), evil) == "sent"
    assert names(acme) == ["document_accepted"]


@pytest.mark.parametrize(("unlisted", "result"), [("allow", "sent"), ("report", "sent"), ("block", "unlisted")])
def test_a_host_without_a_pattern_is_treated_as_the_document_says(
    acme: Acme, evil: TlsServer, unlisted: str, result: str
) -> None:
    acme.publish(policy("other.example", acme.cast.genuine), unlisted=unlisted)
    assert send(acme.context(acme.pinner()), evil) == result
    assert (acme.told("verdict_reported") != []) == (unlisted == "report")


def test_what_a_listener_raises_does_not_reach_the_connection(acme: Acme, evil: TlsServer) -> None:
    def listener(event: Event) -> None:
        raise RuntimeError("a bug of the application's")

    acme.publish(policy("localhost", acme.cast.genuine))
    context = acme.context(acme.pinner(on_event=listener))
    assert (send(context, evil), bytes_at(evil)) == ("pin_mismatch", 0)


# ---------------------------------------------------------------- time


@pytest.fixture
def ageing(cast: Cast, clock: HandTurnedClock) -> Iterator[Acme]:
    """A project whose clock is turned by hand."""
    with Origin() as origin:
        acme = Acme(cast, origin, clock)
        yield acme
        acme.close()


@pytest.mark.parametrize(("when_expired", "result"), [("enforce", "pin_mismatch"), ("allow", "sent")])
def test_an_expired_document_goes_on_as_its_policy_says(
    ageing: Acme, clock: HandTurnedClock, evil: TlsServer, when_expired: str, result: str
) -> None:
    ageing.publish(policy("localhost", ageing.cast.genuine, when_expired=when_expired))
    pinner = ageing.pinner()
    clock.advance(31 * DAY)
    assert send(ageing.context(pinner), evil) == result
    assert pinner.status().expired
    assert [event.detail["host"] for event in ageing.told("document_expired")] == ["localhost"]


def test_a_document_that_is_out_of_date_is_told_with_a_recovery_too(
    ageing: Acme, clock: HandTurnedClock, evil: TlsServer
) -> None:
    ageing.publish(policy("localhost", ageing.cast.genuine))
    context = ageing.context(ageing.pinner())
    assert send(context, evil) == "pin_mismatch"
    clock.advance(31 * DAY)
    with TlsServer(ageing.cast.genuine) as genuine:
        assert send(context, genuine) == "sent"
    assert {"verdict_recovered", "document_expired"} <= {event.name for event in ageing.events}


def test_a_seed_never_switches_a_pattern_off_by_being_old(
    ageing: Acme, clock: HandTurnedClock, evil: TlsServer
) -> None:
    seed = ageing.publish(policy("localhost", ageing.cast.genuine, when_expired="allow"))
    ageing.origin.remove(ageing.documents.pointer)
    clock.advance(31 * DAY)
    assert (send(ageing.context(ageing.pinner(seed=seed)), evil), bytes_at(evil)) == ("pin_mismatch", 0)


def test_a_clock_wound_back_does_not_bring_an_ended_pin_back(
    ageing: Acme, clock: HandTurnedClock, evil: TlsServer
) -> None:
    now = int(clock.now())
    ended = {**ageing.cast.evil.pin(), "until": now - 1}
    ageing.publish(policy("localhost", ageing.cast.genuine, ended))
    pinner = ageing.pinner()
    clock.set(now - 10 * DAY)
    assert (send(ageing.context(pinner), evil), bytes_at(evil)) == ("pin_mismatch", 0)


def test_a_pin_with_a_window_begins_and_ends_without_a_new_document(
    ageing: Acme, clock: HandTurnedClock, evil: TlsServer
) -> None:
    now = int(clock.now())
    window = {**ageing.cast.evil.pin(), "from": now + 100, "until": now + 200}
    ageing.publish(policy("localhost", ageing.cast.genuine, window))
    context = ageing.context(ageing.pinner())
    results = []
    for seconds in (99, 1, 99, 1):
        clock.advance(seconds)
        results.append(send(context, evil))
    assert results == ["pin_mismatch", "sent", "sent", "pin_mismatch"]
