"""docs/events.md against the program: every event happens once here, and carries what the page says."""

from __future__ import annotations

import json
import logging
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import livepin
from livepin import Event
from livepin.client.adapters import otel
from livepin.client.attempt import Attempt
from livepin.client.events import EventName
from livepin.client.fetch import HttpFetcher
from livepin.client.status import SourceReport, Status
from livepin.client.unjudged import MANY
from livepin.testing import Cast, HandTurnedClock, Origin, SigningKey, TlsServer, conversations, failures, policy
from tests.acme import Acme
from tests.visits import visit

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "events.md").read_text("utf-8")
ROW = re.compile(r"^\| `([a-z_]+)` \| (info|warning|error) \| (.+) \| ([^|]+) \|$", re.MULTILINE)
ROWS = {name: (level, re.findall(r"`(\w+)`", details)) for name, level, _, details in ROW.findall(PAGE)}
FIELD = re.compile(r"^\| (`[^|]+`) \| [^|]+ \|$", re.MULTILINE)
METRIC = re.compile(r"^\| `(livepin\.[a-z.]+)` \| (counter|gauge) \| `([^`]+)` \| ([^|]+) \|$", re.MULTILINE)


def test_every_event_has_a_row_and_no_row_is_stale() -> None:
    assert list(ROWS) == [name.value for name in EventName]


def test_every_field_of_the_status_has_a_row_and_no_row_is_stale() -> None:
    table = PAGE.partition("| field | what it is |")[2].partition("\n\n")[0]
    named = [name for cell in FIELD.findall(table) for name in re.findall(r"`(\w+)`", cell)]
    assert named == [*(field.name for field in fields(Status)), "concerns"]
    for field in fields(SourceReport):
        assert f"`{field.name}`" in table


def test_every_metric_has_a_row_and_no_row_is_stale() -> None:
    documented = [(name, kind, unit) for name, kind, unit, _ in METRIC.findall(PAGE)]
    assert documented == [
        *((name, "counter", unit) for name, unit, _, _ in otel._COUNTERS),
        *((name, "gauge", unit) for name, unit, _, _ in otel._GAUGES),
    ]


@pytest.fixture
def place() -> Iterator[Path]:
    """Where a store may be: below the checkout, because a shared temporary directory is refused."""
    place = Path(__file__).parents[2] / "build" / f"events-page-{uuid.uuid4().hex}"
    yield place
    shutil.rmtree(place, ignore_errors=True)


# ---------------------------------------------------------------- every event, made to happen


class Scene:
    """A project, a service, a clock that is turned by hand, and a place for a store."""

    def __init__(self, acme: Acme, clock: HandTurnedClock, server: TlsServer, place: Path) -> None:
        self.acme, self.clock, self.server, self.place = acme, clock, server, place

    def publish(self, *hosts: Any, **members: Any) -> None:
        self.acme.publish(*(hosts or [policy("localhost", self.acme.cast.genuine)]), **members)

    def visit(self, pinner: livepin.Pinner, host: str = "localhost") -> None:
        visit(self.acme.context(pinner), self.server, host)


def accepted(scene: Scene) -> None:
    scene.publish()
    scene.acme.pinner()


def refused(scene: Scene) -> None:
    scene.publish()
    scene.acme.serve(scene.acme.documents.tampered())
    scene.acme.pinner()


def expired(scene: Scene) -> None:
    scene.publish()
    pinner = scene.acme.pinner()
    scene.clock.advance(31 * 86400)
    scene.visit(pinner)


def prolonged(scene: Scene) -> None:
    scene.acme.documents.new_epoch(refresh_keys=[SigningKey.generate()])
    now = int(scene.clock.now())
    scene.publish(expires_at=now + 3600, extendable_until=now + 86400)
    scene.acme.origin.put(scene.acme.documents.fresh, scene.acme.documents.statement())
    pinner = scene.acme.pinner()
    stranger = SigningKey.generate()
    scene.acme.origin.put(scene.acme.documents.fresh, scene.acme.documents.statement(key=stranger))
    pinner.refresh()


def clock_behind(scene: Scene) -> None:
    scene.publish()
    pinner = scene.acme.pinner()
    scene.clock.set(scene.clock.now() - 3600)
    pinner.refresh()


