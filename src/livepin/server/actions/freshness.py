"""Freshness statements: the server says of what is published that it is still the newest, with a refresh key.

So a document can live for a day while the key that signs documents rests, or is somebody's own: a frozen CDN is noticed
within the life of a statement. The threat: whoever has this server has the refresh key, and can keep what is published
in force, until `extendable_until` and the end of the key set. He can sign no document with it, and bring no older one
back; and a statement never goes to an origin that points to something else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from django.utils import timezone

from livepin.core import freshness as statements
from livepin.core import jws
from livepin.core import trust as core
from livepin.core.document import serialize
from livepin.core.freshness import Statement
from livepin.core.jws import PublicKey
from livepin.errors import DocumentRefused, NotFound, OriginFailed, PublishRefused
from livepin.publish import freshness as publishing
from livepin.publish.freshness import Prolongation
from livepin.server.actions import keys, revisions
from livepin.server.actions.actor import Actor, May, living_projects, reach_project
from livepin.server.actions.origins import origins
from livepin.server.models import Key, Project, Revision

#: Seconds for which a statement is good: as long as a frozen CDN goes unnoticed. Signed again with so many left.
LIFE, LEAST = 6 * 3600, 4 * 3600


@dataclass(frozen=True, slots=True)
class Freshness:
    """How long what is published is good. Times in Unix seconds; `statement` None: none that fits lies on the origin.

    `limit`: as far as statements can prolong it; its own expiry where they cannot. `by_server`: this server signs them.
    """

    revision: core.Revision
    limit: int
    statement: Statement | None
    by_server: bool

    @property
    def until(self) -> int:
        """When it expires, as things are."""
        return self.revision.expires_at if self.statement is None else self.statement.until


def read(actor: Actor, organization: str, project: str) -> Freshness:
    """How long what is published is good. Raises `NotFound`, also where nothing is published."""
    _, found = reach_project(actor, organization, project, May.READ)
    known = of(found)
    if known is None:
        raise NotFound("not_found", "nothing is published", where=project)
    return known


def of(project: Project, now: float | None = None) -> Freshness | None:
    """The same for a project that was found already; None where nothing is published."""
    return _of(project, revisions.opened(project, revisions.current(project)), now)


def _of(project: Project, revision: core.Revision | None, now: float | None) -> Freshness | None:
    if revision is None:
        return None
    moment = timezone.now().timestamp() if now is None else now
    return Freshness(revision, statements.limit(revision), _lying(revision, moment), refresh_key(project) is not None)


def _lying(revision: core.Revision, now: float) -> Statement | None:
    """The statement that every origin has; the one that ends first."""
    if statements.limit(revision) <= revision.expires_at:
        return None
    found = []
    for origin in origins():
        try:
            found.append(publishing.on(origin, revision, now))
        except OriginFailed:
            found.append(None)
    fitting = [one for one in found if one is not None]
    return min(fitting, key=lambda one: one.until) if fitting and len(fitting) == len(found) else None


def refresh_key(project: Project) -> Key | None:
    """The key with which this server signs statements for a project: a managed one that the key set names."""
    try:
        keyset = keys.keyset_of(project)
    except DocumentRefused:
        return None
    if keyset is None:
        return None
    allowed = keyset.refresh_keys.keys() - keyset.revoked
    rows = project.signing_keys.filter(use="refresh", kind="managed", thumbprint__in=allowed, retired_at=None)
    return rows.order_by("-created_at").first()


def sign_again_at(project: Project, row: Revision) -> datetime:
    """When what is published has to be signed anew: at half of its life, as far as this server prolongs it."""
    revision = None if refresh_key(project) is None else revisions.opened(project, row)
    if revision is None or statements.limit(revision) <= revision.expires_at:
        return revisions.sign_again_at(row)
    return datetime.fromtimestamp((revision.issued_at + statements.limit(revision)) // 2, UTC)


def good_until(project: Project, published: core.Revision | None, now: int) -> int | None:
    """As far as what is published can be counted on: to the end of all statements while they come in time."""
    known = _of(project, published, now)
    if known is None or known.statement is None:
        return None
    in_time = known.by_server and known.statement.until > now + LEAST // 2
    return known.limit if in_time else known.until


def prolong(project_id: str, now: float | None = None) -> bool:
    """Sign a statement about what is published, and put it on every origin, if it is time to; whether one was signed.

    Safe to repeat, and from several processes: an origin keeps the statement that reaches furthest. Raises
    `OriginFailed`, `KeyUnusable`.
    """
    project = living_projects().select_related("organization").filter(id=project_id, state="active").first()
    if project is None:
        return False
    moment = int(timezone.now().timestamp() if now is None else now)
    known, key = of(project, moment), refresh_key(project)
    if known is None or key is None or known.limit <= max(known.revision.expires_at, moment):
        return False
    if known.statement is not None and known.statement.until >= min(moment + LEAST, known.limit):
        return False
    statement = _signed(project, key, known.revision, moment)
    given = Prolongation(statement, known.revision, keys.trust_of(project), origins(), moment)
    try:
        publishing.deliver(given)
    except PublishRefused:
        return False  # a publish, or another worker, was first
    return True


def _signed(project: Project, key: Key, revision: core.Revision, now: int) -> Statement:
    public = PublicKey.from_text(key.public_key)
    payload = serialize(statements.payload_of(revision, now, now + LIFE))
    wanted = jws.signing_input({"alg": public.alg, "kid": public.thumbprint, "typ": statements.TYP}, payload)
    text = jws.assemble(wanted, keys.signer_of(project, key).sign(wanted))
    return statements.verify(text, revision, now)


def extendable() -> list[str]:
    """IDs of the projects that have a refresh key here."""
    rows = living_projects().filter(state="active", signing_keys__use="refresh", signing_keys__retired_at=None)
    return [str(one) for one in rows.distinct().values_list("id", flat=True)]
