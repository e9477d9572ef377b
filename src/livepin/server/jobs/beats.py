"""Periodic tasks: whoever moves a task's row on enqueues it, so that of many workers one does."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from livepin.server import queue
from livepin.server.jobs.tasks import PERIODIC
from livepin.server.models import Beat


def beat(now: datetime | None = None) -> list[str]:
    """Enqueue the periodic tasks that are due; their names. The hours that nobody worked are not made up for."""
    moment = now or timezone.now()
    due = dict(Beat.objects.values_list("task", "due_at"))
    return [task for task in PERIODIC if due.get(task, moment) <= moment and _move_on(task, moment)]


def claim(name: str, every: timedelta, now: datetime | None = None) -> bool:
    """Whether it is this worker that does something now which one of all does so often."""
    moment = now or timezone.now()
    Beat.objects.bulk_create([Beat(task=name, due_at=moment)], ignore_conflicts=True)
    return bool(Beat.objects.filter(task=name, due_at__lte=moment).update(due_at=moment + every))


def _move_on(task: str, moment: datetime) -> bool:
    with transaction.atomic():
        mine = claim(task, PERIODIC[task], moment)
        if mine:
            queue.enqueue(task, {}, task)
    return mine
