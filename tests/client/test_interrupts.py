"""A signal handler of the application's raises in the middle of something of ours: a time limit, say.

Handlers run between two steps of Python code. Here one is made to raise wherever one can begin: whenever a function is
entered or left, one after the other.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from types import FrameType
from typing import Any

import pytest

from livepin.client.events import EventName
from livepin.testing import Cast, HandTurnedClock, Origin, policy
from tests.acme import Acme


class TimeLimit(Exception):
    """What the handler raises."""


class Interruption:
    """A handler that raises at the `moment`th opportunity within the block, if there are so many."""

    def __init__(self, moment: int) -> None:
        self._left = moment
        self.came = False

    def __enter__(self) -> Interruption:
        self._before = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        frame.f_trace_lines = False
        if frame.f_code is not Interruption.__exit__.__code__:
            self._left -= 1
            if self._left == 0:
                self.came = True
                raise TimeLimit
        return self._trace


def interrupted_everywhere(act: Callable[[], object], *, then: Callable[[], object]) -> int:
    """Interrupt `act` at each of its moments in turn; after each, another thread must be able to do `then`. Returns
    how many moments there are."""
    for moment in count(1):
        with suppress(TimeLimit), Interruption(moment) as interruption:
            act()
        if not interruption.came:
            return moment - 1
        other = threading.Thread(target=then, daemon=True)
        other.start()
        other.join(30)
        assert not other.is_alive(), f"hangs after an interruption at moment {moment}"
    raise AssertionError("it never ends")


@pytest.fixture
def acme(cast: Cast, clock: HandTurnedClock) -> Iterator[Acme]:
    with Origin() as origin:
        acme = Acme(cast, origin, clock)
        acme.publish(policy("localhost", cast.genuine))
        yield acme
        acme.close()


def test_an_event_that_was_interrupted_keeps_no_other_waiting(acme: Acme) -> None:
    events = acme.pinner()._events
    assert interrupted_everywhere(lambda: events.emit(EventName.VERDICT_BLOCKED, "x"), then=events.counts) > 5


def test_a_mismatch_that_was_interrupted_keeps_no_other_waiting(acme: Acme, clock: HandTurnedClock) -> None:
    refresher = acme.pinner()._refresher

    def mismatch() -> None:
        clock.advance(3600)
        refresher.mismatched()

    assert interrupted_everywhere(mismatch, then=refresher.mismatched) > 5
