"""Warnings: what ends soon or is wrong already (watch/warnings.py decides), who took note, and whom it was mailed to.

Warnings are stored nowhere: they follow from what is published and what was seen last, so none can be out of date.
Kept is who acknowledged one, and who got a mail about it; both hold for one stage of one warning.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone

from livepin.author import ct_rules
from livepin.author.ct_logs import open_table
from livepin.core import trust as core
from livepin.core.document import Action
from livepin.core.keyset import KeySet
from livepin.core.pins import Pin, Position
from livepin.errors import DocumentRefused, LivepinError, NotFound, ProjectInvalid
from livepin.server.actions import audit, freshness, keys, revisions
from livepin.server.actions.actor import Actor, May, living_projects, reach_project
from livepin.server.models import Account, Acknowledgement, Look, Notice, Project
from livepin.server.settings import CONFIG
from livepin.watch import warnings as watch
from livepin.watch.warnings import Evidence, Kind, Seen, Stage, Warning

#: What is pressing is mailed within the hour, the rest at most so often.
DIGEST_EVERY = timedelta(hours=20)
#: A mail that a worker claimed and never sent is another's after this.
_CLAIM = timedelta(minutes=10)
#: How long it is known who got which mail: longer than any warning lasts.
KEEP_NOTICES = timedelta(days=800)
#: Who is told: everybody who could do something about it.
_TOLD = ("owner", "admin", "publisher", "editor")
#: What may be over at the next look is shown, and not mailed.
_NOT_MAILED = (Kind.UNREACHABLE,)
_MOST_IN_A_MAIL = 50


@dataclass(frozen=True, slots=True)
class Shown:
    """A warning, and who took note of it. `acknowledged_by` None with a date: an account that is gone."""

    warning: Warning
    acknowledged_at: datetime | None = None
    acknowledged_by: Account | None = None


def listed(actor: Actor, organization: str, project: str) -> list[Shown]:
    """What holds now, the most pressing first, what was acknowledged last. Raises `NotFound`."""
    _, found = reach_project(actor, organization, project, May.READ)
    return of(found, revisions.opened(found, revisions.current(found)))


def of(found: Project, published: core.Revision | None) -> list[Shown]:
    """The same for a project that was found already, and what is published in it."""
    noted = {one.warning: one for one in found.acknowledgements.select_related("account")}
    shown = [_shown(one, noted.get(one.id)) for one in _current(found, published, int(timezone.now().timestamp()))]
    return sorted(shown, key=lambda one: one.acknowledged_at is not None)


def _shown(warning: Warning, noted: Acknowledgement | None) -> Shown:
    return Shown(warning) if noted is None else Shown(warning, noted.at, noted.account)


def acknowledge(actor: Actor, organization: str, project: str, warning_id: str) -> Shown:
    """Take note of a warning until its next stage: it is not mailed any more. Takes the right to stage.

    Raises `NotFound`, also for a warning that holds no more, and `Forbidden`.
    """
    _, found = reach_project(actor, organization, project, May.STAGE)
    warning = _find(found, warning_id)
    with transaction.atomic():
        noted, made = Acknowledgement.objects.get_or_create(
            project=found, warning=warning.id, defaults={"account": actor.account}
        )
        if made:
            _audit(found, actor, "warning acknowledged", warning)
    return _shown(warning, noted)


def take_back(actor: Actor, organization: str, project: str, warning_id: str) -> Shown:
    """Undo `acknowledge`. Takes the right to stage. Raises `NotFound`, `Forbidden`."""
    _, found = reach_project(actor, organization, project, May.STAGE)
    warning = _find(found, warning_id)
    with transaction.atomic():
        if found.acknowledgements.filter(warning=warning.id).delete()[0]:
            _audit(found, actor, "acknowledgement taken back", warning)
    return Shown(warning)


def _find(project: Project, warning_id: str) -> Warning:
    for one in current(project):
        if one.id == warning_id:
            return one
    raise NotFound("not_found", "there is no such warning now", where=warning_id[:80])


def _audit(project: Project, actor: Actor, what: str, warning: Warning) -> None:
    detail = {"project": project.identifier, "kind": str(warning.kind), "stage": str(warning.stage)}
    audit.append(project.organization, actor, what, warning.subject or project.identifier, **detail)


# ---------------------------------------------------------------- what is known


def current(project: Project, now: datetime | None = None) -> tuple[Warning, ...]:
    """The warnings of a project; none for one that ended. In few queries whatever its size."""
    published = revisions.opened(project, revisions.current(project))
    return _current(project, published, int((now or timezone.now()).timestamp()))


def _current(project: Project, published: core.Revision | None, moment: int) -> tuple[Warning, ...]:
    if project.state != "active":
        return ()
    return watch.warnings(
        Evidence(
            now=moment,
            published=published,
            keyset=_keyset(project),
            looks=tuple(_looks(project, published, moment)),
            own_key=_signs_by_hand(project),
            rules=() if published is None else tuple(_rules(published, moment)),
            good_until=freshness.good_until(project, published, moment),
        )
    )


def _keyset(project: Project) -> KeySet | None:
    try:
        return keys.keyset_of(project)
    except DocumentRefused:
        return None


def _signs_by_hand(project: Project) -> bool:
    try:
        return keys.signing_key(project).kind == "own"
    except LivepinError:
        return True  # nobody signs by itself


def _rules(published: core.Revision, now: int) -> Iterable[tuple[str, str, str]]:
    """CT rules that the next turnover of logs breaks, as the operator's table of logs knows it."""
    if not ct_rules.wants_logs(published.document.payload["hosts"]):
        return ()
    try:
        table = open_table(CONFIG.data)
    except ProjectInvalid:
        return ()  # the table cannot be read: publishing says so
    if table is None:
        return ()
    return ((one.host, one.message, one.hint) for one in ct_rules.soon(table, published.document, now))


