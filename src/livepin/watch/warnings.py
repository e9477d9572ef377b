"""What ends soon, or is wrong already, decided from what was seen: pure, `now` is an argument.

A warning has three stages. When each begins is a share of the life that ends, because the same number of days is much
for a certificate of six days and nothing for one of a year; the caps are for certificates that people renew by hand:

    life of a certificate    soon (a quarter is left, 30 days at most)    urgent (a tenth, 7 days at most)
      6 days                  36 hours                                     14 hours
     47 days                  12 days                                      5 days
     90 days                  22 days                                      7 days
    398 days                  30 days                                      7 days

Whoever renews by machine does it when a third is left, or half of a short one: who hears of it, hears of a renewal that
did not happen. A document that the server signs again at half of its life is warned about when a third is left, one
that waits for somebody's own key from half on, a key set when a third is left (design section 3); all are urgent when
a sixth is left. `over`: it has ended, or what is wrong is wrong now.

A warning's ID names the thing, the stage and what it said, and nothing else: it stays the same from look to look, and
the next stage, another certificate or another revision has another one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from livepin.core.document import Action, Policy
from livepin.core.guard import DAY, OLD_LIST
from livepin.core.keyset import KeySet
from livepin.core.pins import Pin, Position
from livepin.core.trust import Revision


class Stage(StrEnum):
    """How near it is; the most pressing first."""

    OVER = "over"
    URGENT = "urgent"
    SOON = "soon"


class Kind(StrEnum):
    """What a warning is about."""

    CERTIFICATE = "certificate"  # one that is served ends
    MISMATCH = "mismatch"  # what is served matches no pin
    UNREACHABLE = "unreachable"  # nothing is served
    INVALID = "invalid"  # what is served does not pass ordinary validation
    PINS = "pins"  # a host has no active pin
    DOCUMENT = "document"
    KEY_SET = "key set"
    CT = "ct"  # the list of logs grows old, or a rule will break


@dataclass(frozen=True, slots=True)
class Warning:
    """`id`: 32 hex digits. `subject`: a host pattern, or empty for the whole project. `ends_at` in Unix seconds."""

    id: str
    kind: Kind
    stage: Stage
    subject: str
    message: str
    hint: str
    ends_at: int | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """The last look at one address. `chain`: certificates as watch/describe.py has them, the leaf first."""

    pattern: str
    name: str
    address: str
    validated: bool
    problem: str
    chain: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a project. `own_key`: a person signs. `good_until`: as far as freshness statements are known to
    prolong the document, and those after them; None: by nothing but itself.

    `rules`: CT rules that will break, each with its host pattern, message and hint.
    """

    now: int
    published: Revision | None = None
    keyset: KeySet | None = None
    looks: tuple[Seen, ...] = ()
    own_key: bool = False
    rules: tuple[tuple[str, str, str], ...] = ()
    good_until: int | None = None


#: Shares of a life that are left when a stage begins, and the most of each, in seconds.
LONGEST_NOTICE = 30 * DAY  # nothing is said about a certificate before so much of its life is left
_CERTIFICATE = ((Stage.URGENT, 1 / 10, 7 * DAY), (Stage.SOON, 1 / 4, LONGEST_NOTICE))
_SIGNED = ((Stage.URGENT, 1 / 6, None), (Stage.SOON, 1 / 3, None))
_SIGNED_BY_HAND = ((Stage.URGENT, 1 / 6, None), (Stage.SOON, 1 / 2, None))


def warnings(given: Evidence) -> tuple[Warning, ...]:
    """Everything that a person should hear of now, the most pressing first."""
    found = {one.id: one for one in (*_project(given), *_hosts(given))}
    order = list(Stage)
    return tuple(
        sorted(found.values(), key=lambda one: (order.index(one.stage), one.ends_at or 0, one.subject, one.id))
    )


