"""Which verdicts are worth telling, and as what. Ordinary matches are counted only: there are thousands of them."""

from __future__ import annotations

from livepin.client.events import EventName, Events
from livepin.client.tally import Tally
from livepin.client.unjudged import Unjudged
from livepin.core.verdict import Outcome, Verdict

#: How many blocked hosts are remembered, to tell when they recover. Beyond it some recoveries go untold.
MAX_REMEMBERED = 1024


class Teller:
    """Turns the verdicts of one pinner into numbers and events."""

    def __init__(self, events: Events, tally: Tally, unjudged: Unjudged) -> None:
        self._events = events
        self._tally = tally
        self._unjudged = unjudged
        self._blocked: set[str] = set()

    def connection(self, verdict: Verdict) -> None:
        """A connection was judged. Called once in every handshake: an ordinary match costs a few comparisons."""
        if verdict.code == "matched" and not verdict.expired and verdict.ct_evaluated is not False:
            self._tally.matched += 1
            if not self._blocked:
                return
        else:
            self._tally.add(verdict)
            if not verdict.pattern:
                self._unjudged.unlisted()
        self.tell(verdict)

    def tell(self, verdict: Verdict) -> None:
        """Emit what this verdict deserves, and count nothing: of a connection that was counted when it began, say."""
        for name in self._names(verdict):
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
                reasons=verdict.reasons,
                scts=tuple(map(str, verdict.scts)),
            )

    def _names(self, verdict: Verdict) -> list[EventName]:
        """What became of the connection, if that is worth telling; and always, whatever became of it, that the document
        is out of date (J8) and that CT was not evaluated (J7)."""
        became = self._became(verdict)
        names = [became] if became is not None else []
        if verdict.expired:
            names.append(EventName.DOCUMENT_EXPIRED)
        if verdict.ct_evaluated is False:
            names.append(EventName.CT_NOT_EVALUATED)
        return names

    def _became(self, verdict: Verdict) -> EventName | None:
        if verdict.outcome is Outcome.BLOCKED:
            if len(self._blocked) < MAX_REMEMBERED:
                self._blocked.add(verdict.host)
            return EventName.VERDICT_BLOCKED
        if verdict.outcome is Outcome.REPORTED:
            return EventName.VERDICT_REPORTED
        if self._blocked and verdict.host in self._blocked:
            self._blocked.discard(verdict.host)
            return EventName.VERDICT_RECOVERED
        return None
