"""How a pinner is doing, as data: the answer to “how do I know that it works?”."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, TypedDict

from livepin.client.schedule import Source
from livepin.client.snapshot import Snapshot
from livepin.core import freshness
from livepin.core.document import Action
from livepin.core.trust import Revision


@dataclass(frozen=True, slots=True)
class SourceReport:
    """How one configuration URL has been doing. Times in Unix seconds, None for never.

    `url` without user, password and query. `problem`: the code of what is wrong now; empty where its last answer was
    good. `last_problem` stays when all is well again. `freshness`: the code of what is wrong with its freshness
    statement, where one is asked for.
    """

    url: str
    problem: str
    answered_at: float | None
    last_problem: str
    last_problem_at: float | None
    freshness: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """How a pinner is doing. Times in Unix seconds, `age` in seconds since the document was issued.

    `epoch`, `serial`, `digest` name the revision in force, and are None or empty where there is none. `expires_at`: as
    far as a freshness statement prolongs it; `prolonged` says whether one does. `extendable_until`: how far one could,
    None where none can. `installed`: whether this pinner judges every `ssl` connection of the process. `unreached`:
    modules of the process that can connect without `ssl`, where nobody judges. `hosts`: the patterns of the document;
    `unseen`: those, apart from patterns that are `off`, under which no peer has been judged yet. `judged`: connections,
    counted by outcome and code in `verdicts`; looks through `Pinner.verify` are `asked`. `rounds`: of fetching.
    `sources`: the present problem of each URL, or "ok"; `reports` say more. `events`: how often each
    happened, told or not.
    """

    organization: str
    project: str
    installed: bool
    unreached: tuple[str, ...]
    epoch: int | None
    serial: int | None
    digest: str
    issued_at: int | None
    age: float | None
    expires_at: int | None
    expired: bool
    prolonged: bool
    extendable_until: int | None
    seeded: bool
    hosts: tuple[str, ...]
    unseen: tuple[str, ...]
    judged: int
    verdicts: dict[str, dict[str, int]]
    asked: int
    rounds: int
    sources: dict[str, str]
    reports: tuple[SourceReport, ...]
    events: dict[str, int]

    @property
    def concerns(self) -> tuple[str, ...]:
        """What is not as it should be, in sentences for people; empty when pins are enforced and up to date."""
        return tuple(self._concerns())

    def _concerns(self) -> Iterator[str]:
        if self.epoch is None:
            yield "there is no document"
        if self.expired:
            yield "the document is out of date"
        for report in self.reports:
            if report.problem:
                yield f"{report.url} does not deliver: {report.problem}"
            elif report.freshness:
                yield f"{report.url} has no freshness statement for this document: {report.freshness}"
        if self.epoch is not None and not self.judged and not self.asked:
            yield "nothing was judged yet"
        elif self.hosts and len(self.unseen) == len(self.hosts):
            yield "no listed host was seen yet"

    def as_json(self) -> dict[str, Any]:
        """Everything as values that `json.dumps` takes, `concerns` included."""
        return {**asdict(self), "concerns": self.concerns}


class InForce(TypedDict):
    """The part of a status that one snapshot answers, whole."""

    epoch: int | None
    serial: int | None
    digest: str
    issued_at: int | None
    age: float | None
    expires_at: int | None
    expired: bool
    prolonged: bool
    extendable_until: int | None
    seeded: bool
    hosts: tuple[str, ...]
    unseen: tuple[str, ...]


def in_force(snapshot: Snapshot, now: float) -> InForce:
    """The document that a snapshot judges by, at `now` (Unix seconds)."""
    held = snapshot.revision
    limit = freshness.limit(held) if held else 0
    return {
        "epoch": held.epoch if held else None,
        "serial": held.serial if held else None,
        "digest": held.digest if held else "",
        "issued_at": held.issued_at if held else None,
        "age": max(now, held.issued_at) - held.issued_at if held else None,
        "expires_at": snapshot.expires_at if held else None,
        # The time is the later of the clock and the document (V7).
        "expired": held is not None and max(now, held.issued_at) >= snapshot.expires_at,
        "prolonged": snapshot.statement is not None,
        "extendable_until": limit if held and limit > held.expires_at else None,
        "seeded": snapshot.seeded,
        "hosts": held.document.hosts if held else (),
        "unseen": tuple(_unseen(held, snapshot.seen)) if held else (),
    }


def _unseen(held: Revision, seen: set[str]) -> Iterator[str]:
    for host in held.document.payload["hosts"]:
        if host["action"] != Action.OFF and host["host"] not in seen:
            yield host["host"]


def report_on(source: Source) -> SourceReport:
    """How a source has been doing."""
    return SourceReport(
        source.name,
        source.problem,
        source.answered_at,
        source.last_problem,
        source.last_problem_at,
        source.freshness,
    )
