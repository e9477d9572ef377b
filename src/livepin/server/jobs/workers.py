"""The engine of many machines: procrastinate, on the PostgreSQL that they share.

Its schema is a set of Django migrations, applied with ours. Jobs are enqueued on Django's connection, in the caller's
transaction (queue.py); workers have an app of their own, because a worker needs connections of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from datetime import timedelta

import procrastinate
import structlog
from django.db import DatabaseError, close_old_connections
from procrastinate import JobContext, PsycopgConnector
from procrastinate.contrib.django.utils import connector_params
from procrastinate.exceptions import ConnectorException

from livepin.server import queue
from livepin.server.jobs import beats, tasks
from livepin.server.settings import CONFIG

_log = structlog.get_logger("livepin.jobs")
#: How long jobs that run have when their worker is asked to end, in seconds.
_PATIENCE = 10.0
_TIDY_EVERY = timedelta(hours=6)


class Workers:
    """Runs jobs until `stop` is set, `count` at a time."""

    def __init__(self, stop: threading.Event, count: int = 4) -> None:
        self._stop = stop
        self._count = count

    def run(self) -> None:
        """Work. Returns when `stop` is set and what runs has ended, or could not be waited for."""
        asyncio.run(self._run())

    async def _run(self) -> None:
        app = procrastinate.App(connector=PsycopgConnector(kwargs=connector_params()))
        for name in tasks.TASKS:
            _register(app, name)
        async with app.open_async():
            worker = asyncio.create_task(
                app.run_worker_async(
                    concurrency=self._count,
                    install_signal_handlers=False,
                    fetch_job_polling_interval=1.0,
                    update_heartbeat_interval=CONFIG.lease_seconds / 4,
                    stalled_worker_timeout=CONFIG.lease_seconds,
                    shutdown_graceful_timeout=_PATIENCE,
                    delete_jobs="successful",
                )
            )
            try:
                while not self._stop.is_set() and not worker.done():
                    await self._keep_house(app)
                    await asyncio.sleep(min(1.0, CONFIG.lease_seconds / 4))
            finally:
                worker.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await worker

    async def _keep_house(self, app: procrastinate.App) -> None:
        """A database that is away for a while ends no worker."""
        try:
            sweeps, tidies = await asyncio.to_thread(_beat)
            if sweeps:
                await _sweep(app)
            if tidies:
                hours = int(tasks.KEEP_DEAD.total_seconds()) // 3600
                await app.job_manager.delete_old_jobs(hours, include_failed=True, include_aborted=True)
        except Exception as error:
            _log.error("jobs stumbled", error=type(error).__name__)


def _beat() -> tuple[bool, bool]:
    """Whether this worker, and no other, looks for lost jobs now; and whether for old ones."""
    close_old_connections()
    try:
        beats.beat()
        # Two that sweep at once could take a job from whoever took it up a moment ago.
        return beats.claim("sweep", timedelta(seconds=CONFIG.lease_seconds / 4)), beats.claim("sweep old", _TIDY_EVERY)
    finally:
        close_old_connections()


async def _sweep(app: procrastinate.App) -> None:
    """Let jobs wait again whose workers gave no sign of life; those that took one with them each time are dead."""
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=CONFIG.lease_seconds):
        if job.attempts >= tasks.MAX_DEATHS - 1:
            await asyncio.to_thread(_note, job.id, tasks.PROCESS_DIED)
            with contextlib.suppress(ConnectorException):
                await app.job_manager.finish_job(job, procrastinate.jobs.Status.FAILED, delete_job=False)
            tasks.tell_dead(job.task_name, job.queueing_lock or "", tasks.PROCESS_DIED)
            continue
        try:
            await app.job_manager.retry_job(job)
        except ConnectorException:
            # Another worker was faster; or the same thing was asked for meanwhile and waits, and this one is over.
            with contextlib.suppress(ConnectorException):
                await app.job_manager.finish_job(job, procrastinate.jobs.Status.FAILED, delete_job=True)


def _register(app: procrastinate.App, name: str) -> None:
    @app.task(name=name, pass_context=True)
    def run(context: JobContext, /, **arguments: object) -> None:
        try:
            tasks.perform(name, arguments, context.job.queueing_lock or "")
        except Exception as error:
            # What fails for the last time is left to procrastinate, whose failed jobs are kept.
            _note(context.job.id, tasks.why(error))
            raise


def _note(number: int | None, problem: str) -> None:
    """Why a job died; a database that is away for a while does not hide the job's own error."""
    close_old_connections()
    try:
        if number is not None:
            queue.note_problem(number, problem)
    except DatabaseError as error:
        _log.error("jobs stumbled", error=type(error).__name__)
    finally:
        close_old_connections()
