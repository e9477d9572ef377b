"""The operator's log table, and what hosts prove by it: what a rule about Certificate Transparency is made of (J7)."""

from __future__ import annotations

import time
from dataclasses import dataclass

from livepin.author import ct_rules
from livepin.author.ct_logs import FILE_NAME, LogTable, open_table
from livepin.author.draft import Draft, HostEntry
from livepin.core.hosts import parse_pattern
from livepin.core.verdict import SctEvidence
from livepin.errors import HostInvalid, NotFound, PatternInvalid, ValueInvalid
from livepin.server.actions import rates, turns
from livepin.server.actions.actor import Actor, May, reach_project
from livepin.server.actions.looks import LOOKS_PER_MINUTE, survey
from livepin.server.settings import CONFIG
from livepin.watch.sights import sights_of_host
from livepin.watch.survey import Sight


@dataclass(frozen=True, slots=True)
class Proven:
    """What one address served. `problem`: why ordinary validation refuses it, or why there is nothing."""

    address: str
    problem: str
    scts: tuple[SctEvidence, ...]


def read(actor: Actor) -> LogTable:
    """The operator's table, empty where there is none. Everybody who signed in may know it: documents carry it."""
    return open_table(CONFIG.data) or LogTable()


def prove(
    actor: Actor, organization: str, project: str, pattern: str, look_at: tuple[str, ...] = (), address: str = ""
) -> tuple[Proven, ...]:
    """Look now at where a host of a draft says, in the draft or not, and weigh its SCTs. Takes the right to stage.

    Raises `NotFound` (also `ct_logs_missing`), `Forbidden`, `RateLimited`, `ValueInvalid`.
    """
    reached, found = reach_project(actor, organization, project, May.STAGE)
    table = open_table(CONFIG.data)
    if table is None:
        raise NotFound("ct_logs_missing", f"the server has no {FILE_NAME} to verify SCTs by", where=pattern[:80])
    sights = _sights(organization, project, pattern, look_at, address)
    rates.spend(f"looks of {reached.organization.id}", LOOKS_PER_MINUTE)
    with turns.looking(reached.organization.id):
        seen = survey(found, sights)
    now, proven = time.time(), []
    for _, look in seen:
        if not look.answers:
            proven.append(Proven("-", look.error, ()))
        for one in look.answers:
            scts = ct_rules.weighed(table, one.verified, now) if one.verified else ()
            proven.append(Proven(one.address, "" if one.verified else one.invalid or one.error, scts))
    return tuple(proven)


def _sights(organization: str, project: str, pattern: str, look_at: tuple[str, ...], address: str) -> list[Sight]:
    try:
        entry = HostEntry(parse_pattern(pattern).text, "enforce", look_at=look_at, address=address)
        return sights_of_host(Draft(organization, project, 1, None, "allow", (), (entry,)), entry.host)
    except (PatternInvalid, HostInvalid) as error:
        raise ValueInvalid(error.code, error.message, where=pattern[:80]) from None
