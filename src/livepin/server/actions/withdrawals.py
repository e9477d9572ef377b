"""The end of a project's documents.

decommission   nothing is pinned any more: a last revision is `off` everywhere, and some time later, when
               applications had time to fetch it, the objects are removed
withdraw       something is wrong with what was signed: the objects are removed at once, and nothing new is signed.
               Applications keep judging by what they hold; those that start without a document fail closed
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from livepin.core.document import FORMAT
from livepin.errors import Conflict, ValueInvalid
from livepin.publish import withdrawal
from livepin.server import queue
from livepin.server.actions import audit, publishes, revisions
from livepin.server.actions.actor import Actor, May, reach_locked, reach_project
from livepin.server.actions.origins import origins
from livepin.server.actions.publishes import Wish
from livepin.server.models import Project, Publish

#: How long the last revision stays on the origins: applications refresh at least hourly, while they run.
KEEP_HOURS = 72


def decommission(
    actor: Actor, organization: str, project: str, reason: str, keep_hours: int = KEEP_HOURS, wish: Wish | None = None
) -> Publish:
    """Publish a last revision that is `off` everywhere, and remove the objects `keep_hours` (0 to 8,760) later.

    Takes the right to manage, and approvals as any publish. Once it is published, the project takes no changes. Raises
    `NotFound`, `Forbidden`, `ValueInvalid`, `Conflict` (`state_wrong`).
    """
    if not 0 <= keep_hours <= 8760:
        raise ValueInvalid("value_invalid", "it is not a number from 0 to 8760", where="keep_hours")

    def staged(found: Project) -> dict[str, Any]:
        payload = revisions.payload_of(found, revisions.current(found))
        if payload is None:
            hint = "Withdraw it, or delete it."
            raise Conflict("state_wrong", "nothing is published that could end", where=project, hint=hint)
        return _off(payload)

    asked = wish or Wish()
    given = Wish(asked.overrides, _reason(reason), asked.scheduled_for, None, asked.key)
    return publishes.ask(actor, organization, project, "withdrawal", given, staged, May.MANAGE, keep_hours=keep_hours)


def _off(payload: dict[str, Any]) -> dict[str, Any]:
    """The same patterns, so that nothing becomes unlisted, and none of them judged."""
    kept = {name: payload[name] for name in ("organization", "project", "serial", "issued_at", "expires_at")}
    hosts = [{"host": one["host"], "action": "off"} for one in payload["hosts"]]
    return {"format": FORMAT, **kept, "hosts": hosts}


def withdraw(actor: Actor, organization: str, project: str, reason: str) -> Project:
    """Remove the documents from every origin at once, and sign nothing more. Takes the right to manage.

    What waited is cancelled. The objects go as soon as a job gets there, within seconds; an origin that does not
    answer is asked again until it does. Raises `NotFound`, `Forbidden`, `ValueInvalid`.
    """
    note = _reason(reason)
    reach_project(actor, organization, project, May.MANAGE)
    with transaction.atomic():
        found = reach_locked(actor, organization, project, May.MANAGE)
        found.state = "withdrawn"
        found.save(update_fields=["state"])
        unfinished = found.publishes.filter(state__in=("checking", "waiting", "unsigned", "publishing", "failed"))
        unfinished.update(state="cancelled", finished_at=timezone.now())
        Publish.objects.create(
            project=found,
            what="withdrawal",
            state="published",
            asked_by=actor.account,
            note=note,
            finished_at=timezone.now(),
        )
        audit.append(found.organization, actor, "project withdrawn", project)
        name = f"remove objects of {found.id}"
        queue.enqueue("remove objects", {"project_id": str(found.id)}, name)
        queue.hurry(name)  # it may wait since the project was decommissioned
    return found


def _reason(text: str) -> str:
    if not text.strip() or len(text) > 500 or any(ord(one) < 32 for one in text):
        raise ValueInvalid("value_invalid", "it is not one line of 1 to 500 characters", where="reason")
    return text.strip()


def remove_objects(project_id: str) -> None:
    """Remove everything of a project from every origin, the pointer first. Safe to repeat.

    A project that is active again, or never ended, keeps its objects. Raises `OriginFailed`, and `queue.Again` while
    a worker may still be delivering: what it wrote after us is removed then.
    """
    project = Project.objects.select_related("organization").filter(id=project_id).exclude(state="active").first()
    if project is None:
        return
    busy = project.publishes.filter(leased_until__gt=timezone.now()).exists()
    remove_all(project)
    if busy:
        raise queue.Again(2.0)


def remove_all(project: Project) -> None:
    """Remove every object of a project, whatever its state: for its purge. Raises `OriginFailed`."""
    known = project.revisions.values_list("epoch", "serial")
    pointers, revisions = withdrawal.objects(project.organization.identifier, project.identifier, known)
    for origin in origins():
        for key in (*pointers, *revisions):
            origin.remove(key)
