"""The port by which actions leave work for later. Two engines take it up (jobs/): threads on one machine, with SQLite;
procrastinate on many, with PostgreSQL.

What is enqueued is a task's name with arguments that JSON can hold, in the caller's transaction: it is there if and
only if the change is that asked for it. It runs at least once, so a task has to be safe to repeat.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from livepin.server.models import Job
from livepin.server.settings import CONFIG


class Again(Exception):  # it is no error: the work is not ready to be done
    """Raised by a task that wants to be run again in `seconds`, which does not count as a failure."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def enqueue(task: str, arguments: dict[str, Any], name: str = "", due_at: datetime | None = None) -> None:
    """Have a task of the registry (jobs/tasks.py) run, from `due_at` on.

    `name`: of jobs with one name, one waits at most; asking again while it waits changes nothing.
    """
    (_on_procrastinate if CONFIG.on_postgres else _on_table)(task, arguments, name, due_at)


def _on_table(task: str, arguments: dict[str, Any], name: str, due_at: datetime | None) -> None:
    try:
        with transaction.atomic():
            Job.objects.create(task=task, arguments=arguments, name=name, due_at=due_at or timezone.now())
    except IntegrityError:
        if not name:
            raise


def _on_procrastinate(task: str, arguments: dict[str, Any], name: str, due_at: datetime | None) -> None:
    from procrastinate.contrib.django import app
    from procrastinate.exceptions import AlreadyEnqueued

    deferrer = app.configure_task(task, queueing_lock=name or None, schedule_at=due_at, allow_unknown=True)
    try:
        with transaction.atomic():
            deferrer.defer(**arguments)
    except AlreadyEnqueued:
        pass
