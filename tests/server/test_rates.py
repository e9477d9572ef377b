"""Rate limits hold for all processes together, and cost a look at the table once in a while."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from livepin.errors import RateLimited
from livepin.server.actions import rates
from livepin.server.models import Rate

NOON = 1_800_000_000.0
pytestmark = pytest.mark.django_db


def allowed(subject: str, most: int, now: float, tries: int) -> int:
    passed = 0
    for _ in range(tries):
        try:
            rates.spend(subject, most, now)
        except RateLimited:
            continue
        passed += 1
    return passed


def test_so_many_a_minute_and_then_no_more_until_the_next() -> None:
    assert allowed("a", 40, NOON, 100) == 40
    assert allowed("b", 40, NOON, 10) == 10
    with pytest.raises(RateLimited) as caught:
        rates.spend("a", 40, NOON + 12)
    assert caught.value.seconds == 60 - int(NOON + 12) % 60
    assert allowed("a", 40, NOON + 60, 100) == 40


def test_processes_count_together() -> None:
    passed = 0
    for _ in range(4):
        rates.forget()  # what another process is: one that counts from nothing
        passed += allowed("a", 40, NOON, 30)
    # Each may let one share, a twentieth of the limit, through before it hears of the others.
    assert 40 <= passed <= 40 + 4 * 2


def test_counting_seldom_asks_the_table() -> None:
    with CaptureQueriesContext(connection) as caught:
        allowed("a", 600, NOON, 290)
    assert len(caught) <= 9 * 6


def test_what_is_counted_names_nobody_and_does_not_stay() -> None:
    allowed("address 192.0.2.1", 20, NOON, 5)
    assert "192.0.2.1" not in str([vars(one) for one in Rate.objects.all()])
    allowed("address 192.0.2.2", 20, NOON + 7200, 5)
    assert Rate.objects.count() == 1
