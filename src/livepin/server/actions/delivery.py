"""The work of a publish, step by step. Every step is safe to repeat, and each may be the last that a process does.

    check      the guard looks at live hosts; what is open refuses the publish
    adopt      what origins have and this database has not
    sign       the next number; the JWS is stored before anybody gets it
    write, read back, point, confirm (publish/deliver.py)
    finish     the publish and its revision are published

A worker that dies leaves a publish in its state, with a lease that runs out; the next one goes on from there. Two at
once do no harm either: states change only from the state that was seen, a number is given once (in the database and
on the first origin), and a revision's bytes are the same for everybody.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from livepin.author import staging
from livepin.core import jws, trust
from livepin.core.guard import DAY
from livepin.core.trust import verify_held
from livepin.errors import Conflict, LivepinError, OriginFailed, PublishRefused
from livepin.publish import deliver as publishing
from livepin.publish import public
from livepin.publish.deliver import Delivery, SerialTaken
from livepin.server import queue
from livepin.server.actions import approvals, audit, checks, drafts, keys, revisions, signing
from livepin.server.actions.actor import SERVER, Actor
from livepin.server.actions.origins import guarded, origins, shown_place
from livepin.server.models import Project, Publish, PublishStep, Revision
from livepin.server.settings import CONFIG


class Step(StrEnum):
    """The steps, in order: for progress, and for the list of places where a process may be killed."""

    CHECK = "check"
    ADOPT = "adopt"
    SIGN = "sign"
    WRITE = "write"
    READ_BACK = "read back"
    POINT = "point"
    CONFIRM = "confirm"
    FINISH = "finish"


#: Hears of every step before it is done, and where.
Told = Callable[[Step, str], None]

#: What the guard saw is looked at again when it is older than this: a publish may wait for days.
RECHECK = timedelta(minutes=15)
#: Tries of an origin that does not answer, 5 s to 10 minutes apart: an hour and a half in all.
MAX_ATTEMPTS = 15
#: Tries of a public URL that is not up to date, before the publish counts as published without that proof.
MAX_CONFIRMATIONS = 4
#: How long a public URL may take to follow, in seconds, at each try.
PATIENCE = 5.0
#: Strange objects under this many numbers in a row are no race between two machines.
_NUMBERS = 20
_WORK = ("checking", "waiting", "publishing")


def run(publish_id: str, told: Told = lambda step, where: None) -> None:
    """Go on with a publish as far as it goes by itself. Raises `queue.Again` when it is to be tried later."""
    publish = _claim(publish_id)
    if publish is None:
        return
    try:
        _Work(publish, told).go_on()
    except OriginFailed as error:
        _failed(publish, error, final=publish.attempts >= MAX_ATTEMPTS)
        if publish.attempts < MAX_ATTEMPTS:
            raise queue.Again(pause_after(publish.attempts)) from error
    except LivepinError as error:
        _failed(publish, error, final=True)
    except queue.Again:
        raise
    except Exception as error:
        # A bug, or the database: the engine tries again, and in the end somebody has to see it.
        _failed(publish, error, final=publish.attempts >= MAX_ATTEMPTS)
        raise
    finally:
        Publish.objects.filter(id=publish.id).update(leased_until=None)


def pause_after(attempts: int) -> float:
    """Seconds until the next try."""
    return min(600.0, 2.5 * 2.0 ** min(attempts, 20))


def _claim(publish_id: str) -> Publish | None:
    """A publish with work to do, for this worker alone for a while. Raises `queue.Again` while another is at it."""
    with transaction.atomic():
        found = Publish.objects.filter(id=publish_id).values_list("project", flat=True).first()
        if found is None:
            return None
        Project.objects.select_for_update(no_key=True).get(id=found)
        publish = Publish.objects.select_related("project__organization", "revision").get(id=publish_id)
        if publish.state not in _WORK:
            return None
        now = timezone.now()
        # One at a time in a project: of two numbers that are delivered at once, the lower one would be refused.
        if Publish.objects.filter(project=found, leased_until__gt=now).exists():
            raise queue.Again(1.0)
        publish.leased_until, publish.attempts = now + _lease(), publish.attempts + 1
        publish.save(update_fields=["leased_until", "attempts"])
    return publish


def _lease() -> timedelta:
    return timedelta(seconds=CONFIG.lease_seconds)


def _failed(publish: Publish, error: Exception, *, final: bool) -> None:
    told = error if isinstance(error, LivepinError) else LivepinError("internal", type(error).__name__)
    problem = {"code": told.code, "message": told.message, "where": shown_place(told.where), "hint": told.hint}
    Publish.objects.filter(id=publish.id, state__in=_WORK).update(problem=problem)
    if final:
        _move(publish, publish.state, "failed", finished_at=timezone.now())


def _move(publish: Publish, before: str, after: str, **members: Any) -> bool:
    """Change a state, if it still is the one that was seen: somebody may have cancelled meanwhile."""
    moved = Publish.objects.filter(id=publish.id, state=before).update(state=after, **members)
    publish.refresh_from_db(fields=["state", *members])
    return bool(moved)


class _Work:
    """One worker at one publish."""

    def __init__(self, publish: Publish, told: Told) -> None:
        self.publish = publish
        self.project = publish.project
        self._told = told
        self._last: tuple[Step, str] | None = None

    def tell(self, step: Step, where: str = "") -> None:
        """A step begins, so the one before it is done; the lease begins anew."""
        self._done()
        # Withdrawn or cancelled meanwhile: nothing more of it must reach anybody.
        mine = Publish.objects.filter(id=self.publish.id, state__in=_WORK)
        if not mine.update(leased_until=timezone.now() + _lease()):
            raise Conflict("state_wrong", "it was called off meanwhile", where=str(self.publish.id))
        self._told(step, where)
        self._last = step, where

    def _done(self) -> None:
        if self._last is not None:
            step, where = self._last
            PublishStep.objects.get_or_create(publish=self.publish, step=step, where=shown_place(where)[:500])
            self._last = None

    def go_on(self) -> None:
        if self.publish.what != "withdrawal":
            self._check_alive()
        if self.publish.state == "checking":
            self.check()
        if self.publish.state == "waiting" and self.may_go():
            _move(self.publish, "waiting", "publishing", attempts=1, problem=None)
        if self.publish.state == "publishing":
            self.bring_to_readers()

    def _check_alive(self) -> None:
        if self.project.state != "active":
            raise Conflict("state_wrong", f"the project is {self.project.state}", where=str(self.project))
        if self.project.organization.deletion_requested_at is not None:
            raise Conflict("state_wrong", "the organization is to be deleted", where=str(self.project.organization))

    # ------------------------------------------------------------ check, wait

    def check(self) -> bool:
        """Ask the guard; whether it lets the publish go on."""
        publish = self.publish
        self.tell(Step.CHECK)
        publish.findings = self._findings()
        still_open = any(one["state"] == "open" for one in publish.findings)
        after = "refused" if still_open else "waiting"
        ended = timezone.now() if still_open else None
        members = {"findings": publish.findings, "checked_at": timezone.now(), "finished_at": ended}
        _move(publish, publish.state, after, **members)
        self._done()
        return not still_open

    def _findings(self) -> list[dict[str, Any]]:
        if self.publish.what == "renewal":
            return []  # it says what is published already: only its dates are new
        draft = drafts.draft_of(self.project)
        overrides = checks.rules_of(self.publish.overrides)
        payload = staging.again(self.publish.payload or {}, self._life_days, 1, int(timezone.now().timestamp()))
        settlement = checks.settle(self.project, draft, payload, overrides, lambda sight: self._still_here())
        return checks.as_json(settlement)

    def _still_here(self) -> None:
        now = timezone.now()
        if self.publish.leased_until is None or self.publish.leased_until - now < _lease() / 2:
            self.publish.leased_until = now + _lease()
            self.publish.save(update_fields=["leased_until"])

    @property
    def _life_days(self) -> int:
        payload = self.publish.payload or {}
        return max(1, int(payload["expires_at"] - payload["issued_at"]) // DAY)

    def may_go(self) -> bool:
        """Whether nobody's yes and no hour is waited for any more, and the guard still agrees."""
        publish, now = self.publish, timezone.now()
        self._check_not_overtaken()
        approvals.check_asker(publish)
        if approvals.missing(publish) > 0:
            return False
        if publish.scheduled_for is not None and publish.scheduled_for > now:
            name = f"publish {publish.id}"
            queue.enqueue("publish", {"publish_id": str(publish.id)}, name, publish.scheduled_for)
            return False
        if publish.checked_at is None or now - publish.checked_at > RECHECK:
            return self.check()
        return True

    def _check_not_overtaken(self) -> None:
        """Raise `Conflict` where somebody asked for something newer, and it is published: old content must not win."""
        since = self.publish.created_at
        # One that applications have already counts too, where its worker did not live to say so.
        out = Q(state="published") | Q(revision__published_at__isnull=False)
        newer = self.project.publishes.filter(out).exclude(what="renewal").exclude(id=self.publish.id)
        # A renewal says what was published when it was asked for: anything that came out since is newer.
        renews = self.publish.what == "renewal"
        later = Q(finished_at__gt=since) | Q(revision__published_at__gt=since)
        newer = newer.filter(later if renews else Q(created_at__gt=since))
        # What nobody here knew when this was asked for: made elsewhere in an emergency, or before a backup was taken.
        found = self.publish.what not in ("renewal", "withdrawal") and self._adopted_since().exists()
        if self.publish.revision_id is None and (newer.exists() or found):
            message = "something that was asked for later, or elsewhere, is published already"
            raise Conflict("superseded", message, where=str(self.publish.id))

    def _adopted_since(self) -> QuerySet[Revision]:
        return self.project.revisions.filter(source="adopted", created_at__gt=self.publish.created_at)

    # ------------------------------------------------------------ sign

    def bring_to_readers(self) -> None:
        """From the number on, as often as another machine is faster."""
        for _ in range(_NUMBERS):
            self.tell(Step.ADOPT)
            revisions.adopt(self.project)
            self.project.refresh_from_db(fields=["keys"])
            revision = self._signed()
            if revision is None:
                return
            try:
                self.deliver(revision)
            except SerialTaken:
                self._give_up_number()
                continue
            except PublishRefused as error:
                if error.code != "origin_ahead":
                    raise
                if not self._was_out():
                    # While nobody was at this one, another took the next number. Which of them is newer is asked anew.
                    self._give_up_number()
                    continue
            self.finish()
            return
        raise SerialTaken("serial_taken", f"{_NUMBERS} numbers in a row are taken", where=str(self.project))

    def _was_out(self) -> bool:
        """Whether applications had this publish's revision already: it was seen on an origin before a higher one."""
        row = Publish.objects.select_related("revision").get(id=self.publish.id).revision
        return row is not None and row.published_at is not None

    def _signed(self) -> trust.Revision | None:
        """The revision of this publish, signed now or before; None where an own key has to be asked, or all is off."""
        publish = self.publish
        publish.refresh_from_db(fields=["state", "payload", "revision"])
        row = publish.revision
        if row is not None and timezone.now() > revisions.sign_again_at(row) and row.published_at is None:
            self._give_up_number()
            row = None
        if publish.state != "publishing":
            return None
        if row is not None:
            return verify_held(row.text, keys.trust_of(self.project))
        self._check_not_overtaken()
        if publish.what == "renewal":
            self._say_what_was_adopted()
        self.tell(Step.SIGN)
        key = keys.signing_key(self.project)
        payload = self._numbered()
        if key.kind == "own":
            _move(publish, "publishing", "unsigned", payload=payload, leased_until=None)
            return None
        signed = signing.signing_input(self.project, key, payload)
        try:
            return signing.keep(publish, jws.assemble(signed, keys.signer_of(self.project, key).sign(signed)))
        except IntegrityError:
            raise queue.Again(0.1) from None  # another publish of this project got the number

    def _say_what_was_adopted(self) -> None:
        """A renewal says what is published: also where that is known only now."""
        if self._adopted_since().exists():
            found = revisions.payload_of(self.project, revisions.current(self.project))
            if found is not None:
                self.publish.payload = found
                self.publish.save(update_fields=["payload"])

    def _numbered(self) -> dict[str, Any]:
        """The frozen payload with the next number and the dates of now."""
        keyset = keys.keyset_of(self.project)
        serial = revisions.next_serial(self.project, 0 if keyset is None else keyset.epoch)
        return staging.again(self.publish.payload or {}, self._life_days, serial, int(timezone.now().timestamp()))

    def _give_up_number(self) -> None:
        """The number of this publish's revision is another's: forget ours, which no reader ever got."""
        with transaction.atomic():
            publish = Publish.objects.select_for_update(no_key=True).get(id=self.publish.id)
            Revision.objects.filter(publishes=publish, published_at=None).delete()
            publish.revision = None
            publish.save(update_fields=["revision"])
        self.publish.revision = None

    # ------------------------------------------------------------ deliver

    def deliver(self, revision: trust.Revision) -> None:
        """Bring the stored bytes to every origin, and see them through the public URL."""
        now = timezone.now().timestamp()
        embedded = keys.trust_of(self.project)
        publishing.deliver(
            Delivery(revision, embedded, origins(), now, lambda step, where: self.tell(Step(step.value), where))
        )
        url = revisions.public_url(self.project)
        if not url:
            return
        self.tell(Step.CONFIRM, url)
        try:
            public.confirm(url, revision, embedded, patience=PATIENCE, connect=guarded(self.project))
        except OriginFailed as error:
            if self.publish.attempts < MAX_CONFIRMATIONS:
                raise
            # The origins are up to date; what stands before them is told as a problem, and stops nobody.
            self._last = None
            _failed(self.publish, error, final=False)
        else:
            Publish.objects.filter(id=self.publish.id).update(problem=None)

    def finish(self) -> None:
        """Say that it is published, in one transaction with the audit trail."""
        self.tell(Step.FINISH)
        now = timezone.now()
        with transaction.atomic():
            publish = (
                Publish.objects.select_for_update(of=("self",), no_key=True)
                .select_related("revision")
                .get(id=self.publish.id)
            )
            if publish.state != "publishing" or publish.revision is None:
                return
            Revision.objects.filter(id=publish.revision.id, published_at=None).update(published_at=now)
            publish.state, publish.finished_at, publish.payload = "published", now, None
            publish.save(update_fields=["state", "finished_at", "payload"])
            self._done()
            if publish.keep_hours is not None:
                self._end_project(now + timedelta(hours=publish.keep_hours))
            actor = SERVER if publish.asked_by is None else Actor(publish.asked_by)
            detail = {"project": self.project.identifier, "publish": str(publish.id), "kind": publish.what}
            audit.append(self.project.organization, actor, "published", str(publish.revision), **detail)
        self.publish.refresh_from_db()

    def _end_project(self, remove_at: datetime) -> None:
        """The last revision is out: nothing is published any more, and in time the objects go."""
        project = self.project
        Project.objects.filter(id=project.id).update(state="decommissioned")
        name = f"remove objects of {project.id}"
        queue.enqueue("remove objects", {"project_id": str(project.id)}, name, remove_at)
        audit.append(project.organization, SERVER, "project decommissioned", project.identifier)
