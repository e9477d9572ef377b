"""Whether this server can do its work: what /readyz asks. Each check says why not, in words that hold no secret."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from livepin.errors import LivepinError
from livepin.server import keyring
from livepin.server.models import Beat, Key
from livepin.server.settings import CONFIG

#: Nothing periodic is due this late when somebody works.
_JOBS_LATE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Check:
    """One question; `problem` is empty where the answer is yes."""

    name: str
    problem: str

    @property
    def ok(self) -> bool:
        """Whether all is well."""
        return not self.problem


def all_checks() -> list[Check]:
    """Every check that concerns the roles of this process, the database first; without it the others are not asked."""
    asked = [Check("database", _asked(_database))]
    if asked[0].ok:
        asked += [Check(name, _asked(question)) for name, question in _QUESTIONS.items() if _concerns(name)]
    return asked


def _concerns(name: str) -> bool:
    return bool(_ROLES.get(name, CONFIG.roles) and set(_ROLES.get(name, CONFIG.roles)) & set(CONFIG.roles))


def _asked(question: Callable[[], str]) -> str:
    try:
        return question()
    except LivepinError as error:
        return error.message
    except DatabaseError as error:
        # What a driver says may name hosts and users; its kind is enough here, the log of the database has the rest.
        return f"the database does not answer ({type(error).__name__})"


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(missing)} migrations are missing: start `livepin serve` anew" if missing else ""


def _master_keys() -> str:
    # livepin-key.1.<master key's ID>…: all of them, for a new one may have been made under a key that is the wrong one.
    strange = Key.objects.filter(kind="managed").exclude(sealed="")
    for master in keyring.masters(CONFIG):
        strange = strange.exclude(sealed__startswith=f"livepin-key.1.{master.id}.")
    if not strange.exists():
        return ""
    return "the master key under which signing keys are sealed is not given"


def _jobs() -> str:
    late = Beat.objects.filter(due_at__lt=timezone.now() - _JOBS_LATE).order_by("due_at").first()
    return f"no worker is at it: {late.task} is overdue since {late.due_at:%Y-%m-%dT%H:%M:%SZ}" if late else ""


def _origin() -> str:
    folder = CONFIG.origin_folder
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return ""
    return "the origin's folder is missing or cannot be written to"


_QUESTIONS: dict[str, Callable[[], str]] = {
    "migrations": _migrations,
    "master key": _master_keys,
    "jobs": _jobs,
    "origin": _origin,
}
#: Who needs it; the others are asked everywhere.
_ROLES = {"master key": ("api", "web", "jobs"), "origin": ("jobs", "origin")}
