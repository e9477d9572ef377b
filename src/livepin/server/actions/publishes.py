"""Publishes, as people ask for them: started, approved, signed elsewhere, cancelled, waited for.

    checking     the guard is asked; then refused, or
    waiting      for other members' approvals, for its hour; then
    publishing   numbered, signed, delivered, confirmed (delivery.py); with an own key first
    unsigned     until the signature is brought; at last
    published    or failed, or cancelled

What is signed is frozen when it is asked for: the payload that the guard saw and that others approved is signed, and
nothing but its number and its dates is new. The work itself is done by `delivery.run`, in a job.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from livepin.author.signers.detached import signature_in
from livepin.author.staging import Change, diff
from livepin.core import jws
from livepin.core.jws import PublicKey
from livepin.errors import Conflict, Forbidden, KeyUnusable, NotFound, ValueInvalid
from livepin.server import queue
from livepin.server.actions import audit, checks, delivery, drafts, keys, revisions, signing, turns
from livepin.server.actions.actor import Actor, May, reach_locked, reach_project
from livepin.server.models import Approval, Project, Publish
from livepin.server.settings import CONFIG

#: Where nothing more happens by itself.
AT_REST = ("refused", "waiting", "unsigned", "published", "failed", "cancelled")
MAX_AHEAD = timedelta(days=366)
#: How the idempotency keys of the server's own renewals begin.
RENEWAL = "renewal of "
#: A draft of more hosts than this is looked at by a job, not while a request waits.
_SMALL = 50


@dataclass(frozen=True, slots=True)
class Wish:
    """How to publish. `overrides`: a reason by rule of the guard. `key`: asking again with it changes nothing.

    `version`: the draft's, as the asker saw it; None publishes whatever it is now. `scheduled_for`: not before then.
    """

    overrides: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    scheduled_for: datetime | None = None
    version: int | None = None
    key: str = ""


def start(actor: Actor, organization: str, project: str, wish: Wish | None = None) -> Publish:
    """Ask for the draft to be published. Takes the right to publish. Returns at once; `wait` waits.

    Raises `NotFound`, `Forbidden`, `ValueInvalid`, `Conflict` (`draft_changed`, `state_wrong`, `key_reused`).
    """

    def staged(found: Project) -> dict[str, Any]:
        given = wish or Wish()
        if given.version is not None and found.draft_version != given.version:
            message = f"the draft has version {found.draft_version}, not {given.version}"
            raise Conflict("draft_changed", message, where=f"{organization}/{project}")
        return checks.stage(found, drafts.draft_of(found))

    return ask(actor, organization, project, "draft", wish or Wish(), staged)


def rollback(
    actor: Actor, organization: str, project: str, epoch: int, serial: int, wish: Wish | None = None
) -> Publish:
    """Ask for what an older revision said to be published, under a new number. The draft stays as it is.

    Takes the right to publish. Raises as `start`.
    """

    def staged(found: Project) -> dict[str, Any]:
        payload = revisions.payload_of(found, revisions.find(found, epoch, serial))
        if payload is None:
            message = "the revision does not verify under the anchors that are embedded now"
            raise Conflict("state_wrong", message, where=f"{epoch}.{serial}")
        return payload

    return ask(actor, organization, project, "rollback", wish or Wish(), staged, rollback_of=f"{epoch}.{serial}")


def ask(
    actor: Actor,
    organization: str,
    project: str,
    what: str,
    wish: Wish,
    staged: Callable[[Project], dict[str, Any]],
    may: May = May.PUBLISH,
    **members: Any,
) -> Publish:
    """Record a publish with the payload that `staged` gives, and leave the work to a job. For start, rollback & Co."""
    _check(wish)
    if actor.account is not None and wish.key.startswith(RENEWAL):
        message = f"keys that begin with {RENEWAL!r} are the server's: taken by others, it would not sign again"
        raise ValueInvalid("value_invalid", message, where="key")
    reach_project(actor, organization, project, may)
    with transaction.atomic():
        found = reach_locked(actor, organization, project, may)
        if wish.key and (before := found.publishes.filter(key=wish.key).first()):
            return _same(before, what, wish, members)
        if found.state != "active":
            raise Conflict("state_wrong", f"the project is {found.state}", where=f"{organization}/{project}")
        publish = Publish.objects.create(
            project=found,
            what=what,
            key=wish.key or None,
            asked_by=actor.account,
            draft_version=found.draft_version,
            payload=staged(found),
            overrides=dict(wish.overrides),
            note=wish.note.strip(),
            scheduled_for=wish.scheduled_for,
            **members,
        )
        detail = {"project": project, "kind": what, "overrides": sorted(wish.overrides)}
        audit.append(found.organization, actor, "publish asked for", str(publish.id), **detail)
        enqueue(publish)
    return publish


def enqueue(publish: Publish) -> None:
    """Have a publish worked on now; to be called in the transaction that makes it necessary."""
    name = f"publish {publish.id}"
    queue.enqueue("publish", {"publish_id": str(publish.id)}, name)
    queue.hurry(name)


def _check(wish: Wish) -> None:
    checks.rules_of(wish.overrides)
    if len(wish.note) > 500 or any(ord(one) < 32 for one in wish.note):
        raise ValueInvalid("value_invalid", "it is not one line of at most 500 characters", where="note")
    if len(wish.key) > 100 or not wish.key.isprintable():
        raise ValueInvalid("value_invalid", "it is not at most 100 printable characters", where="key")
    if wish.scheduled_for is not None and wish.scheduled_for > timezone.now() + MAX_AHEAD:
        raise ValueInvalid("value_invalid", "it is more than a year ahead", where="scheduled_for")


def _same(before: Publish, what: str, wish: Wish, members: Mapping[str, Any]) -> Publish:
    asked = (before.what, before.overrides, before.note, before.scheduled_for)
    other = asked != (what, dict(wish.overrides), wish.note.strip(), wish.scheduled_for)
    other = other or wish.version not in (None, before.draft_version)
    if other or any(getattr(before, name) != value for name, value in members.items()):
        message = "this key was used for another request"
        raise Conflict("key_reused", message, where=wish.key)
    return before


# ---------------------------------------------------------------- looking and waiting


def read(actor: Actor, organization: str, project: str, publish_id: str) -> Publish:
    """One publish. Raises `NotFound`."""
    _, found = reach_project(actor, organization, project, May.READ)
    return _find(found, publish_id)


def changes(actor: Actor, organization: str, project: str, publish_id: str) -> tuple[Change, ...]:
    """What a publish would change in what is published now: what others agree to. Raises `NotFound`, `Conflict`."""
    _, found = reach_project(actor, organization, project, May.READ)
    publish = _find(found, publish_id)
    if publish.payload is None:
        raise Conflict("state_wrong", "it is over: its revision says what it changed", where=publish_id)
    return diff(revisions.payload_of(found, revisions.current(found)), publish.payload)


def listed(
    actor: Actor, organization: str, project: str, before: datetime | None = None, most: int = 50
) -> list[Publish]:
    """At most `most` (1 to 1,000) publishes that were asked for before a moment, the newest first, without payload."""
    _, found = reach_project(actor, organization, project, May.READ)
    rows = _rows(found).defer("payload").order_by("-created_at")
    if before is not None:
        rows = rows.filter(created_at__lt=before)
    return list(rows[: max(1, min(most, 1000))])


def _rows(project: Project) -> QuerySet[Publish]:
    rows = project.publishes.select_related("revision", "asked_by", "project__organization")
    return rows.defer("revision__text").prefetch_related("steps", "approvals")


def _find(project: Project, publish_id: str) -> Publish:
    try:
        number = uuid.UUID(publish_id)
    except ValueError:
        raise NotFound("not_found", "there is no such publish", where=publish_id[:80]) from None
    publish = _rows(project).filter(id=number).first()
    if publish is None:
        raise NotFound("not_found", "there is no such publish", where=publish_id)
    return publish


def wait(actor: Actor, organization: str, project: str, publish_id: str, seconds: float = 25.0) -> Publish:
    """The publish once it is at rest, or as it is after so many seconds. Raises `NotFound`.

    A process that may do jobs does a small one itself; elsewhere this asks until a worker has done it. Where as many
    requests wait already as may at a time, it does not wait.
    """
    publish = read(actor, organization, project, publish_id)
    with turns.turn(publish.project.organization_id) as found:
        if not found:
            return publish
        _help(publish, publish_id)
        return _waited(lambda: read(actor, organization, project, publish_id), seconds)


def _help(publish: Publish, publish_id: str) -> None:
    if publish.state not in AT_REST and "jobs" in CONFIG.roles and publish.project.hosts.count() <= _SMALL:
        # Somebody may be at it already, or an origin does not answer: a job goes on with it.
        with contextlib.suppress(queue.Again):
            delivery.run(publish_id)


def _waited(look: Callable[[], Publish], seconds: float) -> Publish:
    end, pause = time.monotonic() + seconds, 0.05
    while True:
        publish = look()
        if publish.state in AT_REST or time.monotonic() + pause > end:
            return publish
        time.sleep(pause)
        pause = min(1.0, pause * 1.5)


def resume_all() -> int:
    """Enqueue every publish that nobody is at and that could go on; how many. What a restored backup had no job for."""
    now = timezone.now()
    free = Publish.objects.filter(Q(leased_until=None) | Q(leased_until__lt=now))
    stuck = free.filter(Q(state__in=("checking", "publishing")) | Q(state="waiting", scheduled_for__lte=now))
    found = list(stuck.only("id"))
    for publish in found:
        # One that waits for its next try goes on waiting.
        queue.enqueue("publish", {"publish_id": str(publish.id)}, f"publish {publish.id}")
    return len(found)


# ---------------------------------------------------------------- going on


def approve(actor: Actor, organization: str, project: str, publish_id: str) -> Publish:
    """Say yes to what another member asked for. Takes the right to publish, and a person who did not ask.

    Raises `NotFound`, `Forbidden`, `Conflict` (`state_wrong`).
    """
    with _locked(actor, organization, project, publish_id, May.PUBLISH) as publish:
        if actor.account is None or publish.asked_by_id == actor.account.id:
            raise Forbidden("forbidden", "another member has to approve what one asked for oneself", where=publish_id)
        if publish.state != "waiting":
            raise Conflict("state_wrong", f"the publish is {publish.state}", where=publish_id)
        _, made = Approval.objects.get_or_create(publish=publish, account=actor.account)
        if made:
            audit.append(publish.project.organization, actor, "publish approved", publish_id, project=project)
            enqueue(publish)
    return read(actor, organization, project, publish_id)


def cancel(actor: Actor, organization: str, project: str, publish_id: str) -> Publish:
    """Call off a publish of which nothing was delivered yet. Takes the right to publish.

    Raises `NotFound`, `Forbidden`, `Conflict` (`state_wrong`).
    """
    with _locked(actor, organization, project, publish_id, May.PUBLISH) as publish:
        stopped = publish.state == "publishing" and publish.revision_id is None
        if publish.state not in ("checking", "waiting", "unsigned", "failed") and not stopped:
            raise Conflict("state_wrong", f"the publish is {publish.state}", where=publish_id)
        publish.state, publish.finished_at = "cancelled", timezone.now()
        publish.save(update_fields=["state", "finished_at"])
        audit.append(publish.project.organization, actor, "publish cancelled", publish_id, project=project)
    return read(actor, organization, project, publish_id)


def retry(actor: Actor, organization: str, project: str, publish_id: str) -> Publish:
    """Go on with a publish that failed. Takes the right to publish. Raises as `cancel`."""
    with _locked(actor, organization, project, publish_id, May.PUBLISH) as publish:
        if publish.state != "failed" or publish.payload is None:
            raise Conflict("state_wrong", f"the publish is {publish.state}", where=publish_id)
        publish.state = "publishing" if publish.revision_id else "checking"
        publish.attempts, publish.problem, publish.finished_at = 0, None, None
        publish.save(update_fields=["state", "attempts", "problem", "finished_at"])
        audit.append(publish.project.organization, actor, "publish tried again", publish_id, project=project)
        enqueue(publish)
    return read(actor, organization, project, publish_id)


def signing_input(actor: Actor, organization: str, project: str, publish_id: str) -> str:
    """What the holder of an own key has to sign (RFC 7515 section 5.1). Takes the right to publish.

    Raises `NotFound`, `Forbidden`, `Conflict` (`state_wrong`) where no signature is asked for.
    """
    _, found = reach_project(actor, organization, project, May.PUBLISH)
    publish = _find(found, publish_id)
    if publish.state != "unsigned":
        raise Conflict("state_wrong", f"the publish is {publish.state}: it asks for no signature", where=publish_id)
    return signing.signing_input(found, keys.signing_key(found), publish.payload or {}).decode("ascii")


def bring(actor: Actor, organization: str, project: str, publish_id: str, answer: bytes) -> Publish:
    """Bring the JWS, or the signature alone, that an own key made over `signing_input`. Takes the right to publish.

    Raises `NotFound`, `Forbidden`, `Conflict` (`state_wrong`), `ValueInvalid` (`signature_refused`).
    """
    with _locked(actor, organization, project, publish_id, May.PUBLISH) as publish:
        if publish.state != "unsigned":
            raise Conflict("state_wrong", f"the publish is {publish.state}: it asks for no signature", where=publish_id)
        key = keys.signing_key(publish.project)
        wanted = signing.signing_input(publish.project, key, publish.payload or {})
        try:
            signature = signature_in(answer, wanted, PublicKey.from_text(key.public_key))
        except KeyUnusable as error:
            raise ValueInvalid(error.code, error.message, where="signature") from None
        publish.state, publish.attempts, publish.problem = "publishing", 0, None
        publish.save(update_fields=["state", "attempts", "problem"])
        # Where the number was taken meanwhile, the job asks for a signature over the next one.
        with contextlib.suppress(IntegrityError):
            signing.keep(publish, jws.assemble(wanted, signature))
        audit.append(publish.project.organization, actor, "signature brought", publish_id, project=project)
        enqueue(publish)
    return read(actor, organization, project, publish_id)


@contextlib.contextmanager
def _locked(actor: Actor, organization: str, project: str, publish_id: str, may: May) -> Iterator[Publish]:
    """A publish under the locks of its project and itself, in one transaction, for an actor who may."""
    _, found = reach_project(actor, organization, project, may)
    publish = _find(found, publish_id)
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(id=found.id)
        rows = Publish.objects.select_for_update(of=("self",), no_key=True).select_related("project__organization")
        yield rows.get(id=publish.id)