def _looks(project: Project, published: core.Revision | None, now: int) -> Iterator[Seen]:
    """The looks about which there may be something to say.

    A project may have tens of thousands: no model instances, and what was well is told by its text, without reading it.
    """
    policies = () if published is None else published.document.policies()
    pinned = {one.host: one.pins for one in policies if one.action is not Action.OFF}
    names = ("host__pattern", "name", "address", "validated", "problem", "not_after", "text")
    rows = Look.objects.filter(host__project=project).annotate(text=Cast("chain", TextField())).order_by("id")
    for pattern, name, address, validated, problem, ends_at, text in rows.values_list(*names):
        lasts = ends_at is not None and ends_at > now + watch.LONGEST_NOTICE
        if validated and not problem and lasts and _fits(text, pinned.get(pattern), now):
            continue
        yield Seen(pattern, name, address, validated, problem, tuple(json.loads(text)))


def _fits(chain: str, pins: Iterable[Pin] | None, now: int) -> bool:
    """Whether it is certain, from a chain's JSON alone, that it matches an active pin, or has to match none.

    A member with its value stands nowhere but where it is one: quotes inside of texts are escaped. It is the leaf's if
    one certificate's `digests` have begun before it, and another's if more have.
    """
    if pins is None:
        return True
    for pin in pins:
        place = chain.find(f'"{pin.member}": "{pin.digest}"') if pin.active(now) else -1
        if place >= 0:
            begun = chain.count('"digests": {', 0, place)
            if pin.position is Position.ANY or (pin.position is Position.LEAF) == (begun == 1):
                return True
    return False


# ---------------------------------------------------------------- mail


def mail_due(project_id: str, now: datetime | None = None) -> int:
    """Mail what is new to those who can do something about it; how many mails. Safe to repeat, on many machines.

    One mail a member, with all that is new to that member. Raises `OSError` after the others got theirs; what was not
    sent is tried again.
    """
    project = living_projects().select_related("organization").filter(id=project_id, state="active").first()
    if project is None or project.organization.deletion_requested_at is not None:
        return 0
    moment = now or timezone.now()
    noted = set(project.acknowledgements.values_list("warning", flat=True))
    due = [one for one in current(project, moment) if one.id not in noted and one.kind not in _NOT_MAILED]
    sent, problem = 0, None
    for account, wanted in _told(project, due):
        claimed = _claim(project, account, wanted, moment)
        if not claimed:
            continue
        try:
            _mail(project, account, claimed)
        except OSError as error:
            problem = error
            _mine(project, account, claimed).delete()
        else:
            _mine(project, account, claimed).update(sent_at=moment)
            sent += 1
    if problem is not None:
        raise problem
    return sent


