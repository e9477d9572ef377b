"""Everything there is, for who it belongs to: a person's own data, an organization's whole content.

No secret is in an export: no password's hash, no token, no sealed key. What an organization exports is enough to go
on without this server: each project's last document and draft, which `livepin recover` makes a folder of, with the
signing key where it is one's own. A key that the server manages stays here; anchors kept offline replace it.

For pages: `account` is a JSON file to download, `organization` a zip file; both take a moment, and no step-up. The
audit trail notes that an organization was exported.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import IO, Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.db import transaction

from livepin.server.actions import accounts, audit
from livepin.server.actions.actor import Actor, May, reach_whole
from livepin.server.models import AuditEntry, Host, Invitation, Organization, Project

#: A zip file of up to so many bytes is made in memory, and in a file without a name beyond.
_IN_MEMORY = 8 << 20
_TOKEN = ("id", "name", "scope", "created_at", "expires_at", "last_used_at", "revoked_at")


def account(actor: Actor) -> dict[str, Any]:
    """All that is stored about one's own account, as JSON can hold it; times in Unix seconds.

    Takes a person. Raises `Forbidden`.
    """
    found = accounts.person(actor)
    names = [f"account {found.id}", *(f"token {one}" for one in found.tokens.values_list("id", flat=True))]
    return {
        "account": _fields(found, "id", "email", "name", "created_at", "last_login"),
        "addresses": [_fields(one, "email", "verified", "primary") for one in EmailAddress.objects.filter(user=found)],
        "second_factors": [
            _fields(one, "type", "created_at", "last_used_at") for one in Authenticator.objects.filter(user=found)
        ],
        "single_sign_on": [
            _fields(one, "provider", "uid", "extra_data", "date_joined", "last_login")
            for one in SocialAccount.objects.filter(user=found)
        ],
        "sessions": [
            _fields(one, "ip", "user_agent", "created_at", "last_seen_at")
            for one in UserSession.objects.filter(user=found)
        ],
        "tokens": [_fields(one, *_TOKEN) for one in found.tokens.order_by("created_at")],
        "memberships": [
            {"organization": one.organization.identifier, **_fields(one, "role", "mail", "created_at")}
            for one in found.memberships.select_related("organization").order_by("created_at")
        ],
        "invitations": [
            {"organization": one.organization.identifier, **_fields(one, "role", "created_at", "expires_at")}
            for one in Invitation.objects.filter(email=found.email).select_related("organization")
        ],
        "acts": [
            {"organization": one.organization.identifier, "number": one.number, "at": one.at // 1000, "what": one.what}
            for one in AuditEntry.objects.filter(actor__in=names).select_related("organization").order_by("at")
        ],
    }


def organization(actor: Actor, organization: str) -> IO[bytes]:
    """The whole content of an organization as a zip file, opened for reading; closing it removes it.

        organization.json               its name and limits, its members and the invitations that wait
        audit.jsonl                     the audit trail, which `livepin audit verify` verifies
        projects/ID/project.json        settings, draft, keys (public halves), publishes with what the guard said
        projects/ID/EPOCH.SERIAL.jws    every signed document, as applications got it

    Takes the right to manage. Raises `NotFound`, `Forbidden`.
    """
    reached = reach_whole(actor, organization, May.MANAGE)
    with transaction.atomic():
        audit.append(reached.organization, actor, "organization exported", organization)
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  # the caller closes it
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in _files(actor, reached.organization):
            made.writestr(name, text)
    file.seek(0)
    return file


def _files(actor: Actor, organization: Organization) -> Iterator[tuple[str, str]]:
    yield "organization.json", _json(_organization(organization))
    trail = audit.export(actor, organization.identifier)
    yield "audit.jsonl", "".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) + "\n" for one in trail)
    for project in organization.projects.order_by("identifier"):
        folder = f"projects/{project.identifier}"
        yield f"{folder}/project.json", _json(_project(project))
        for row in project.revisions.exclude(published_at=None).order_by("epoch", "serial").iterator(chunk_size=20):
            yield f"{folder}/{row}.jws", row.text


def _organization(organization: Organization) -> dict[str, Any]:
    return {
        **_fields(organization, "identifier", "name", "created_at", "projects_limit", "hosts_limit"),
        "second_factor_required": organization.second_factor_required,
        "members": [
            {"email": one.account.email, "name": one.account.name, **_fields(one, "role", "created_at")}
            for one in organization.memberships.select_related("account").order_by("created_at")
        ],
        "invitations": [
            _fields(one, "email", "role", "created_at", "expires_at")
            for one in organization.invitations.order_by("created_at")
        ],
        "tokens": [
            {
                "email": one.account.email,
                **_fields(one, "id", "name", "scope", "created_at", "expires_at", "revoked_at"),
            }
            for one in organization.tokens.select_related("account").order_by("created_at")
        ],
    }


def _project(project: Project) -> dict[str, Any]:
    settings = ("identifier", "name", "state", "created_at", "anchors", "threshold", "keys", "url", "ca_pem", "proxy")
    draft = ("draft_version", "life_days", "refresh_after", "unlisted", "deny", "approvals_required")
    return {
        **_fields(project, *settings, *draft),
        "hosts": [_host(one) for one in project.hosts.prefetch_related("pins").order_by("pattern")],
        "signing_keys": [
            _fields(one, "thumbprint", "public_key", "use", "kind", "created_at", "retired_at")
            for one in project.signing_keys.order_by("created_at")
        ],
        "publishes": [
            {
                **_fields(one, "id", "what", "state", "note", "overrides", "findings", "created_at", "finished_at"),
                "revision": None if one.revision is None else str(one.revision),
            }
            for one in project.publishes.select_related("revision").defer("payload").order_by("created_at")
        ],
    }


def _host(host: Host) -> dict[str, Any]:
    policy = ("pattern", "action", "has_pins", "deny", "rollout", "when_expired", "reason", "ct", "look_at", "address")
    pin = ("member", "digest", "position", "start", "end", "note", "source")
    return {**_fields(host, *policy), "pins": [_fields(one, *pin) for one in host.pins.all()]}


def _fields(row: Any, *names: str) -> dict[str, Any]:
    return {name: _plain(getattr(row, name)) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return int(value.timestamp())
    return value if value is None or isinstance(value, bool | int | str | list | dict) else str(value)


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
