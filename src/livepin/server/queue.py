"""The port by which actions leave work for later. Two engines take it up (jobs/): threads on one machine, with SQLite;
procrastinate on many, with PostgreSQL.

What is enqueued is a task's name with arguments that JSON can hold, in the caller's transaction: it is there if and
only if the change is that asked for it. It runs at least once, so a task has to be safe to repeat.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Count, Max, Min, QuerySet
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


def hurry(name: str) -> None:
    """Have the job of a name that waits for its hour, or for its next try, run now: somebody asked for it."""
    now = timezone.now()
    if not CONFIG.on_postgres:
        Job.objects.filter(name=name, state="waiting", due_at__gt=now).update(due_at=now)
        return
    # Procrastinate's models are read-only, and it knows no such thing.
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_jobs SET scheduled_at = NULL "
            "WHERE queueing_lock = %s AND status = 'todo' AND scheduled_at > %s",
            [name, now],
        )


# ---------------------------------------------------------------- what operators see

#: What procrastinate calls the states of a job.
_STATES = {"todo": "waiting", "doing": "running", "succeeded": "done"}


@dataclass(frozen=True, slots=True)
class Standing:
    """How the jobs stand: how many are in each state, and since when the one that is due longest waits."""

    counts: dict[str, int]
    due_since: datetime | None


@dataclass(frozen=True, slots=True)
class Dead:
    """A job that was given up: `name` as it was enqueued, `problem` why, `died_at` when it failed last."""

    id: int
    task: str
    name: str
    arguments: dict[str, Any]
    problem: str
    died_at: datetime | None


def standing() -> Standing:
    """How the jobs stand, on either engine."""
    now = timezone.now()
    if not CONFIG.on_postgres:
        rows = Job.objects.values_list("state").annotate(count=Count("id"))
        waiting = Job.objects.filter(state="waiting", due_at__lte=now).aggregate(first=Min("due_at"))
        return Standing(dict(rows), waiting["first"])
    from procrastinate.contrib.django.models import ProcrastinateJob

    counts: dict[str, int] = {}
    for status, count in ProcrastinateJob.objects.values_list("status").annotate(count=Count("id")):
        state = _STATES.get(status, "dead")
        counts[state] = counts.get(state, 0) + count
    # One that has no hour was due when it was enqueued; when that was is not asked for at each scrape.
    late = ProcrastinateJob.objects.filter(status="todo", scheduled_at__lte=now)
    return Standing(counts, late.aggregate(first=Min("scheduled_at"))["first"])


def dead(most: int = 100, among: Collection[int] | None = None) -> list[Dead]:
    """Jobs that were given up, the newest first; `among`: of these numbers only."""
    if not CONFIG.on_postgres:
        rows = _among(Job.objects.filter(state="dead"), among).order_by("-id")[:most]
        return [Dead(one.pk, one.task, one.name, _given(one.arguments), one.problem, one.finished_at) for one in rows]
    from procrastinate.contrib.django.models import ProcrastinateJob

    given_up = _among(ProcrastinateJob.objects.exclude(status__in=_STATES), among)
    given_up = given_up.annotate(died_at=Max("procrastinateevent__at")).order_by("-id")[:most]
    return [
        Dead(
            one.id,
            one.task_name,
            one.queueing_lock or "",
            _given(one.args),
            str(one.args.get(PROBLEM, "")),
            one.died_at,
        )
        for one in given_up
    ]


def _among(rows: QuerySet[Any], among: Collection[int] | None) -> QuerySet[Any]:
    return rows if among is None else rows.filter(id__in=among)


#: Members of a job's arguments that are the engines', not the task's.
ATTEMPT, PROBLEM = "attempt", "livepin_problem"


def _given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if name not in (ATTEMPT, PROBLEM)}


def note_problem(number: int, problem: str) -> None:
    """Keep why a job of procrastinate's died, which it does not keep itself: where it keeps the arguments."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_jobs SET args = args || jsonb_build_object(%s::text, %s::text) WHERE id = %s",
            [PROBLEM, problem[:500], number],
        )


def retry(number: int) -> bool:
    """Have a dead job run once more, from its first try on; False where there is none of this number."""
    with transaction.atomic():
        found = dead(1, [number])
        if not found or not drop(number):
            return False
        enqueue(found[0].task, found[0].arguments, found[0].name)
    return True


def drop(number: int) -> bool:
    """Forget a dead job; False where there is none of this number."""
    if not CONFIG.on_postgres:
        return bool(Job.objects.filter(id=number, state="dead").delete()[0])
    with connection.cursor() as cursor:
        known = list(_STATES)
        cursor.execute("DELETE FROM procrastinate_jobs WHERE id = %s AND status::text <> ALL(%s)", [number, known])
        return bool(cursor.rowcount)
