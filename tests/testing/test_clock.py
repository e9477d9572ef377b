from __future__ import annotations

import threading

import pytest

from livepin.testing import Clock, HandTurnedClock


def test_a_clock_stands_still_until_it_is_turned() -> None:
    clock = HandTurnedClock(1_000.0)
    assert (clock.now(), clock.monotonic()) == (1_000.0, 0.0)
    assert (clock.now(), clock.monotonic()) == (1_000.0, 0.0)


def test_time_that_passes_moves_both_readings() -> None:
    clock = HandTurnedClock(1_000.0)
    assert clock.advance(2.5) == 1_002.5
    assert (clock.now(), clock.monotonic()) == (1_002.5, 2.5)


@pytest.mark.parametrize("wall", [0.0, 5_000.0])
def test_setting_the_wall_clock_does_not_move_the_monotonic_one(wall: float) -> None:
    clock = HandTurnedClock(1_000.0)
    clock.advance(10)
    clock.set(wall)
    assert (clock.now(), clock.monotonic()) == (wall, 10.0)


def test_time_does_not_run_backwards() -> None:
    clock = HandTurnedClock(1_000.0)
    with pytest.raises(ValueError, match=r"set\(\)"):
        clock.advance(-1)
    assert clock.now() == 1_000.0


def test_no_turn_is_lost_when_many_threads_turn_at_once() -> None:
    clock = HandTurnedClock(0.0)

    def turn() -> None:
        for _ in range(2_000):
            clock.advance(1)

    threads = [threading.Thread(target=turn) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (clock.now(), clock.monotonic()) == (8_000.0, 8_000.0)


def test_the_clock_fits_the_protocol_and_says_where_it_stands() -> None:
    clock: Clock = HandTurnedClock(1_000.0)
    assert repr(clock) == "HandTurnedClock(now=1000.0)"
