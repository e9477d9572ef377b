"""Renewals: what is published is signed again, saying the same: at half of its life, so that it never expires while
nobody changes it, and when a new key set is in force, which applications have to hear of at once. Where this server's
freshness statements prolong a document, its life is as long as they can.

A renewal skips the guard and needs no approvals: it says nothing that was not said before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from livepin.core.guard import DAY
from livepin.core.keyset import KeySet
from livepin.errors import LivepinError, NotFound
from livepin.server.actions import freshness, keys, publishes, revisions
from livepin.server.actions.actor import SERVER, Actor, May, living_projects, reach_locked, reach_project
from livepin.server.actions.publishes import Wish
from livepin.server.models import Project, Publish, Revision

#: One that failed is asked for again after an eighth of the document's life, within these bounds (seconds).
_AGAIN, _LEAST_AGAIN, _MOST_AGAIN = 1 / 8, 3600, DAY

_log = structlog.get_logger("livepin.jobs")


def start(actor: Actor, organization: str, project: str, key: str = "") -> Publish:
    """Ask for what is published to be signed again, with new dates. Takes the right to publish, and no approvals.

    Raises as `publishes.start`, and `NotFound` where nothing is published.
    """

    def staged(found: Project) -> dict[str, Any]:
        row = revisions.current(found)
        payload = revisions.payload_of(found, row)
        if payload is None:
            raise NotFound("not_found", "nothing is published that could be signed again", where=project)
        return payload

    return publishes.ask(actor, organization, project, "renewal", Wish(key=key), staged)


def take_keyset(
    actor: Actor,
    organization: str,
    project: str,
    texts: Sequence[str],
    anchors: Sequence[str] | None = None,
    threshold: int | None = None,
) -> tuple[KeySet, Publish | None]:
    """Take a key set into force (`keys.put_keyset`), and ask for what is published to be signed under it at once.

    A key that it revokes is trusted by applications until they get a document that carries it. None: nothing is
    published, so nobody has to hear of it; or it is the key set that was in force already. Takes the right to manage.
    Raises as `keys.put_keyset`.
    """
    reach_project(actor, organization, project, May.MANAGE)
    with transaction.atomic():
        found = reach_locked(actor, organization, project, May.MANAGE)
        # Read before: new anchors need not vouch for what the old ones signed.
        before, payload = set(found.keys), revisions.payload_of(found, revisions.current(found))
        after = keys.put_keyset(actor, organization, project, texts, anchors, threshold)
        # The same with another signature on it is news: for applications that embed that anchor.
        if payload is None or before == set(texts) or found.state != "active":
            return after, None
        return after, publishes.ask(actor, organization, project, "renewal", Wish(), lambda _: payload)


def start_due(now: datetime | None = None) -> int:
    """Ask for the renewal of everything that is past half of its life; how many were asked for. Safe to repeat.

    One that failed is asked for again some time later; where an own key has to sign, it is asked for once.
    """
    moment, asked = now or timezone.now(), 0
    for project in living_projects().filter(state="active").select_related("organization"):
        try:
            asked += _start_due(project, moment)
        except LivepinError:
            pass  # its warnings say that it expires (warnings.py); others must not wait for it
        except Exception as error:
            # What is published may have come from elsewhere: a document of one tenant must not stop all renewals.
            _log.error("a renewal stumbled", project=str(project.id), error=type(error).__name__)
    return asked


def _start_due(project: Project, moment: datetime) -> int:
    row = revisions.current(project)
    if row is None or moment < (due := freshness.sign_again_at(project, row)):
        return 0
    own = keys.signing_key(project).kind == "own"
    key = f"{publishes.RENEWAL}{row}" + ("" if own else f", try {_try(row, moment, due)}")
    if project.publishes.filter(key=key).exists():
        return 0
    start(SERVER, project.organization.identifier, project.identifier, key)
    return 1


def _try(row: Revision, moment: datetime, due: datetime) -> int:
    """Which try a renewal would be: one that failed is asked for again while there is time."""
    pause = min(max((row.expires_at - row.issued_at) * _AGAIN, _LEAST_AGAIN), _MOST_AGAIN)
    return int((moment - due).total_seconds() // pause) + 1