def _stage(now: int, start: int, end: int, stages: Iterable[tuple[Stage, float, int | None]]) -> Stage | None:
    """The stage of a life from `start` to `end`."""
    left, life = end - now, max(0, end - start)
    if left <= 0:
        return Stage.OVER
    for stage, share, most in stages:
        limit = life * share if most is None else min(life * share, most)
        if left <= limit:
            return stage
    return None


def _warning(
    kind: Kind, stage: Stage, subject: str, what: str, message: str, hint: str, ends_at: int | None = None
) -> Warning:
    """`what`: names the thing for the ID, besides kind, stage and subject."""
    name = "\n".join((kind, stage, subject, what))
    return Warning(hashlib.sha256(name.encode()).hexdigest()[:32], kind, stage, subject, message, hint, ends_at)


def _left(now: int, end: int) -> str:
    """`in 3 days`, `in 14 hours`, `2 days ago`."""
    seconds = abs(end - now)
    count, unit = (seconds // DAY, "day") if seconds >= 2 * DAY else (seconds // 3600, "hour")
    told = f"{count} {unit}{'' if count == 1 else 's'}"
    return f"in {told}" if end > now else f"{told} ago"


def _ends(now: int, end: int) -> str:
    return f"{'ends' if end > now else 'ended'} {_left(now, end)}"


# ---------------------------------------------------------------- the document, its keys, its logs


def _project(given: Evidence) -> Iterator[Warning]:
    now, published, keyset = given.now, given.published, given.keyset
    if published is not None:
        document = published.document
        stages = _SIGNED_BY_HAND if given.own_key else _SIGNED
        end = max(document.expires_at, given.good_until or 0)
        if stage := _stage(now, document.issued_at, end, stages):
            number = f"{published.epoch}.{published.serial}"
            hint = "Publish, or sign it again, with your key." if given.own_key else _NOT_RENEWED
            message = f"the document, revision {number}, {_ends(now, end)}"
            yield _warning(Kind.DOCUMENT, stage, "", number, message, hint, end)
    if keyset is not None and (stage := _stage(now, keyset.issued_at, keyset.expires_at, _SIGNED)):
        message = f"the key set, epoch {keyset.epoch}, {_ends(now, keyset.expires_at)}, and with it every document"
        hint = "Have the anchors sign a new one: `livepin keyset rotate`."
        yield _warning(Kind.KEY_SET, stage, "", f"{keyset.epoch} {keyset.digest}", message, hint, keyset.expires_at)
    if published is not None:
        yield from _logs(now, published)
    for subject, message, hint in given.rules:
        # Some dates in it move with today; what will break stays the same.
        yield _warning(Kind.CT, Stage.SOON, subject, _DATE.sub("", message), message, hint)


_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_NOT_RENEWED = "The server should have signed it again at half of its life. Its publishes say what went wrong."


def _logs(now: int, published: Revision) -> Iterator[Warning]:
    """The list of CT logs counts for 70 days (J7); renewals of a document carry the old one on."""
    logs = published.document.ct_logs
    if logs is None or now - logs.issued_at < OLD_LIST:
        return
    if all(Action.OFF in (one.action, one.ct.action) for one in published.document.policies()):
        return
    end = int(logs.usable_until)
    stage = Stage.OVER if end <= now else Stage.URGENT if end - now <= 7 * DAY else Stage.SOON
    what = "is not evaluated any more" if end <= now else f"is evaluated for {_left(now, end).removeprefix('in ')} more"
    message = f"Certificate Transparency {what}: the list of logs is {(now - logs.issued_at) // DAY} days old"
    hint = "Bring the log table up to date (`livepin ct logs import`), and publish."
    yield _warning(Kind.CT, stage, "", f"list {logs.issued_at}", message, hint, end)


# ---------------------------------------------------------------- hosts


def _hosts(given: Evidence) -> Iterator[Warning]:
    policies: dict[str, Policy] = {}
    if given.published is not None:
        document = given.published.document
        policies = {one.host: one for one in document.policies() if one.action is not Action.OFF}
        for policy in policies.values():
            yield from _pins(given.now, policy, document.expires_at - document.issued_at)
    for look in given.looks:
        yield from _served(given.now, look)
        if look.pattern in policies:
            yield from _judged(given.now, look, policies[look.pattern])


def _pins(now: int, policy: Policy, life: int) -> Iterator[Warning]:
    """When no pin is active any more: every connection of an enforced host is refused then."""
    if not policy.pins:
        return
    moments = sorted({now, *(one for one in policy.moments if one > now)})
    gap = next((one for one in moments if not any(pin.active(one) for pin in policy.pins)), None)
    if gap is None:
        return
    # Nobody saw these windows begin: a life of a document is the notice that they are published with (G4).
    if gap - now > life:
        return
    stage = Stage.OVER if gap <= now else Stage.URGENT if gap - now <= life / 4 else Stage.SOON
    if policy.action is not Action.ENFORCE:
        stage = Stage.SOON
    when = "now" if gap <= now else _left(now, gap)
    message = f"no pin of {policy.host} is active {when}"
    hint = "Add the pin of the key that follows, or give a pin a longer window, and publish."
    what = " ".join(sorted(pin.digest for pin in policy.pins))
    yield _warning(Kind.PINS, stage, policy.host, what, message, hint, gap)


def _served(now: int, look: Seen) -> Iterator[Warning]:
    """The leaf that is served; the certificates above it are renewed by whoever issues."""
    leaf = look.chain[0] if look.chain else {}
    start, end = leaf.get("not_before"), leaf.get("not_after")
    if start is None or end is None:
        return
    if stage := _stage(now, start, end, _CERTIFICATE):
        message = f"{look.name} serves a certificate that {_ends(now, end)}"
        hint = "Renew it. With the same key, or with one that is pinned already, no pin has to change."
        digest = leaf["digests"]["cert_sha256"]
        yield _warning(Kind.CERTIFICATE, stage, look.pattern, f"{look.name} {digest}", message, hint, end)


def _judged(now: int, look: Seen, policy: Policy) -> Iterator[Warning]:
    """What applications meet there, under what is published."""
    where = f"{look.name} at {look.address}" if look.address != "-" else look.name
    stage = Stage.OVER if policy.action is Action.ENFORCE else Stage.SOON
    if not look.chain:
        message = f"{where} was not reached: {look.problem or 'it serves nothing'}"
        yield _warning(Kind.UNREACHABLE, Stage.SOON, look.pattern, where, message, "Nobody can say what it serves.")
        return
    leaf = look.chain[0]["digests"]["cert_sha256"]
    if not look.validated:
        message = f"{where} serves a chain that ordinary validation refuses: {look.problem}"
        hint = "Applications refuse it without any pins. A company's own authority is set in the project's settings."
        yield _warning(Kind.INVALID, Stage.SOON, look.pattern, f"{where} {leaf}", message, hint)
    if policy.pins is not None and not any(_matches(pin, look, now) for pin in policy.pins):
        does = "blocked" if policy.action is Action.ENFORCE else "reported"
        message = f"{where} serves a key that no active pin matches: connections are {does}"
        hint = "If it is yours, add its pin and publish. If nobody changed the key, somebody is in between."
        yield _warning(Kind.MISMATCH, stage, look.pattern, f"{where} {leaf}", message, hint)


def _matches(pin: Pin, look: Seen, now: int) -> bool:
    """As J6, on digests that were kept; of a chain that does not validate, the leaf alone is known (J4)."""
    if not pin.active(now) or (not look.validated and pin.position is Position.CA):
        return False
    leaf, above = look.chain[:1], look.chain[1:] if look.validated else ()
    judged = {Position.LEAF: leaf, Position.CA: above}.get(pin.position, (*leaf, *above))
    return any(one["digests"].get(pin.member) == pin.digest for one in judged)
