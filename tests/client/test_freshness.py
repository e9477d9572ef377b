"""Short document lives without the content key: applications that live by freshness statements."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import livepin
from livepin import Pinner
from livepin.client import round as rounds
from livepin.client.address import document_urls, statement_url
from livepin.testing import Cast, HandTurnedClock, Origin, SigningKey, TlsServer, conversations, policy
from livepin.testing.failures import Delay, Failure, Garbage, Hang, Reset, Status
from tests.acme import Acme

HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture
def acme(cast: Cast, clock: HandTurnedClock) -> Iterator[Acme]:
    """Acme's shop, whose document lives for six hours and may be prolonged for thirty days."""
    with Origin() as origin:
        acme = Acme(cast, origin, clock)
        acme.documents.new_epoch(refresh_keys=[SigningKey.generate(), SigningKey.generate("EdDSA")])
        publish(acme, clock)
        yield acme
        acme.close()


@pytest.fixture
def second(acme: Acme) -> Iterator[Origin]:
    """A second region, which serves the first document too."""
    with Origin() as origin:
        origin.put(acme.documents.pointer, acme.documents.current)
        yield origin


def publish(acme: Acme, clock: HandTurnedClock, **members: object) -> None:
    now = int(clock.now())
    short = {"expires_at": now + 6 * HOUR, "extendable_until": now + 30 * DAY}
    acme.publish(policy("localhost", acme.cast.genuine), **{**short, **members})


def refresh(acme: Acme, origin: Origin | None = None, **members: Any) -> str:
    """The machine that holds the refresh key says that this document is still the newest."""
    text = acme.documents.statement(**members)
    (origin or acme.origin).put(acme.documents.fresh, text)
    return text


def asked(origin: Origin) -> list[str]:
    return [request.path.rpartition("/")[2] for request in origin.requests]


def left(pinner: Pinner, clock: HandTurnedClock) -> float | None:
    """Hours for which the document in force is still good."""
    until = pinner.status().expires_at
    return None if until is None else round((until - clock.now()) / HOUR, 2)


# ---------------------------------------------------------------- the ordinary day


def test_a_document_lives_on_by_statements_though_its_key_stays_offline(acme: Acme, clock: HandTurnedClock) -> None:
    refresh(acme)
    pinner = acme.pinner()
    for _ in range(20):
        clock.advance(2 * HOUR)
        refresh(acme)
        assert pinner.refresh()
        assert left(pinner, clock) == 6
    status = pinner.status()
    assert (status.serial, status.expired, status.prolonged) == (1, False, True)
    assert status.extendable_until == int(status.issued_at or 0) + 30 * DAY
    assert len(acme.told("freshness_accepted")) == 20
    told = acme.told("freshness_accepted")[-1].detail
    assert (told["epoch"], told["serial"], told["until"]) == (1, 1, status.expires_at)
    assert {event.name for event in acme.events} == {"document_accepted", "freshness_accepted"}


def test_nothing_is_asked_for_where_nothing_can_be_prolonged(acme: Acme, clock: HandTurnedClock) -> None:
    acme.documents.sign([policy("localhost", acme.cast.genuine)])
    acme.serve(acme.documents.current)
    pinner = acme.pinner()
    assert pinner.refresh()
    acme.documents.new_epoch()
    publish(acme, clock)
    assert pinner.refresh()
    assert (pinner.status().epoch, asked(acme.origin)) == (2, ["pins.jws"] * 3)


def test_a_statement_is_asked_for_by_its_etag_and_only_while_it_is_the_one_in_use(
    acme: Acme, clock: HandTurnedClock
) -> None:
    refresh(acme)
    pinner = acme.pinner()
    clock.advance(HOUR)  # the first says no more than the document itself: both end after six hours
    refresh(acme)
    for _ in range(3):
        assert pinner.refresh()
    tags = [r.header("If-None-Match") for r in acme.origin.requests if r.path.endswith("fresh.jws")]
    assert [tag is not None for tag in tags] == [False, False, True, True]


