"""Every task by its name: what `queue.enqueue` can ask for. A task runs at least once and is safe to repeat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import structlog
from django.db import close_old_connections, transaction
from django.utils import timezone

from livepin.server import backup, queue
from livepin.server.actions import (
    deletions,
    delivery,
    freshness,
    looks,
    marks,
    publishes,
    renewals,
    warnings,
    withdrawals,
)
from livepin.server.actions.actor import living_projects
from livepin.server.models import Job, Notice
from livepin.server.settings import CONFIG

_log = structlog.get_logger("livepin.jobs")

#: After so many failures a job is dead: it is kept, shown, and not tried again.
MAX_ATTEMPTS = 8
#: A job that took so many processes with it is not given to another.
MAX_DEATHS = 5
PROCESS_DIED = "its process died each time"
#: How long jobs are kept that are done, and those that are dead.
KEEP_DONE, KEEP_DEAD = timedelta(days=2), timedelta(days=60)


def _publish(publish_id: str) -> None:
    delivery.run(publish_id)


def _looks() -> None:
    """Each project's looks are a job of their own: one that is slow holds up no other."""
    for project_id in (
        living_projects().filter(state="active", hosts__isnull=False).distinct().values_list("id", flat=True)
    ):
        queue.enqueue("look", {"project_id": str(project_id)}, f"look {project_id}")


def _look(project_id: str) -> None:
    project = living_projects().select_related("organization").filter(id=project_id, state="active").first()
    if project is not None:
        looks.refresh_all(project)


def _remove(project_id: str) -> None:
    withdrawals.remove_objects(project_id)


def _warnings() -> None:
    """As looks: a mail server that hangs for one project's members holds up no other."""
    for project_id in living_projects().filter(state="active").values_list("id", flat=True):
        queue.enqueue("warn", {"project_id": str(project_id)}, f"warn {project_id}")


def _warn(project_id: str) -> None:
    warnings.mail_due(project_id)


def _freshness() -> None:
    """As looks: an origin that hangs for one project holds up no other."""
    for project_id in freshness.extendable():
        queue.enqueue("prolong", {"project_id": project_id}, f"prolong {project_id}")


def _prolong(project_id: str) -> None:
    freshness.prolong(project_id)


def _purge() -> None:
    """What is due is gone, in backups too, and in mail that was only written to files."""
    backup.forget_old(CONFIG, timezone.now().timestamp())
    deletions.purge_due()


def _tidy() -> None:
    now = timezone.now()
    marks.sweep()
    Notice.objects.filter(claimed_at__lt=now - warnings.KEEP_NOTICES).delete()
    Job.objects.filter(state="done", finished_at__lt=now - KEEP_DONE).delete()
    Job.objects.filter(state="dead", finished_at__lt=now - KEEP_DEAD).delete()


TASKS: Mapping[str, Callable[..., Any]] = {
    "publish": _publish,
    "resume": publishes.resume_all,
    "renewals": renewals.start_due,
    "looks": _looks,
    "look": _look,
    "warnings": _warnings,
    "warn": _warn,
    "freshness": _freshness,
    "prolong": _prolong,
    "remove objects": _remove,
    "tidy": _tidy,
    "purge": _purge,
}

#: How often the server asks itself for a task (beats.py).
PERIODIC: Mapping[str, timedelta] = {
    "resume": timedelta(minutes=1),
    "renewals": timedelta(minutes=15),
    "freshness": timedelta(minutes=15),
    "looks": timedelta(hours=6),
    "warnings": timedelta(hours=1),
    "tidy": timedelta(hours=1),
    "purge": timedelta(hours=1),
}


def perform(task: str, arguments: Mapping[str, Any], name: str) -> None:
    """Run one job. What is to be tried again is enqueued anew; raises whatever made it fail for the last time."""
    close_old_connections()
    given = {name: value for name, value in arguments.items() if name != queue.PROBLEM}
    attempt = int(given.pop(queue.ATTEMPT, 1))
    try:
        TASKS[task](**given)
    except queue.Again as again:
        _later(task, arguments, name, again.seconds)
    except Exception as error:
        # What an error says may hold what people typed: its kind is enough here.
        _log.warning("job failed", task=task, attempt=attempt, error=type(error).__name__, code=_code(error))
        if attempt >= MAX_ATTEMPTS:
            tell_dead(task, name, why(error))
            raise
        _later(task, {**given, queue.ATTEMPT: attempt + 1}, name, pause_after(attempt))
    else:
        _log.debug("job done", task=task)
    finally:
        close_old_connections()


def tell_dead(task: str, name: str, why: str) -> None:
    """A job is given up: an operator should look."""
    _log.error("job is dead", task=task, job=name, error=why)


def why(error: Exception) -> str:
    """An error in two words: its kind, and its code if it has one."""
    return f"{type(error).__name__} {_code(error)}".strip()


def _code(error: Exception) -> str:
    return str(getattr(error, "code", ""))


def _later(task: str, arguments: Mapping[str, Any], name: str, seconds: float) -> None:
    with transaction.atomic():
        queue.enqueue(task, dict(arguments), name, timezone.now() + timedelta(seconds=seconds))


def pause_after(attempt: int) -> float:
    """Seconds until a job that failed is tried again."""
    return float(min(3600, 5 * 4 ** (attempt - 1)))
