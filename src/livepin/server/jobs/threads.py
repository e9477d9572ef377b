"""The engine of one machine: threads over the table of jobs.

A job that runs is leased, and its lease is renewed while its process lives. After `kill -9` the lease runs out, and the
job waits again. A job during which its process died again and again is dead.
"""

from __future__ import annotations

import threading
from datetime import timedelta

import structlog
from django.db import IntegrityError, close_old_connections, transaction
from django.utils import timezone

from livepin.server.jobs import beats, tasks
from livepin.server.models import Job
from livepin.server.settings import CONFIG

_log = structlog.get_logger("livepin.jobs")
#: How often an idle thread asks for a job, in seconds.
POLL = 0.2


class Threads:
    """Runs jobs until `stop` is set. `count` threads; one more beats, sweeps and renews the leases."""

    def __init__(self, stop: threading.Event, count: int = 2) -> None:
        self._stop = stop
        self._count = count
        self._running: set[int] = set()
        self._lock = threading.Lock()

    def run(self) -> None:
        """Work. Returns when `stop` is set and what runs has ended."""
        threads = [threading.Thread(target=self._work, name=f"jobs {number}") for number in range(self._count)]
        for thread in threads:
            thread.start()
        lease = timedelta(seconds=CONFIG.lease_seconds)
        while True:
            self._safely(lambda: self._keep_house(lease))
            if self._stop.wait(min(1.0, CONFIG.lease_seconds / 4)):
                break
        for thread in threads:
            # The leases are renewed to the end.
            while thread.is_alive():
                thread.join(CONFIG.lease_seconds / 4)
                self._safely(lambda: self._renew(lease))

    def _keep_house(self, lease: timedelta) -> None:
        self._renew(lease)
        sweep()
        beats.beat()

    def _renew(self, lease: timedelta) -> None:
        with self._lock:
            running = list(self._running)
        if running:
            Job.objects.filter(id__in=running, state="running").update(leased_until=timezone.now() + lease)

    def _work(self) -> None:
        while not self._stop.is_set():
            if not self._safely(self._one):
                self._stop.wait(POLL)

    def _safely(self, act: object) -> bool:
        """Whether there was something to do. A database that is away for a while ends no thread."""
        try:
            close_old_connections()
            return bool(act())  # type: ignore[operator]
        except Exception as error:
            _log.error("jobs stumbled", error=type(error).__name__)
            return False

    def _one(self) -> bool:
        job = take()
        if job is None:
            return False
        with self._lock:
            self._running.add(job.id)
        try:
            run(job)
        finally:
            with self._lock:
                self._running.discard(job.id)
        return True


def take() -> Job | None:
    """The job that is due longest, leased to the caller."""
    due = Job.objects.filter(state="waiting", due_at__lte=timezone.now()).order_by("due_at", "id")
    if not due.exists():  # without the write lock, which others may need
        return None
    with transaction.atomic():
        job = due.select_for_update().first()
        if job is None:
            return None
        job.state, job.attempts = "running", job.attempts + 1
        job.leased_until = timezone.now() + timedelta(seconds=CONFIG.lease_seconds)
        job.save(update_fields=["state", "attempts", "leased_until"])
    return job


def run(job: Job) -> None:
    """Run a leased job, and write down what became of it."""
    try:
        tasks.perform(job.task, job.arguments, job.name)
    except Exception as error:
        _end(job, "dead", tasks.why(error))
    else:
        _end(job, "done", "")


def _end(job: Job, state: str, problem: str) -> None:
    members = {"state": state, "problem": problem[:500], "finished_at": timezone.now(), "leased_until": None}
    Job.objects.filter(id=job.id, state="running").update(**members)


def sweep() -> int:
    """Let jobs wait again whose workers died; how many there were."""
    lost = list(Job.objects.filter(state="running", leased_until__lt=timezone.now()))
    for job in lost:
        if job.attempts >= tasks.MAX_DEATHS:
            _end(job, "dead", tasks.PROCESS_DIED)
            tasks.tell_dead(job.task, job.name, tasks.PROCESS_DIED)
            continue
        try:
            with transaction.atomic():
                Job.objects.filter(id=job.id, state="running").update(state="waiting", leased_until=None)
        except IntegrityError:
            # The same thing was asked for meanwhile, and waits.
            _end(job, "done", "another of its name waits")
    return len(lost)


def run_waiting(most: int = 1000) -> int:
    """Run what is due, here and now; how many jobs that were. For a command line and for tests."""
    for number in range(most):
        job = take()
        if job is None:
            return number
        run(job)
    return most