def test_a_statement_lies_beside_its_document_whatever_that_is_called(acme: Acme, clock: HandTurnedClock) -> None:
    acme.origin.put("own/rules.jose", acme.documents.current)
    acme.origin.put("own/fresh.jws", acme.documents.statement(expires_at=int(clock.now()) + 8 * HOUR))
    pinner = acme.pinner(configuration_url=acme.origin.url("own/rules.jose"))
    assert left(pinner, clock) == 8
    for url, found in {
        "https://cdn.example/": "https://cdn.example/acme/shop/fresh.jws",
        "https://cdn.example/base/?key=1": "https://cdn.example/base/acme/shop/fresh.jws?key=1",
        "https://cdn.example/one.jws?key=a/b": "https://cdn.example/fresh.jws?key=a/b",
    }.items():
        assert statement_url(document_urls(url, "acme", "shop")[0]) == found


def test_a_new_document_needs_no_statement_of_its_own_yet(acme: Acme, clock: HandTurnedClock) -> None:
    refresh(acme)
    pinner = acme.pinner()
    clock.advance(HOUR)
    refresh(acme)
    assert pinner.refresh()
    publish(acme, clock)  # fresh.jws still speaks of the document before
    assert pinner.refresh()
    status = pinner.status()
    assert (status.serial, status.prolonged, left(pinner, clock)) == (2, False, 6)
    assert status.reports[0].freshness == "other_revision"
    assert (acme.told("freshness_ignored"), status.sources) == ([], {acme.origin.url(acme.documents.pointer): "ok"})


# ---------------------------------------------------------------- first starts and restarts


def test_a_first_start_adopts_an_old_document_that_a_statement_keeps_fresh(acme: Acme, clock: HandTurnedClock) -> None:
    clock.advance(10 * DAY)
    refresh(acme)
    pinner = acme.pinner()
    assert (pinner.status().serial, left(pinner, clock)) == (1, 6)
    assert [event.name for event in acme.events] == ["document_accepted", "freshness_accepted"]


@pytest.mark.parametrize("withheld", ["no statement", "an old one"])
def test_a_first_start_adopts_no_old_document_without_a_fresh_statement(
    acme: Acme, clock: HandTurnedClock, withheld: str
) -> None:
    if withheld == "an old one":
        refresh(acme)
    clock.advance(10 * DAY)
    pinner = acme.pinner()
    code = "expired" if withheld == "an old one" else "freshness_missing"
    assert (pinner.status().serial, set(pinner.status().sources.values())) == (None, {code})
    assert [event.detail["code"] for event in acme.told("freshness_ignored")] == [code]
    assert code in pinner.verify("localhost", []).reasons[0]


def test_a_restart_without_network_lives_by_the_stored_statement(
    acme: Acme, clock: HandTurnedClock, private_place: Path
) -> None:
    clock.advance(10 * DAY)
    refresh(acme)
    acme.pinner(store=private_place / "store").close()
    acme.origin.fail(Reset())
    clock.advance(3 * HOUR)
    pinner = acme.pinner(store=private_place / "store")
    assert (pinner.status().expired, pinner.status().prolonged, left(pinner, clock)) == (False, True, 3)
    clock.advance(3 * HOUR)
    assert pinner.status().expired


@pytest.mark.parametrize("damage", ["another byte", "a longer life", "empty", "a stranger's"])
def test_a_stored_statement_that_was_tampered_with_prolongs_nothing(
    acme: Acme, clock: HandTurnedClock, private_place: Path, damage: str
) -> None:
    refresh(acme, expires_at=int(clock.now()) + 12 * HOUR)
    acme.pinner(store=private_place / "store").close()
    (file,) = (private_place / "store").glob("*.fresh.jws")
    text = file.read_text()
    other = acme.documents.statement(expires_at=int(clock.now()) + 20 * DAY)
    changed = {
        "another byte": text[:-20] + ("A" if text[-20] != "A" else "B") + text[-19:],
        "a longer life": ".".join((text.split(".")[0], other.split(".")[1], text.split(".")[2])),
        "empty": "",
        "a stranger's": acme.documents.statement(key=SigningKey.generate()),
    }
    file.write_text(changed[damage])
    acme.origin.fail(Reset())
    clock.advance(7 * HOUR)
    pinner = acme.pinner(store=private_place / "store")
    assert (pinner.status().serial, pinner.status().expired, pinner.status().prolonged) == (1, True, False)


