"""What was published elsewhere, in an emergency or before a backup was taken, is taken over when somebody asks.

Every publish adopts by itself before it signs (delivery.py). Whoever handled an emergency need not wait for one, and
can have the draft say what was published then.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from livepin.author.draft import Draft
from livepin.author.restaging import draft_from
from livepin.errors import Conflict
from livepin.server.actions import drafts, rates, revisions, turns
from livepin.server.actions.actor import Actor, May, reach_project
from livepin.server.actions.revisions import Unanswered
from livepin.server.models import Project, Revision

#: Each one reads every origin and the public URL.
PER_MINUTE = 20


@dataclass(frozen=True, slots=True)
class Adoption:
    """`revisions`: what was not known here, the lowest number first; `unanswered`: what could not be asked."""

    revisions: tuple[Revision, ...]
    unanswered: tuple[Unanswered, ...]


def adopt(actor: Actor, organization: str, project: str, *, dry_run: bool = False) -> Adoption:
    """Make known what origins and the public URL have; `dry_run`: only say what that would be.

    Whatever was asked for before, and is not signed yet, is superseded by it. Takes the right to publish. Raises
    `NotFound`, `Forbidden`, `RateLimited`, `Conflict` (`state_wrong`).
    """
    reached, found = reach_project(actor, organization, project, May.PUBLISH)
    if found.state != "active":
        raise Conflict("state_wrong", f"the project is {found.state}", where=f"{organization}/{project}")
    if found.publishes.filter(leased_until__gt=timezone.now()).exists():
        message = "a publish is under way, which adopts by itself"
        raise Conflict("state_wrong", message, where=f"{organization}/{project}")
    rates.spend(f"adoptions of {found.id}", PER_MINUTE)
    unanswered: list[Unanswered] = []
    with turns.looking(reached.organization.id):
        rows = revisions.strange(found, unanswered) if dry_run else revisions.adopt(found, unanswered, actor)
    return Adoption(tuple(rows), tuple(unanswered))


def take(actor: Actor, organization: str, project: str, version: int | None, epoch: int, serial: int) -> Project:
    """Have the draft say what a revision said; notes, and where to look, stay. Raises as `drafts.edit`, `NotFound`."""

    def said(found: Project) -> Draft:
        payload = revisions.payload_of(found, revisions.find(found, epoch, serial))
        if payload is None:
            message = "the revision does not verify under the anchors that are embedded now"
            raise Conflict("state_wrong", message, where=f"{epoch}.{serial}")
        return draft_from(payload, drafts.draft_of(found), f"{epoch}.{serial}")

    return drafts.put(actor, organization, project, version, said, f"draft taken from {epoch}.{serial}")
