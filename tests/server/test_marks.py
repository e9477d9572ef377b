"""What all processes remember for a while: each thing once, as long as it counts, and naming nobody."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from livepin.server.actions import marks
from livepin.server.jobs import tasks
from livepin.server.models import Mark

pytestmark = pytest.mark.django_db


def age(seconds: float) -> None:
    """Let time pass for everything that is remembered."""
    for mark in Mark.objects.all():
        mark.until -= timedelta(seconds=seconds)
        mark.save()


def test_what_is_remembered_is_added_once_until_its_time_is_over() -> None:
    assert cache.add("code", "y", 30)
    assert not cache.add("code", "n", 30)
    assert cache.get("code") == "y"
    age(31)
    assert cache.get("code", "gone") == "gone"
    assert cache.add("code", "n", 30)
    assert cache.get("code") == "n"


def test_it_is_changed_prolonged_and_forgotten() -> None:
    cache.set("attempts", [2.5], 10)
    cache.set("attempts", [3.5, 2.5], 10)
    assert cache.touch("attempts", 100)
    age(50)
    assert cache.get("attempts") == [3.5, 2.5]
    assert cache.delete("attempts")
    assert not cache.delete("attempts")
    assert not cache.touch("attempts", 100)
    assert cache.get("attempts") is None


def test_a_time_that_no_calendar_knows_is_cut_and_none_is_long() -> None:
    assert cache.add("jti", value=True, timeout=1e18)
    assert cache.add("for ever", value=True, timeout=None)
    latest = timezone.now() + timedelta(seconds=marks.LONGEST)
    assert {mark.until <= latest for mark in Mark.objects.all()} == {True}
    age(marks.LONGEST - 60)
    assert cache.get("jti") is cache.get("for ever") is True


def test_nothing_that_still_counts_is_thrown_out_and_the_rest_is_swept() -> None:
    cache.set("old", [1], 10)
    age(11)
    cache.set("attempts", [1], 300)
    for number in range(400):  # of Django's own caches, one that is full throws out what comes first by name
        cache.set(f"another {number}", [1], 300)
    tasks.TASKS["tidy"]()
    assert cache.get("attempts") == [1]
    assert Mark.objects.count() == 401


def test_the_table_names_nobody_and_holds_no_code_and_no_pickle() -> None:
    cache.add("allauth.mfa.totp.used?user=7&code=123456", "y", 30)
    client = Client(REMOTE_ADDR="192.0.2.77")
    client.post("/account/login/", {"login": "somebody@example.com", "password": "a guess"})
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {Mark._meta.db_table}")
        rows = cursor.fetchall()
    assert len(rows) >= 3
    for word in ("123456", "192.0.2.77", "somebody"):
        assert word not in str(rows)
    # What was written can be read as JSON: nothing in this table is ever executed.
    assert {type(json.loads(row[1])) for row in rows} == {str, list}