def test_a_bundled_document_is_prolonged_like_any_other(acme: Acme, clock: HandTurnedClock) -> None:
    clock.advance(DAY)
    refresh(acme)
    acme.origin.fail(Status(500), path=acme.documents.pointer)
    pinner = acme.pinner(seed=acme.documents.current)
    assert (pinner.status().expired, pinner.status().seeded) == (True, True)
    acme.origin.heal()
    assert pinner.refresh()
    assert (pinner.status().expired, pinner.status().seeded, left(pinner, clock)) == (False, False, 6)


# ---------------------------------------------------------------- a CDN that is frozen, or a thief's


def test_a_frozen_cdn_is_noticed_within_hours_and_mended_by_a_statement(acme: Acme, clock: HandTurnedClock) -> None:
    refresh(acme)
    pinner = acme.pinner()
    clock.advance(2 * HOUR)
    refresh(acme)
    assert pinner.refresh()
    publish(acme, clock)  # nobody gets it: the CDN goes on serving what it has
    acme.serve(acme.documents.rolled_back())
    clock.advance(6 * HOUR)
    assert pinner.refresh()
    status = pinner.status()
    assert (status.serial, status.expired) == (1, True)
    assert acme.told("freshness_ignored")[-1].detail["code"] == "expired"
    assert "the document is out of date" in status.concerns
    acme.serve(acme.documents.current)
    refresh(acme)
    assert pinner.refresh()
    assert (pinner.status().serial, pinner.status().expired) == (2, False)


def ignored_statement(acme: Acme, name: str) -> str:
    documents = acme.documents
    made: dict[str, Callable[[], str]] = {
        "a stranger's": lambda: documents.statement(key=SigningKey.generate()),
        "the signing key's": lambda: documents.statement(key=documents.signing_key),
        "the document": lambda: documents.current,
        "another serial": lambda: documents.statement(serial=2),
        "another project": lambda: documents.statement(project="other"),
        "from tomorrow": lambda: documents.statement(issued_at=int(time.time()) + 20 * HOUR),
        "not one": lambda: "<html>Please log in</html>",
        "a long one": lambda: "x" * 20_000,
    }
    return made[name]()


IGNORED = {
    "a stranger's": ("unknown_key", "F3"),
    "the signing key's": ("unknown_key", "F3"),
    "the document": ("header_invalid", "F2"),
    "another serial": ("other_revision", "F6"),
    "another project": ("wrong_audience", "F6"),
    "from tomorrow": ("not_yet_valid", "F7"),
    "not one": ("malformed", "F1"),
    "a long one": ("source_too_large", None),
}


@pytest.mark.parametrize("name", IGNORED)
def test_what_prolongs_nothing_is_ignored_told_and_changes_nothing(
    acme: Acme, clock: HandTurnedClock, name: str
) -> None:
    refresh(acme, expires_at=int(clock.now()) + 7 * HOUR)
    pinner = acme.pinner()
    acme.origin.put(acme.documents.fresh, ignored_statement(acme, name))
    assert pinner.refresh()
    assert (pinner.status().serial, left(pinner, clock)) == (1, 7)
    (told,) = acme.told("freshness_ignored")
    assert (told.detail["code"], told.detail.get("step")) == IGNORED[name]
    assert pinner.status().reports[0].freshness == IGNORED[name][0]
    refresh(acme, expires_at=int(clock.now()) + 8 * HOUR)
    assert pinner.refresh()
    assert (left(pinner, clock), pinner.status().reports[0].freshness) == (8, "")
    assert len(acme.told("source_up")) == 1


def test_an_older_statement_shortens_nothing(acme: Acme, clock: HandTurnedClock) -> None:
    old = acme.documents.statement(expires_at=int(clock.now()) + 7 * HOUR)
    refresh(acme, expires_at=int(clock.now()) + 9 * HOUR)
    pinner = acme.pinner()
    acme.origin.put(acme.documents.fresh, old)
    assert pinner.refresh()
    assert (left(pinner, clock), acme.told("freshness_ignored")) == (9, [])


