"""Whose yes a publish needs still, and whether who asked for it may do so still.

Both are asked at the moment at which it goes on, however long it waited: a right that is gone carries nothing.
"""

from __future__ import annotations

from django.db.models import QuerySet

from livepin.errors import Forbidden
from livepin.server.actions import second_factors
from livepin.server.actions.actor import ORDER, ROLES, May
from livepin.server.models import Membership, Publish


def missing(publish: Publish) -> int:
    """How many other members have to approve still. What the server renews says nothing new, and needs nobody's yes.

    An approval counts while its account may publish; who asked does not count, whatever became of the account.
    """
    if publish.what == "renewal":
        return 0
    needed = publish.project.approvals_required - 1
    if needed <= 0:
        return 0
    given = _who_may(publish, May.PUBLISH).filter(account__in=publish.approvals.values("account"))
    return needed - given.exclude(account=publish.asked_by_id).count()


def check_asker(publish: Publish) -> None:
    """Raise `Forbidden` where who asked may do so no longer: a publish that waits does not outlive their right.

    The threat: somebody who is about to be removed schedules a document for the week after.
    """
    needed = May.MANAGE if publish.what == "withdrawal" else May.PUBLISH
    if publish.what != "renewal" and not _who_may(publish, needed).filter(account=publish.asked_by_id).exists():
        hint = "Have somebody who may ask for it again."
        message = "who asked for this publish may publish here no longer"
        raise Forbidden("forbidden", message, where=str(publish.id), hint=hint)


def _who_may(publish: Publish, may: May) -> QuerySet[Membership]:
    roles = [role for role, most in ROLES.items() if ORDER.index(most) >= ORDER.index(may)]
    members = Membership.objects.filter(organization=publish.project.organization_id, role__in=roles)
    if publish.project.organization.second_factor_required:
        members = members.filter(account__in=second_factors.holders())
    return members.filter(account__is_active=True)