def _told(project: Project, due: Sequence[Warning]) -> Iterator[tuple[Account, Sequence[Warning]]]:
    """Who is told, and of what: each member of what they chose (memberships.py)."""
    pressing = [one for one in due if one.stage is not Stage.SOON]
    chosen: dict[str, Sequence[Warning]] = {"all": due, "pressing": pressing}
    members = project.organization.memberships.filter(role__in=_TOLD, account__is_active=True)
    for one in members.select_related("account").order_by("account__email") if due else ():
        if wanted := chosen.get(one.mail, ()):
            yield one.account, wanted


def _mine(project: Project, account: Account, claimed: Sequence[Warning]) -> QuerySet[Notice]:
    return Notice.objects.filter(project=project, account=account, warning__in=[one.id for one in claimed])


def _claim(project: Project, account: Account, due: Sequence[Warning], now: datetime) -> list[Warning]:
    """The warnings that this worker, and no other, tells an account of now."""
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(id=project.id)
        rows = Notice.objects.filter(project=project, account=account)
        last = rows.exclude(sent_at=None).order_by("-sent_at").first()
        rows.filter(sent_at=None, claimed_at__lte=now - _CLAIM).delete()
        known = set(rows.filter(warning__in=[one.id for one in due]).values_list("warning", flat=True))
        fresh = [one for one in due if one.id not in known]
        recently = last is not None and last.sent_at is not None and now - last.sent_at < DIGEST_EVERY
        if recently and all(one.stage is Stage.SOON for one in fresh):
            return []
        Notice.objects.bulk_create(
            Notice(project=project, account=account, warning=one.id, claimed_at=now) for one in fresh
        )
    return fresh


def _mail(project: Project, account: Account, claimed: Sequence[Warning]) -> None:
    organization, name = project.organization.identifier, project.identifier
    count = f"{len(claimed)} warning{'' if len(claimed) == 1 else 's'}"
    # No vacation notice answers it, and a mail program may offer the page on which less is chosen.
    headers = {"Auto-Submitted": "auto-generated"}
    if CONFIG.public_url:
        headers["List-Unsubscribe"] = f"<{_choices(organization)}>"
    subject, text = f"[Livepin] {organization}/{name}: {count}", text_of(organization, name, claimed)
    EmailMessage(subject, text, to=[account.email], headers=headers).send()


def _choices(organization: str) -> str:
    """Where a member chooses which warnings come by mail."""
    return f"{CONFIG.public_url}/o/{organization}/mail/"


def text_of(organization: str, project: str, told: Sequence[Warning]) -> str:
    """The text of a mail about warnings."""
    name = f"{organization}/{project}"
    lines = [f"{name} has something to tell:", ""]
    for one in told[:_MOST_IN_A_MAIL]:
        lines += [f"* {one.stage.upper()}: {one.message}.", f"  {one.hint}", ""]
    if len(told) > _MOST_IN_A_MAIL:
        lines += [f"… and {len(told) - _MOST_IN_A_MAIL} more.", ""]
    page = f"{CONFIG.public_url}/o/{organization}/p/{project}/warnings/" if CONFIG.public_url else "in the dashboard"
    choices = _choices(organization) if CONFIG.public_url else "in the dashboard"
    lines += [
        f"All of it, and what to do: {page}",
        "",
        "Each stage of a warning is mailed once. Acknowledge one there, and its stage is mailed to nobody any more.",
        f"Which warnings come to you by mail, you choose here: {choices}",
    ]
    return "\n".join(lines)
