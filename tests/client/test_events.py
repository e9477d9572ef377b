"""An operator reads events: in the log, in the application's own callback, and as counters."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from livepin.client.clock import SystemClock
from livepin.client.events import Event, EventName, Events
from livepin.testing.clock import HandTurnedClock


def collected(clock: HandTurnedClock | None = None) -> tuple[Events, list[Event]]:
    told: list[Event] = []
    return Events(clock or HandTurnedClock(), told.append), told


def test_an_event_reaches_the_log_and_the_application_with_its_detail(caplog: pytest.LogCaptureFixture) -> None:
    clock = HandTurnedClock(now=1_790_000_123.0)
    events, told = collected(clock)
    with caplog.at_level(logging.INFO, "livepin"):
        assert events.emit(EventName.DOCUMENT_ACCEPTED, "serial 7 is in force", epoch=0, serial=7)
    event = told[0]
    assert (event.name, event.at, event.message) == ("document_accepted", 1_790_000_123.0, "serial 7 is in force")
    assert dict(event.detail) == {"epoch": 0, "serial": 7}
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("livepin", logging.INFO)
    assert record.getMessage() == "document_accepted: serial 7 is in force"
    assert record.__dict__["livepin_event"] is event


def test_a_blocked_peer_is_an_error_and_a_source_that_is_down_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    events, _ = collected()
    events.emit(EventName.VERDICT_BLOCKED, "pin_mismatch")
    events.emit(EventName.SOURCE_DOWN, "source_timeout")
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]


def test_an_event_cannot_be_changed_by_who_receives_it() -> None:
    events, told = collected()
    events.emit(EventName.SOURCE_DOWN, "x", url="https://cdn.example.com/")
    with pytest.raises(TypeError):
        told[0].detail["url"] = "https://evil.example/"  # type: ignore[index]


def test_the_same_event_is_told_once_a_minute_and_then_says_how_often_it_happened() -> None:
    clock = HandTurnedClock()
    events, told = collected(clock)
    for _ in range(10):
        events.emit(EventName.SOURCE_DOWN, "source_timeout", key="a")
        clock.advance(5)
    assert len(told) == 1
    clock.advance(10)
    events.emit(EventName.SOURCE_DOWN, "source_timeout", key="a")
    assert [event.repeated for event in told] == [0, 9]
    assert events.counts() == {"source_down": 11}


@pytest.mark.parametrize(
    "other",
    [
        lambda events: events.emit(EventName.SOURCE_DOWN, "source_timeout", key="b", code=1),
        lambda events: events.emit(EventName.SOURCE_DOWN, "source_status", key="a", code=1),
        lambda events: events.emit(EventName.SOURCE_DOWN, "source_timeout", key="a", code=2),
        lambda events: events.emit(EventName.SOURCE_UP, "source_timeout", key="a", code=1),
    ],
)
def test_another_thing_another_message_another_detail_or_another_name_is_told_at_once(
    other: Callable[[Events], bool],
) -> None:
    events, told = collected()
    events.emit(EventName.SOURCE_DOWN, "source_timeout", key="a", code=1)
    assert other(events)
    assert len(told) == 2


def test_setting_the_clock_back_does_not_silence_events() -> None:
    clock = HandTurnedClock()
    events, told = collected(clock)
    events.emit(EventName.SOURCE_DOWN, "x")
    clock.set(0)
    clock.advance(61)
    events.emit(EventName.SOURCE_DOWN, "x")
    assert len(told) == 2


@pytest.mark.parametrize("error", [ZeroDivisionError, SystemExit])
def test_a_callback_that_raises_is_logged_and_the_application_goes_on(
    caplog: pytest.LogCaptureFixture, error: type[BaseException]
) -> None:
    def broken(event: Event) -> None:
        raise error("of the application's own")

    events = Events(HandTurnedClock(), broken)
    assert events.emit(EventName.SOURCE_DOWN, "x")
    assert "on_event failed for source_down" in caplog.text
    assert error.__name__ in caplog.text


def test_a_log_handler_that_raises_ends_nothing() -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise ZeroDivisionError("of the application's own")

    def broken(event: Event) -> None:
        raise ZeroDivisionError("of the application's own")

    handler = Broken()
    logging.getLogger("livepin").addHandler(handler)
    try:
        assert Events(HandTurnedClock(), broken).emit(EventName.SOURCE_DOWN, "x")
    finally:
        logging.getLogger("livepin").removeHandler(handler)


def test_a_callback_whose_own_connection_causes_an_event_is_not_called_again_for_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: list[str] = []

    def reports_over_a_pinned_connection(event: Event) -> None:
        seen.append(event.name)
        events.emit(EventName.VERDICT_BLOCKED, f"caused by {event.name}", key=str(len(seen)))

    events = Events(HandTurnedClock(), reports_over_a_pinned_connection)
    events.emit(EventName.SOURCE_DOWN, "x")
    events.emit(EventName.SOURCE_UP, "x")
    assert seen == ["source_down", "source_up"]
    assert caplog.text.count("verdict_blocked") == 2


def test_text_from_the_network_cannot_forge_a_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    events, told = collected()
    events.emit(EventName.SOURCE_DOWN, "bad\nERROR livepin: forged", url="a\r\x1b[2Jb", names=["x\ny"], big="y" * 9999)
    assert "\n" not in caplog.records[0].getMessage()
    assert told[0].detail["url"] == "a��[2Jb"
    assert told[0].detail["names"] == ("x�y",)
    assert len(str(told[0].detail["big"])) == 1000


def test_a_million_different_things_do_not_fill_the_memory() -> None:
    events, _ = collected()
    logging.getLogger("livepin").setLevel(logging.CRITICAL)
    try:
        for number in range(3000):
            events.emit(EventName.VERDICT_REPORTED, "unlisted", key=f"host-{number}.example")
    finally:
        logging.getLogger("livepin").setLevel(logging.NOTSET)
    assert len(events._told) <= 1024
    assert events.counts() == {"verdict_reported": 3000}


def test_events_without_a_callback_are_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    events = Events(SystemClock())
    events.emit(EventName.CLOCK_BEHIND, "the clock is behind")
    assert events.counts() == {"clock_behind": 1}
    assert "clock_behind" in caplog.text
