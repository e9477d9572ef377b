"""When a client asks, and whom: pure arithmetic, no clock runs here."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from livepin.client.schedule import Schedule, Source

URLS = ("https://a.example/", "https://b.example/")


class Middle(random.Random):
    """No jitter: the middle of every range."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


@pytest.fixture
def schedule() -> Schedule:
    return Schedule([Source(url) for url in URLS], Middle())


def test_the_first_round_is_due_at_once(schedule: Schedule) -> None:
    assert schedule.due <= -1e12


def test_after_a_usable_answer_it_asks_again_after_ten_minutes(schedule: Schedule) -> None:
    schedule.succeeded(1000.0)
    assert schedule.due == 1600.0


@pytest.mark.parametrize(
    ("says", "interval"), [(1, 10.0), (10, 10.0), (60, 60.0), (600, 600.0), (3600, 3600.0), (86_400, 3600.0)]
)
def test_a_document_sets_the_interval_within_bounds(schedule: Schedule, says: int, interval: float) -> None:
    """Whoever stole the signing key must be able neither to silence refreshing nor to make a flood of it."""
    schedule.follow(says, 1000.0)
    schedule.succeeded(1000.0)
    assert schedule.due == 1000.0 + interval


def test_a_thief_cannot_make_those_wait_who_held_an_honest_document(schedule: Schedule) -> None:
    """His document asks for the longest interval. Whoever takes it up asks as often as before, for a day."""
    schedule.follow(240, 0.0)
    for now in (10.0, 250.0, 86_409.0):
        schedule.follow(86_400, now)
        assert schedule.interval == 240.0
    schedule.follow(86_400, 86_410.0)
    assert schedule.interval == 3600.0


def test_a_shorter_interval_is_followed_at_once_and_the_day_begins_anew(schedule: Schedule) -> None:
    schedule.follow(600, 0.0)
    schedule.follow(3600, 10.0)
    schedule.follow(300, 80_000.0)
    assert schedule.interval == 300.0
    schedule.follow(3600, 80_010.0)
    schedule.follow(3600, 86_500.0)
    assert schedule.interval == 300.0


def test_installations_spread_by_ten_percent_either_way() -> None:
    due = []
    for seed in range(200):
        schedule = Schedule([Source(URLS[0])], random.Random(seed))
        schedule.succeeded(0.0)
        due.append(schedule.due)
    assert 540 <= min(due) < 550
    assert 650 < max(due) <= 660


# ---------------------------------------------------------------- sources that fail


def test_a_source_that_fails_waits_longer_each_time_but_no_longer_than_the_interval() -> None:
    source = Source(URLS[0])
    waits = []
    for _ in range(8):
        source.failed(0.0, 600.0, "source_timeout")
        waits.append(source.not_before)
    assert waits == [10, 20, 40, 80, 160, 320, 600, 600]


def test_a_source_that_failed_for_a_year_does_not_overflow() -> None:
    source = Source(URLS[0])
    for _ in range(10_000):
        source.failed(0.0, 600.0, "source_timeout")
    assert source.not_before == 600


def test_one_usable_answer_forgives_all_failures() -> None:
    source = Source(URLS[0])
    source.failed(0.0, 600.0, "source_timeout")
    source.answered()
    assert (source.not_before, source.problem) == (0.0, "")
    source.failed(100.0, 600.0, "source_timeout")
    assert source.not_before == 110.0


def test_a_source_that_waits_is_not_asked_while_another_is_free(schedule: Schedule) -> None:
    first, second = schedule.sources
    first.failed(100.0, 600.0, "source_status")
    assert schedule.free_sources(105.0) == [second]
    assert schedule.free_sources(110.0) == [first, second]


def test_where_all_wait_and_asking_is_due_all_are_asked(schedule: Schedule) -> None:
    for source in schedule.sources:
        source.failed(100.0, 600.0, "source_status")
    assert schedule.free_sources(105.0) == list(schedule.sources)


def test_a_round_without_an_answer_is_repeated_when_the_first_source_is_free_again(schedule: Schedule) -> None:
    first, second = schedule.sources
    for _ in range(3):
        first.failed(100.0, 600.0, "source_status")
    second.failed(100.0, 600.0, "source_status")
    second.failed(100.0, 600.0, "source_status")
    schedule.failed(100.0)
    assert schedule.due == 120.0 + 0.5


def test_it_never_asks_twice_within_ten_seconds_by_itself(schedule: Schedule) -> None:
    schedule.failed(100.0)
    assert schedule.due >= 110.0


# ---------------------------------------------------------------- mismatches


def test_a_mismatch_asks_at_once_and_the_next_not_for_thirty_seconds(schedule: Schedule) -> None:
    schedule.succeeded(1000.0)
    assert schedule.mismatched(1001.0)
    assert schedule.due == 1001.0
    assert not schedule.mismatched(1030.9)
    assert schedule.mismatched(1031.0)


def test_the_pause_doubles_up_to_the_interval_while_nothing_new_comes(schedule: Schedule) -> None:
    moments = [second for second in range(2500) if schedule.mismatched(float(second))]
    pauses = [later - earlier for earlier, later in pairwise(moments)]
    assert pauses == [30, 60, 120, 240, 480, 600, 600]


def test_something_new_makes_the_pause_short_again(schedule: Schedule) -> None:
    for now in (0.0, 30.0, 90.0):
        assert schedule.mismatched(now)
    schedule.learnt()
    assert schedule.mismatched(210.0)
    assert not schedule.mismatched(239.0)
    assert schedule.mismatched(240.0)


def test_a_refused_mismatch_costs_nothing(schedule: Schedule) -> None:
    """Whoever can make handshakes fail must not be able to push the next allowed moment away."""
    schedule.mismatched(0.0)
    for tenth in range(1, 300):
        assert not schedule.mismatched(tenth / 10)
    assert schedule.mismatched(30.0)


def test_a_short_interval_does_not_shorten_the_pause(schedule: Schedule) -> None:
    schedule.follow(10, 0.0)
    assert schedule.mismatched(0.0)
    assert not schedule.mismatched(29.0)
    assert schedule.mismatched(30.0)
    assert not schedule.mismatched(59.0)
    assert schedule.mismatched(60.0)
