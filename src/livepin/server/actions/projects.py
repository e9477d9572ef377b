"""Projects: created with a signing key of their own, listed, changed in what is no part of the draft."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from django.db import IntegrityError, transaction

from livepin.client.address import parse_url
from livepin.core.der import pem_blocks
from livepin.errors import CertificateInvalid, ConfigurationError, Conflict, HostInvalid, ValueInvalid
from livepin.server.actions import audit, identifiers, keys, limits
from livepin.server.actions.actor import Actor, May, projects, reach, reach_project
from livepin.server.actions.organizations import named
from livepin.server.models import Organization, Project
from livepin.server.settings import CONFIG
from livepin.watch.address import parse_proxy

_MOST_CA_TEXT = 200_000


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
        Organization.objects.select_for_update(no_key=True).get(id=reached.organization.id)
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


def configuration_url(project: Project) -> str:
    """What applications of a project embed: its own public URL, else the operator's; empty where nobody said one."""
    return project.url or CONFIG.origin_url


def change(actor: Actor, organization: str, project: str, settings: Settings) -> Project:
    """Change what is no part of the draft. Takes the right to manage, and to own where fewer people have to approve.

    Publishes that wait go on with the number that is in force: who lowers it alone approves them alone. Raises
    `ValueInvalid`, `Forbidden`.
    """
    reached, found = reach_project(actor, organization, project, May.MANAGE)
    changed = {name: value for name, value in _checked(settings).items() if getattr(found, name) != value}
    if not changed:
        return found
    with transaction.atomic():
        before = Project.objects.select_for_update(no_key=True).get(id=found.id).approvals_required
        if changed.get("approvals_required", before) < before:
            reached.need(May.OWN)
        for name, value in changed.items():
            setattr(found, name, value)
        found.save(update_fields=list(changed))
        said = {name: value for name, value in changed.items() if name == "approvals_required"}
        audit.append(found.organization, actor, "project changed", project, members=sorted(changed), **said)
    return found


def _checked(settings: Settings) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if settings.name is not None:
        given["name"] = named(settings.name)
    if settings.url is not None:
        given["url"] = _line("url", _public_url(settings.url), 500)
    if settings.ca_pem is not None:
        given["ca_pem"] = _authorities(settings.ca_pem)
    if settings.proxy is not None:
        given["proxy"] = _proxy(_line("proxy", settings.proxy, 300))
    if settings.approvals_required is not None:
        if not 1 <= settings.approvals_required <= 10:
            raise ValueInvalid("value_invalid", "it is not a number from 1 to 10", where="approvals_required")
        given["approvals_required"] = settings.approvals_required
    return given


def _line(where: str, text: str, most: int) -> str:
    if len(text) > most or any(ord(one) < 32 for one in text):
        raise ValueInvalid("value_invalid", f"it is not one line of at most {most} characters", where=where)
    return text


def _proxy(text: str) -> str:
    try:
        return str(parse_proxy(text)) if text.strip() else ""
    except HostInvalid as error:
        raise ValueInvalid("value_invalid", error.message, where="proxy", hint="Write http://HOST:PORT.") from None


def _authorities(text: str) -> str:
    """CA certificates as PEM, and nothing else: who pastes a private key by mistake is told so at once."""
    if len(text) > _MOST_CA_TEXT:
        raise ValueInvalid("value_invalid", f"it is longer than {_MOST_CA_TEXT:,} characters", where="ca_pem")
    if not text.strip():
        return ""
    try:
        blocks = pem_blocks(text)
        if {label for label, _ in blocks} != {"CERTIFICATE"}:
            raise CertificateInvalid("certificate_invalid", "it is not PEM of certificates alone")
        for number, (_, one) in enumerate(blocks, 1):
            _check_authority(one, f"certificate {number}")
        plain = "".join(ssl.DER_cert_to_PEM_cert(one) for _, one in blocks)
        ssl.create_default_context().load_verify_locations(cadata=plain)
    except CertificateInvalid as error:
        raise ValueInvalid("certificate_invalid", error.message, where="ca_pem") from None
    except ssl.SSLError:
        raise ValueInvalid("certificate_invalid", "OpenSSL cannot read it", where="ca_pem") from None
    return plain


def _check_authority(certificate: bytes, name: str) -> None:
    try:
        parsed = x509.load_der_x509_certificate(certificate)
        is_one = parsed.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except ValueError:
        raise CertificateInvalid("certificate_invalid", f"{name} cannot be read") from None
    except x509.ExtensionNotFound:
        is_one = parsed.version is x509.Version.v1  # old roots have no extensions
    if not is_one:
        raise CertificateInvalid("certificate_invalid", f"{name} is of no authority")


def _public_url(text: str) -> str:
    """What applications would refuse as their configuration URL is none here either."""
    try:
        if text:
            parse_url(text)
    except ConfigurationError as error:
        raise ValueInvalid("value_invalid", error.message, where="url") from None
    return text