def down_and_up(scene: Scene) -> None:
    scene.publish()
    scene.acme.origin.fail(failures.Status(503))
    pinner = scene.acme.pinner()
    scene.acme.origin.heal()
    pinner.refresh()


def withdrawn(scene: Scene) -> None:
    scene.acme.pinner()


class BrokenFetcher(HttpFetcher):
    """A fetcher with a fault in it, such as ours might have one day."""

    def start(self, url: str, **more: Any) -> Attempt:
        raise ZeroDivisionError


def broken(scene: Scene) -> None:
    scene.acme.pinner(fetcher=BrokenFetcher(), wait=2.0)


def store_refused(scene: Scene) -> None:
    scene.publish()
    scene.acme.pinner(store=scene.place)
    (stored,) = (file for file in scene.place.rglob("*") if file.is_file() and file.read_bytes().startswith(b"eyJ"))
    stored.write_bytes(stored.read_bytes()[:-8] + b"AAAAAAAA")
    scene.acme.pinner(store=scene.place)


def reported(scene: Scene) -> None:
    scene.publish(policy("localhost", scene.acme.cast.backup, action="report"))
    scene.visit(scene.acme.pinner())


def blocked_and_recovered(scene: Scene) -> None:
    scene.publish()
    pinner = scene.acme.pinner()
    scene.server.use(scene.acme.cast.evil)
    scene.visit(pinner)
    scene.server.use(scene.acme.cast.genuine)
    scene.visit(pinner)


def without_a_log_list(scene: Scene) -> None:
    rule = {"action": "report", "policy": "any"}
    scene.publish(policy("localhost", scene.acme.cast.genuine, ct=rule))
    scene.visit(scene.acme.pinner())


def process_wide(scene: Scene) -> None:
    scene.publish()
    livepin.setup(**scene.acme.embedded())
    livepin.uninstall()


def only_others(scene: Scene) -> None:
    scene.publish()
    pinner = scene.acme.pinner()
    for _ in range(MANY):
        scene.visit(pinner, "127.0.0.1")


def libpq_is_loaded(scene: Scene) -> None:
    import psycopg  # noqa: F401

    process_wide(scene)


SCENES: dict[EventName, Callable[[Scene], None]] = {
    EventName.DOCUMENT_ACCEPTED: accepted,
    EventName.DOCUMENT_REFUSED: refused,
    EventName.DOCUMENT_EXPIRED: expired,
    EventName.FRESHNESS_ACCEPTED: prolonged,
    EventName.FRESHNESS_IGNORED: prolonged,
    EventName.CLOCK_BEHIND: clock_behind,
    EventName.SOURCE_DOWN: down_and_up,
    EventName.SOURCE_UP: down_and_up,
    EventName.WITHDRAWN: withdrawn,
    EventName.REFRESH_FAILED: broken,
    EventName.STORE_UNUSABLE: store_refused,
    EventName.VERDICT_REPORTED: reported,
    EventName.VERDICT_BLOCKED: blocked_and_recovered,
    EventName.VERDICT_RECOVERED: blocked_and_recovered,
    EventName.CT_NOT_EVALUATED: without_a_log_list,
    EventName.HOOK_INSTALLED: process_wide,
    EventName.HOOK_REMOVED: process_wide,
    EventName.NOTHING_JUDGED: only_others,
    EventName.NOT_REACHED: libpq_is_loaded,
}


@pytest.mark.parametrize("name", EventName)
def test_an_event_happens_and_carries_what_the_page_says(
    name: EventName, cast: Cast, place: Path, installed: None
) -> None:
    clock = HandTurnedClock(time.time())
    with Origin() as origin, TlsServer(cast.genuine, conversation=conversations.silent) as server:
        acme = Acme(cast, origin, clock)
        SCENES[name](Scene(acme, clock, server, place))
        acme.close()
    event: Event = acme.told(name)[0]
    level, details = ROWS[name]
    assert (logging.getLevelName(event.level).lower(), list(event.detail)) == (level, details)
    json.dumps(dict(event.detail))
    if name is EventName.VERDICT_BLOCKED:
        assert event.detail["likely"] == "unknown"
        assert any("no active pin matches" in str(reason) for reason in event.detail["reasons"])  # type: ignore[attr-defined]
