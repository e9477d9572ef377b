"""Revisions: the signed documents of a project. Listed, compared, and adopted where an origin has what we have not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from livepin.author.staging import Change, diff
from livepin.core import jws
from livepin.core import trust as core
from livepin.core.document import TYP
from livepin.core.jws import PublicKey
from livepin.core.strictjson import MAX_INTEGER as MAX_SERIAL
from livepin.core.trust import verify_held
from livepin.errors import DocumentRefused, FetchFailed, NotFound, OriginFailed, PublishRefused
from livepin.publish import public
from livepin.publish.deliver import published as pointed_to
from livepin.publish.places import document_url
from livepin.server.actions import audit, keys
from livepin.server.actions.actor import SERVER, Actor, May, reach_project
from livepin.server.actions.origins import guarded, origins, shown_name
from livepin.server.models import Project, Revision
from livepin.server.settings import CONFIG

#: The end of the year 9999: times of documents may lie beyond, and calendars end there.
LAST_MOMENT = 253_402_300_799


def listed(
    actor: Actor, organization: str, project: str, before: tuple[int, int] | None = None, most: int = 50
) -> list[Revision]:
    """At most `most` (1 to 1,000) published revisions below the number `before`, the highest first, without text."""
    _, found = reach_project(actor, organization, project, May.READ)
    rows = found.revisions.exclude(published_at=None).order_by("-epoch", "-serial").defer("text")
    if before is not None:
        rows = rows.filter(epoch__lte=before[0]).exclude(epoch=before[0], serial__gte=before[1])
    return list(rows[: max(1, min(most, 1000))])


def read(actor: Actor, organization: str, project: str, epoch: int, serial: int) -> Revision:
    """One revision with its text. Raises `NotFound`."""
    _, found = reach_project(actor, organization, project, May.READ)
    return find(found, epoch, serial)


def find(project: Project, epoch: int, serial: int) -> Revision:
    """A published revision of a project. Raises `NotFound`."""
    row = project.revisions.exclude(published_at=None).filter(epoch=epoch, serial=serial).first()
    if row is None:
        raise NotFound("not_found", "the project has published no such revision", where=f"{epoch}.{serial}")
    return row


def current(project: Project) -> Revision | None:
    """What is published, as far as this server knows: the highest number. Costs one query."""
    return project.revisions.exclude(published_at=None).order_by("-epoch", "-serial").first()


def opened(project: Project, row: Revision | None) -> core.Revision | None:
    """A stored revision, verified. None for none, and for one that the anchors do not vouch for any more.

    To be read, not to be changed: whoever asks for the same text under the same anchors gets the same object.
    """
    if row is None:
        return None
    try:
        whose = (project.organization.identifier, project.identifier)
        return _verified(row.text, *whose, tuple(project.anchors), project.threshold)
    except DocumentRefused:
        return None


@lru_cache(maxsize=4)
def _verified(text: str, organization: str, project: str, anchors: tuple[str, ...], threshold: int) -> core.Revision:
    """The last few documents of this process: a page and those after it ask for the same one, and it may be large.

    Everything that the answer depends on is in the key, the very text above all: time is no part of it (V7), and a
    refusal is not kept.
    """
    keys_of = tuple(PublicKey.from_text(one) for one in anchors)
    return verify_held(text, core.Trust(organization, project, keys_of, threshold))


def payload_of(project: Project, row: Revision | None) -> dict[str, Any] | None:
    """What a revision says, for whoever goes on to change it; None as in `opened`."""
    try:
        return None if row is None else dict(verify_held(row.text, keys.trust_of(project)).document.payload)
    except DocumentRefused:
        return None


def compare(
    actor: Actor, organization: str, project: str, before: tuple[int, int] | None, after: tuple[int, int]
) -> tuple[Change, ...]:
    """What changed from one revision (None: from nothing) to another. Raises `NotFound`."""
    _, found = reach_project(actor, organization, project, May.READ)
    nothing: dict[str, Any] = {"hosts": []}
    old = None if before is None else payload_of(found, find(found, *before)) or nothing
    return diff(old, payload_of(found, find(found, *after)) or nothing)


def sign_again_at(row: Revision) -> datetime:
    """Half of its life: when the server signs it again (design section 3).

    What was adopted may say any time that a document can say, and calendars end before 2**53.
    """
    return datetime.fromtimestamp(min((row.issued_at + row.expires_at) // 2, LAST_MOMENT), UTC)


def highest(project: Project, epoch: int) -> int:
    """The highest serial that is known in an epoch, 0 for none."""
    return project.revisions.filter(epoch=epoch).aggregate(highest=Max("serial"))["highest"] or 0


def next_serial(project: Project, epoch: int) -> int:
    """One more than the highest that is known in an epoch; `adopt` makes known what origins have.

    Raises `PublishRefused` (`serials_exhausted`).
    """
    found = highest(project, epoch)
    if found >= MAX_SERIAL:
        message = f"the highest serial of epoch {epoch} is taken: nobody but a thief of the key gets there"
        hint = "Have the anchors sign a key set without that key: in its epoch, serials start again at 1."
        raise PublishRefused("serials_exhausted", message, where=str(project), hint=hint)
    return found + 1


def row_of(project: Project, revision: core.Revision, source: str = "server") -> Revision:
    """A verified revision as it is stored; not saved yet."""
    return Revision(
        project=project,
        epoch=revision.epoch,
        serial=revision.serial,
        digest=revision.digest,
        text=revision.text,
        issued_at=revision.issued_at,
        expires_at=revision.expires_at,
        source=source,
        published_at=None if source == "server" else timezone.now(),
    )


def public_url(project: Project) -> str:
    """Where applications read the pointer; empty where nobody said it."""
    url = project.url or CONFIG.origin_url
    return document_url(url, project.organization.identifier, project.identifier) if url else ""


# ---------------------------------------------------------------- adoption


@dataclass(frozen=True, slots=True)
class Unanswered:
    """What could not be asked what it has. `where`: an origin, or a URL."""

    where: str
    code: str
    message: str


def adopt(project: Project, unanswered: list[Unanswered] | None = None, actor: Actor = SERVER) -> list[Revision]:
    """Make known what the origins and the public URL have, and this database has not. What was adopted.

    `unanswered`: gets what could not be asked.

    After a restored backup, or an emergency publish from files, numbers are taken that this database knows nothing
    of; signing one of them again would be a fork. An origin that does not answer is passed over: the object that is
    created there later is the lock. Only what verifies under the project's anchors is believed, those left out that the
    key set in force revokes: the thief of such an anchor could else put a key set of his own into force here.
    """
    found = _found(project, [] if unanswered is None else unanswered)
    return [row for one in found if (row := _adopt(project, one, actor)) is not None]


def strange(project: Project, unanswered: list[Unanswered]) -> list[Revision]:
    """What `adopt` would adopt now, as rows that are not saved."""
    known = {(row.epoch, row.serial): row for row in project.revisions.defer("text")}
    rows = [row_of(project, one, "adopted") for one in _found(project, unanswered)]
    return [one for one in rows if _is_strange(one, known.get((one.epoch, one.serial)))]


def _is_strange(found: Revision, known: Revision | None) -> bool:
    """Whether it is adopted: not what is known already, nor a fork of what was published."""
    return known is None or (known.published_at is None and known.digest != found.digest)


def _found(project: Project, unanswered: list[Unanswered]) -> list[core.Revision]:
    """What is out there, the lowest number first."""
    trust, revoked = keys.trust_of(project), keys.revoked_in(project)
    found: dict[tuple[int, int], core.Revision] = {}
    for origin in origins():
        try:
            seen = pointed_to(origin, trust, revoked)
        except OriginFailed as error:
            unanswered.append(Unanswered(shown_name(origin), error.code, error.message))
            continue
        if seen is not None:
            found[seen.number] = seen
    if url := public_url(project):
        try:
            seen = verify_held(public.read(url, timeout=5.0, connect=guarded(project)), trust, revoked)
            found[seen.number] = seen
        except (FetchFailed, DocumentRefused) as error:
            if error.code != "withdrawn":  # nothing there yet is what a first publish finds
                unanswered.append(Unanswered(url, error.code, error.message))
    return [found[number] for number in sorted(found)]


def _adopt(project: Project, revision: core.Revision, actor: Actor) -> Revision | None:
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(id=project.id)
        known = project.revisions.filter(epoch=revision.epoch, serial=revision.serial).first()
        if known is not None and known.digest == revision.digest:
            if known.published_at is None:
                # It got there, and whoever brought it there did not live to say so.
                known.published_at = timezone.now()
                known.save(update_fields=["published_at"])
            return None
        if known is not None and known.published_at is not None:
            # A fork that somebody made. Both numbers are taken; the next one heals it (V8).
            return None
        if known is not None:
            # Ours never left this database: the number is theirs.
            known.delete()
        _adopt_keyset(project, revision, actor)
        row = row_of(project, revision, "adopted")
        row.save(force_insert=True)
        audit.append(project.organization, actor, "revision adopted", str(row), project=project.identifier)
    return row


def _adopt_keyset(project: Project, revision: core.Revision, actor: Actor) -> None:
    before = keys.keyset_of(project)
    if revision.keyset is None or (before is not None and before.epoch >= revision.epoch):
        return
    header = jws.read_header(jws.split(revision.text).header, TYP)
    keys.adopt_keyset(project, header.keys, revision.keyset)
    audit.append(project.organization, actor, "key set adopted", project.identifier, epoch=revision.epoch)
