"""Projects: created with a signing key of their own, listed, changed in what is no part of the draft."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from livepin.errors import Conflict, ValueInvalid
from livepin.publish.public import is_https
from livepin.server.actions import audit, identifiers, keys, limits
from livepin.server.actions.actor import Actor, May, projects, reach, reach_project
from livepin.server.actions.organizations import named
from livepin.server.models import Organization, Project


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be changed of a project besides its draft; None leaves a value as it is."""

    name: str | None = None
    url: str | None = None
    ca_pem: str | None = None
    proxy: str | None = None
    approvals_required: int | None = None


def create(
    actor: Actor, organization: str, identifier: str, name: str = "", *, kind: str = "p256", public_key: str = ""
) -> Project:
    """A new project without hosts, with a signing key of its own: managed, of `kind` (p256, ed25519), or one's own.

    `public_key`: the public half of one's own key (PEM or Base64), of which the server never sees the other half.
    Takes the right to manage. Raises `Conflict`, `LimitReached`, `ValueInvalid`.
    """
    reached = reach(actor, organization, May.MANAGE)
    identifiers.check(identifier, "identifier")
    with transaction.atomic():
        Organization.objects.select_for_update().get(id=reached.organization.id)
        limits.check_projects(reached.organization)
        identifiers.check_unused(organization, identifier)
        try:
            with transaction.atomic():
                project = Project.objects.create(
                    organization=reached.organization, identifier=identifier, name=named(name) or identifier
                )
        except IntegrityError:
            raise Conflict("identifier_taken", "there is such a project already", where=identifier) from None
        audit.append(reached.organization, actor, "project created", identifier)
        keys.give_first(actor, project, kind, public_key)
    return project


def listed(actor: Actor, organization: str) -> list[Project]:
    """The projects that the actor can see, by identifier. Raises `NotFound`."""
    return list(projects(reach(actor, organization, May.READ)).order_by("identifier"))


def read(actor: Actor, organization: str, project: str) -> Project:
    """One project. Raises `NotFound`."""
    return reach_project(actor, organization, project, May.READ)[1]


def change(actor: Actor, organization: str, project: str, settings: Settings) -> Project:
    """Change what is no part of the draft. Takes the right to manage. Raises `ValueInvalid`."""
    _, found = reach_project(actor, organization, project, May.MANAGE)
    changed = {name: value for name, value in _checked(settings).items() if getattr(found, name) != value}
    if not changed:
        return found
    with transaction.atomic():
        for name, value in changed.items():
            setattr(found, name, value)
        found.save(update_fields=list(changed))
        audit.append(found.organization, actor, "project changed", project, members=sorted(changed))
    return found


def _checked(settings: Settings) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if settings.name is not None:
        given["name"] = named(settings.name)
    if settings.url is not None:
        given["url"] = _line("url", _public_url(settings.url), 500)
    if settings.ca_pem is not None:
        if len(settings.ca_pem) > 200_000 or "\0" in settings.ca_pem:
            raise ValueInvalid("value_invalid", "it is no text of at most 200,000 characters", where="ca_pem")
        given["ca_pem"] = settings.ca_pem
    if settings.proxy is not None:
        given["proxy"] = _line("proxy", settings.proxy, 300)
    if settings.approvals_required is not None:
        if not 1 <= settings.approvals_required <= 10:
            raise ValueInvalid("value_invalid", "it is not a number from 1 to 10", where="approvals_required")
        given["approvals_required"] = settings.approvals_required
    return given


def _line(where: str, text: str, most: int) -> str:
    if len(text) > most or any(ord(one) < 32 for one in text):
        raise ValueInvalid("value_invalid", f"it is not one line of at most {most} characters", where=where)
    return text


def _public_url(text: str) -> str:
    if text and not is_https(text):
        raise ValueInvalid("value_invalid", "it is not an https URL", where="url")
    return text
