"""The guard, asked for a project: live endpoints are looked at, and every rule is held against what would be signed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.utils import timezone

from livepin.author import ct_rules, staging
from livepin.author.ct_logs import LogTable, open_table
from livepin.author.draft import Draft
from livepin.author.suffixes import public_suffixes
from livepin.core import guard
from livepin.core.document import Document
from livepin.core.guard import Circumstances, Finding, Rule, Settlement
from livepin.core.strictjson import MAX_INTEGER as MAX_SERIAL
from livepin.errors import DocumentRefused, PublishRefused, ValueInvalid
from livepin.server.actions import drafts, keys, looks, rates, revisions, turns
from livepin.server.actions.actor import Actor, May, reach_project
from livepin.server.models import Project
from livepin.server.settings import CONFIG
from livepin.watch.sights import sights_of
from livepin.watch.survey import Sight

#: Each preview looks at every host of the project.
PREVIEWS_PER_MINUTE = 20
_MOST_REASON = 500


@dataclass(frozen=True, slots=True)
class Preview:
    """What publishing the draft would do. `version`: of the draft that was looked at."""

    changes: tuple[staging.Change, ...]
    settlement: Settlement
    version: int


def diff(actor: Actor, organization: str, project: str) -> tuple[staging.Change, ...]:
    """What the draft changes in what is published; nothing is looked at. Raises `NotFound`, `ValueInvalid`."""
    _, found = reach_project(actor, organization, project, May.READ)
    published = revisions.opened(found, revisions.current(found))
    before = None if published is None else published.document.payload
    return staging.diff(before, stage(found, drafts.draft_of(found)))


def preview(actor: Actor, organization: str, project: str, overrides: Mapping[str, str] | None = None) -> Preview:
    """Ask the guard about the draft, without publishing. Takes the right to stage: the server looks at live hosts.

    Raises `NotFound`, `Forbidden`, `ValueInvalid`, `RateLimited`.
    """
    reached, found = reach_project(actor, organization, project, May.STAGE)
    rates.spend(f"checks of {found.id}", PREVIEWS_PER_MINUTE)
    given = rules_of(overrides or {})
    draft = drafts.draft_of(found)
    payload = stage(found, draft)
    with turns.looking(reached.organization.id):
        settlement = settle(found, draft, payload, given)
    said = {"version": found.draft_version, "at": int(timezone.now().timestamp()), "findings": as_json(settlement)}
    Project.objects.filter(id=found.id).update(checked=said)
    published = revisions.payload_of(found, revisions.current(found))
    return Preview(staging.diff(published, payload), settlement, found.draft_version)


def stage(project: Project, draft: Draft) -> dict[str, Any]:
    """The payload of a draft, with the next number that this database knows. Raises `ValueInvalid`.

    The number is none yet: it is given when the document is signed, and may have run out (delivery.py says so).
    """
    epoch = keyset.epoch if (keyset := keys.keyset_of(project)) else 0
    serial = min(revisions.highest(project, epoch) + 1, MAX_SERIAL)
    try:
        return staging.payload_of(draft, serial, int(timezone.now().timestamp()), log_table(draft))
    except DocumentRefused as error:
        raise ValueInvalid("value_invalid", error.message, where=error.where or "draft") from None


def log_table(draft: Draft) -> LogTable | None:
    """The operator's table of CT logs, `ct-logs.toml` in the data folder; not read where no host asks for CT."""
    return open_table(CONFIG.data) if draft.asks_for_ct else None


def rules_of(overrides: Mapping[str, str]) -> dict[Rule, str]:
    """Overrides as people give them: a reason by rule. Raises `ValueInvalid`."""
    found = {}
    for name, reason in overrides.items():
        if name not in set(Rule) or not Rule(name).overridable:
            raise ValueInvalid("value_invalid", f"{name[:20]!r} is no rule that can be overridden", where="overrides")
        if not reason.strip() or len(reason) > _MOST_REASON:
            message = f"an override needs a reason of 1 to {_MOST_REASON} characters"
            raise ValueInvalid("value_invalid", message, where=f"overrides.{name}")
        found[Rule(name)] = reason.strip()
    return found


def settle(
    project: Project,
    draft: Draft,
    payload: Mapping[str, Any],
    overrides: Mapping[Rule, str],
    told: Callable[[Sight], None] = lambda sight: None,
) -> Settlement:
    """Look at the hosts and ask the guard. `draft` says where to look and why; `payload` is what would be signed."""
    document = Document.from_payload(dict(payload))
    row = revisions.current(project)
    revision = revisions.opened(project, row)
    published = None if revision is None else revision.document
    now = timezone.now().timestamp()
    seen = looks.survey(project, sights_of(draft, document, published), told)
    # What was seen for the guard is what the pages show: nobody has to look once more.
    looks.keep(project, seen)
    keyset = keys.keyset_of(project)
    findings = guard.check(
        document,
        Circumstances(
            now=now,
            served=tuple(one for sight, look in seen for one in look.served_for(sight.pattern)),
            published=published,
            reasons=staging.reasons(draft),
            public_suffixes=public_suffixes(document.hosts),
            max_life=_max_life(project),
            keyset_expires_at=None if keyset is None else keyset.expires_at,
        ),
    )
    warned = guard.warnings(document, now)
    if ct_rules.wants_logs(document.payload["hosts"]) and (table := log_table(draft)) is not None:
        warned += ct_rules.soon(table, document, now)
    return guard.settle(findings, overrides, warned)


def _max_life(project: Project) -> int:
    """Documents that the server signs by itself are short-lived; a person with an own key signs less often (G5)."""
    return guard.MAX_LIFE_OWN_KEYS if keys.signing_key(project).kind == "own" else guard.MAX_LIFE


def as_json(settlement: Settlement) -> list[dict[str, Any]]:
    """A settlement as it is stored, and shown: `state` is open, overridden (with the `reason`) or warning."""
    stored: list[dict[str, Any]] = [_stored(one, "open") for one in settlement.open]
    stored += [{**_stored(one.finding, "overridden"), "reason": one.reason} for one in settlement.overridden]
    return stored + [_stored(one, "warning") for one in settlement.warned]


def _stored(finding: Finding, state: str) -> dict[str, Any]:
    return {**asdict(finding), "rule": str(finding.rule), "state": state}


class GuardRefused(PublishRefused):
    """Findings are left that nobody overrode; `findings` as `as_json` has them."""

    def __init__(self, findings: list[dict[str, Any]]) -> None:
        still_open = [one for one in findings if one["state"] == "open"]
        lines = [f"{one['rule']} {one['host'] or '(document)'}: {one['message']}" for one in still_open]
        super().__init__("guard_refused", "the guard refuses: " + "; ".join(lines[:20]))
        self.findings = findings
