"""What anybody would write in one go, with the queries of the API: no schema, no roles, no rate limit, no cursors."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any


def reading(request: Any) -> Any:
    """A view: the hosts of the draft."""
    from django.http import HttpResponse

    project = _reached(_account(request))
    return HttpResponse(json.dumps({"items": _hosts_of(project)}), content_type="application/json")


def _account(request: Any) -> Any:
    """Whose token it is."""
    from livepin.server.models import ApiToken

    secret = request.headers["Authorization"].partition(" ")[2]
    kept = hashlib.sha256(secret.encode()).hexdigest()
    return ApiToken.objects.select_related("account").get(secret_hash=kept).account


def _reached(account: Any) -> Any:
    """The project, and that the account is a member."""
    from livepin.server.models import Membership, Project

    project = Project.objects.select_related("organization").get(organization__identifier="acme", identifier="shop")
    Membership.objects.filter(organization=project.organization, account=account).first()
    return project


def _hosts_of(project: Any) -> list[dict[str, Any]]:
    """The hosts of a draft with their pins."""
    from livepin.server.models import Pin

    pins: dict[Any, list[dict[str, Any]]] = {}
    rows = Pin.objects.filter(host__project=project).order_by("pk")
    for host, member, digest, position, *_, note, source in rows.values_list(
        "host_id", "member", "digest", "position", "start", "end", "note", "source"
    ):
        pins.setdefault(host, []).append({member: digest, "position": position, "note": note, "source": source})
    return [
        {
            "host": host.pattern,
            "action": host.action,
            "pins": pins[host.pk],
            "deny": host.deny,
            "rollout": host.rollout,
            "when_expired": host.when_expired,
            "reason": host.reason,
            "look_at": host.look_at,
            "address": host.address,
        }
        for host in project.hosts.order_by("pattern")
    ]


def publishing(request: Any) -> Any:
    """A view: a publish is asked for, with an audit trail and a job."""
    from django.db import transaction
    from django.http import HttpResponse

    from livepin.server.models import Job, Project, Publish

    account = _account(request)
    _reached(account)
    with transaction.atomic():
        Project.objects.select_for_update().filter(organization__identifier="acme", identifier="shop").first()
        project = _reached(account)
        payload = {"serial": _next_serial(project), "hosts": _hosts_of(project)}
        publish = Publish.objects.create(
            project=project, asked_by=account, draft_version=project.draft_version, payload=payload
        )
        _append(project.organization, account, publish)
        with transaction.atomic():
            Job.objects.create(task="nothing", arguments={"publish": str(publish.id)}, name=f"bare {publish.id}")
    return HttpResponse(json.dumps(_shown(account, publish)), status=202, content_type="application/json")


def _next_serial(project: Any) -> int:
    from django.db.models import Max

    return 1 + (project.revisions.filter(epoch=0).aggregate(highest=Max("serial"))["highest"] or 0)


def _append(organization: Any, account: Any, publish: Any) -> None:
    from livepin.server.models import AuditEntry, Organization

    end = Organization.objects.select_for_update().only("audit_count", "audit_hash").get(id=organization.id)
    entry = AuditEntry(organization=organization, number=end.audit_count + 1, at=int(time.time() * 1000))
    entry.actor, entry.what, entry.target = str(account.id), "publish asked for", str(publish.id)
    text = json.dumps([entry.number, entry.at, entry.actor, entry.what, entry.target])
    entry.hash = hashlib.sha256(f"{end.audit_hash}\n{text}".encode()).hexdigest()
    entry.save(force_insert=True)
    Organization.objects.filter(id=organization.id).update(audit_count=entry.number, audit_hash=entry.hash)


def _shown(account: Any, publish: Any) -> dict[str, Any]:
    project = _reached(account)
    rows = project.publishes.select_related("revision", "asked_by", "project__organization").defer("revision__text")
    found = rows.prefetch_related("steps", "approvals").get(id=publish.id)
    return {
        "id": str(found.id),
        "what": found.what,
        "state": found.state,
        "asked_by": str(found.asked_by_id),
        "draft_version": found.draft_version,
        "note": found.note,
        "overrides": found.overrides,
        "findings": found.findings,
        "approvals": [str(one.account_id) for one in found.approvals.all()],
        "steps": [one.step for one in found.steps.all()],
        "created_at": int(found.created_at.timestamp()),
    }
