"""The audit trail: append-only, one hash chain an organization, verifiable by anyone who has an export of it.

The chain itself is in `livepin.server.trail`, which needs neither a database nor Django.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from django.db.models import Q

from livepin.server.actions.actor import Actor, May, reach
from livepin.server.models import AuditEntry, Organization
from livepin.server.trail import chained
from livepin.server.trail import first_broken as first_broken

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def append(organization: Organization, actor: Actor, what: str, target: str, **detail: Any) -> AuditEntry:
    """Add an entry; to be called in the transaction of the change that it tells of.

    `detail` holds what JSON can hold: identifiers and numbers, never an address, a name or a secret.
    """
    # The row is the lock: of two changes at once, one waits here for the other's number.
    end = Organization.objects.select_for_update(no_key=True).only("audit_count", "audit_hash").get(id=organization.id)
    entry = AuditEntry(
        organization=organization,
        number=end.audit_count + 1,
        at=int(time.time() * 1000),
        actor=actor.name,
        what=what,
        target=target,
        detail=detail,
    )
    entry.hash = chained(end.audit_hash, exported(entry))
    entry.save(force_insert=True)
    Organization.objects.filter(id=organization.id).update(audit_count=entry.number, audit_hash=entry.hash)
    return entry


def exported(entry: AuditEntry) -> dict[str, Any]:
    """An entry as it is exported, without its hash."""
    return {
        "number": entry.number,
        "at": entry.at,
        "actor": entry.actor,
        "what": entry.what,
        "target": entry.target,
        "detail": entry.detail,
    }


def listed(
    actor: Actor, organization: str, before: int | None = None, most: int = 100, like: str = ""
) -> list[AuditEntry]:
    """At most `most` entries below the number `before`, newest first, of those whose act or target contains `like`.

    Takes the right to manage. Raises `NotFound`, `Forbidden`.
    """
    entries = reach(actor, organization, May.MANAGE).organization.audit_entries.all()
    if before is not None:
        entries = entries.filter(number__lt=before)
    if like:
        entries = entries.filter(Q(what__icontains=like) | Q(target__icontains=like))
    return list(entries.order_by("-number")[:most])


def names(actor: Actor, organization: str, entries: Iterable[AuditEntry]) -> dict[str, str]:
    """Whom the entries name by ID, as people know them: `account ID` or `token ID` -> address, or name and address.

    Members only: whoever left is an ID from then on. Takes the right to manage. Raises `NotFound`, `Forbidden`.
    """
    reached = reach(actor, organization, May.MANAGE)
    wanted = {text.partition(" ")[2] or text for one in entries for text in (one.actor, one.target)}
    ids = [UUID(text) for text in wanted if _ID.fullmatch(text)]
    members = reached.organization.memberships.filter(account__in=ids).select_related("account")
    known = {f"account {one.account_id}": one.account.email for one in members}
    for token in reached.organization.tokens.filter(id__in=ids).select_related("account"):
        known[f"token {token.id}"] = f"{token.name} ({known.get(f'account {token.account_id}', 'a former member')})"
    return known


def export(actor: Actor, organization: str) -> Iterator[dict[str, Any]]:
    """The whole trail, oldest entry first, each with its hash. Takes the right to manage."""
    entries = reach(actor, organization, May.MANAGE).organization.audit_entries.order_by("number")
    return ({**exported(one), "hash": one.hash} for one in entries.iterator())
