"""Which verdicts are worth telling, and as what. Ordinary matches are not: there are thousands of them."""

from __future__ import annotations

from livepin.client.events import EventName, Events
from livepin.core.verdict import Outcome, Verdict

#: How many blocked hosts are remembered, to tell when they recover. Beyond it some recoveries go untold.
MAX_REMEMBERED = 1024


class Teller:
    """Turns the verdicts of one pinner into events."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._blocked: set[str] = set()

    def tell(self, verdict: Verdict) -> None:
        """Emit what this verdict deserves. Called in every handshake: an ordinary match costs a few comparisons."""
        ordinary = verdict.code == "matched" and not verdict.expired and verdict.ct_evaluated is not False
        if ordinary and not self._blocked:
            return
        name = self._name(verdict)
        if name is None:
            return
        text = f"{verdict.host or 'peer'}: {verdict.outcome} ({verdict.code}) {'; '.join(verdict.reasons)}"
        self._events.emit(
            name,
            text.rstrip(),
            key=verdict.host,
            host=verdict.host,
            code=verdict.code,
            pattern=verdict.pattern,
            epoch=verdict.epoch,
            serial=verdict.serial,
            likely=verdict.likely or "",
        )

    def _name(self, verdict: Verdict) -> EventName | None:
        if verdict.outcome is Outcome.BLOCKED:
            if len(self._blocked) < MAX_REMEMBERED:
                self._blocked.add(verdict.host)
            return EventName.VERDICT_BLOCKED
        if verdict.outcome is Outcome.REPORTED:
            return EventName.VERDICT_REPORTED
        if self._blocked and verdict.host in self._blocked:
            self._blocked.discard(verdict.host)
            return EventName.VERDICT_RECOVERED
        if verdict.expired:
            return EventName.DOCUMENT_EXPIRED
        return EventName.CT_NOT_EVALUATED if verdict.ct_evaluated is False else None
