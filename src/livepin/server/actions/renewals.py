"""Renewals: what is published is signed again at half of its life, so that it never expires while nobody changes it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from django.utils import timezone

from livepin.errors import LivepinError, NotFound
from livepin.server.actions import keys, publishes, revisions
from livepin.server.actions.actor import SERVER, Actor
from livepin.server.actions.publishes import Wish
from livepin.server.models import Project, Publish

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


def start_due(now: datetime | None = None) -> int:
    """Ask for the renewal of everything that is past half of its life; how many were asked for. Safe to repeat.

    One that failed is asked for again a day later; where an own key has to sign, it is asked for once.
    """
    moment, asked = now or timezone.now(), 0
    for project in Project.objects.filter(state="active", organization__deletion_requested_at=None).select_related(
        "organization"
    ):
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
    if row is None or moment < revisions.sign_again_at(row):
        return 0
    own = keys.signing_key(project).kind == "own"
    key = f"{publishes.RENEWAL}{row}" + ("" if own else f" {moment:%Y-%m-%d}")
    if project.publishes.filter(key=key).exists():
        return 0
    start(SERVER, project.organization.identifier, project.identifier, key)
    return 1