def test_a_stolen_refresh_key_is_revoked_by_the_next_epoch(acme: Acme, clock: HandTurnedClock) -> None:
    pinner = acme.pinner()
    stolen = acme.documents.refresh_key
    refresh(acme, expires_at=2**53 - 1)
    assert pinner.refresh()
    assert left(pinner, clock) == 30 * 24, "a thief keeps the current document alive, up to extendable_until"
    acme.documents.new_epoch(refresh_keys=[SigningKey.generate()], revoked=[stolen])
    publish(acme, clock, serial=1)
    assert pinner.refresh()
    assert (pinner.status().epoch, left(pinner, clock)) == (2, 6)
    acme.origin.put(acme.documents.fresh, acme.documents.statement(key=stolen))
    assert pinner.refresh()
    assert (left(pinner, clock), acme.told("freshness_ignored")[-1].detail["code"]) == (6, "key_revoked")


# ---------------------------------------------------------------- several sources, slow and broken ones


@pytest.mark.parametrize("fault", ["absent", "old", "failing", "garbage"])
def test_another_region_has_the_statement_that_the_first_lacks(
    acme: Acme, second: Origin, clock: HandTurnedClock, fault: str
) -> None:
    pinner = acme.pinner(configuration_url=[acme.origin.base_url, second.base_url])
    refresh(acme, expires_at=int(clock.now()) + 7 * HOUR)
    assert pinner.refresh()
    if fault == "absent":
        acme.origin.remove(acme.documents.fresh)
    faults: dict[str, Failure] = {"failing": Status(503), "garbage": Garbage()}
    if fault in faults:
        acme.origin.fail(faults[fault], path=acme.documents.fresh)
    clock.advance(6.8 * HOUR)  # little is left
    refresh(acme, second)
    assert pinner.refresh()
    assert left(pinner, clock) == 6


def test_a_first_start_takes_document_and_statement_from_the_region_that_has_both(
    acme: Acme, second: Origin, clock: HandTurnedClock
) -> None:
    clock.advance(DAY)
    refresh(acme, second)
    pinner = acme.pinner(configuration_url=[acme.origin.base_url, second.base_url])
    assert (pinner.status().serial, left(pinner, clock)) == (1, 6)


def test_a_statement_that_hangs_is_given_up_and_the_next_region_asked(
    acme: Acme, second: Origin, clock: HandTurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "HEDGE_AFTER", 0.2)
    pinner = acme.pinner(configuration_url=[acme.origin.base_url, second.base_url])
    acme.origin.fail(Hang(), path=acme.documents.fresh)
    refresh(acme, second, expires_at=int(clock.now()) + 7 * HOUR)
    began = time.monotonic()
    assert pinner.refresh()
    assert time.monotonic() - began < 5
    assert left(pinner, clock) == 7
    assert pinner.status().reports[0].freshness == "source_timeout"


def test_a_slow_statement_keeps_no_document_from_being_used(acme: Acme, clock: HandTurnedClock) -> None:
    refresh(acme)
    acme.origin.fail(Delay(8), path=acme.documents.fresh)
    pinner = acme.pinner(wait=0)
    deadline = time.monotonic() + 6
    while pinner.status().serial is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert pinner.status().serial == 1


# ---------------------------------------------------------------- what it is for


def connect(acme: Acme, pinner: Pinner, server: TlsServer) -> bytes:
    with (
        socket.create_connection(("localhost", server.port), 10) as plain,
        acme.context(pinner).wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.sendall(b"hello")
        return connection.recv(5)


def test_when_expired_allow_takes_effect_at_the_effective_expiry(acme: Acme, clock: HandTurnedClock) -> None:
    """Judging goes by the life that statements give: verdicts that were remembered end with it, and begin with it."""
    now = int(clock.now())
    host = policy("localhost", acme.cast.backup, when_expired="allow")
    acme.publish(host, expires_at=now + HOUR, extendable_until=now + 30 * DAY)
    refresh(acme, expires_at=now + 2 * HOUR)
    with TlsServer(acme.cast.genuine, conversation=conversations.echo) as server:
        pinner = acme.pinner()
        clock.advance(1.5 * HOUR)
        with pytest.raises(livepin.PinError):
            connect(acme, pinner, server)
        acme.origin.fail(Reset())
        clock.advance(HOUR)
        assert connect(acme, pinner, server) == b"hello"
        acme.origin.heal()
        refresh(acme)
        pinner._refresher.schedule.sources[0].not_before = 0.0
        assert pinner.refresh()
        with pytest.raises(livepin.PinError):
            connect(acme, pinner, server)
