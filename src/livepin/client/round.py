"""One round of asking: one source after the other, each beside the last when that is slow; in doubt all at once."""

from __future__ import annotations

import queue
import time

from livepin.client.answers import Answers, Meaning, Pending
from livepin.client.attempt import Attempt
from livepin.client.keeper import Keeper
from livepin.client.schedule import Source

#: Seconds until the next source is asked beside a slow one; that the others have in doubt once one has answered; and
#: for a whole round.
HEDGE_AFTER = 1.0
GRACE = 2.0
ROUND_SECONDS = 20.0


class Round:
    """One round of asking. `urgent`: a handshake mismatched; `waiting`: whom to ask, in this order.

    A source that delivers a document which freshness statements can prolong is asked for its statement next.
    """

    def __init__(self, answers: Answers, keeper: Keeper, waiting: list[Source], *, urgent: bool) -> None:
        self._answers = answers
        self._keeper = keeper
        self._waiting = waiting
        self._urgent = urgent
        self._doubts = urgent or answers.in_doubt
        self._before = self._standing
        self._ends = time.monotonic() + ROUND_SECONDS
        self._asked: dict[Attempt, Source] = {}
        self._asked_for_statement: dict[Attempt, Source] = {}
        self._pending = Pending()
        self._results: queue.SimpleQueue[Attempt | None] = queue.SimpleQueue()
        self._ended = False

    @property
    def _standing(self) -> tuple[object, int]:
        """What a round in doubt wants to see changed: what is held and, if no handshake asked, for how long."""
        return self._keeper.held, 0 if self._urgent else self._keeper.snapshot.expires_at

    def run(self) -> bool:
        """Whether a usable answer came."""
        usable = False
        self._ask_next()
        while self._doubts and self._waiting:
            self._ask_next()
        while (self._asked or self._asked_for_statement) and not self._is_over(usable):
            attempt = self._next_result()
            if self._ended:
                break
            meaning = Meaning.USELESS if attempt is None else self._take(attempt)
            if meaning is Meaning.USABLE:
                usable = True
                self._ends = min(self._ends, time.monotonic() + GRACE)
            elif meaning is Meaning.USELESS and self._waiting:
                self._ask_next()
            elif attempt is None:
                break
        self._give_up()
        return usable

    def end(self) -> None:
        """From any thread: leave everybody unheard, now. Nothing is said of those that have not answered."""
        self._ended = True
        for attempt in [*list(self._asked), *list(self._asked_for_statement)]:
            attempt.bounds.cut()
        self._results.put(None)

    def _is_over(self, usable: bool) -> bool:
        if self._ended:
            return True
        if not self._doubts:
            return usable
        # Who held nothing waits for the others, too: the highest valid answer wins (V8).
        held, _ = self._before
        return held is not None and self._standing != self._before

    def _take(self, attempt: Attempt) -> Meaning:
        if attempt in self._asked_for_statement:
            source = self._asked_for_statement.pop(attempt)
            return self._answers.statement(source, attempt.outcome, self._pending)
        source = self._asked.pop(attempt)
        meaning = self._answers.document(source, attempt.outcome, self._pending)
        if meaning is Meaning.STATEMENT_NEXT:
            asked = self._answers.ask_for_statement(source, self._results, etag=not self._doubts)
            self._asked_for_statement[asked] = source
        return meaning

    def _give_up(self) -> None:
        """Leave those that have not answered. One that had its time and was overtaken counts as failed, and rests."""
        for attempts, take in (
            (self._asked, self._answers.document),
            (self._asked_for_statement, self._answers.statement),
        ):
            for attempt, source in attempts.items():
                attempt.cut()
                if attempt.bounds.elapsed >= HEDGE_AFTER and not self._ended:
                    take(source, attempt.outcome, self._pending)

    def _ask_next(self) -> None:
        source = self._waiting.pop(0)
        self._asked[self._answers.ask(source, self._results, etag=not self._doubts)] = source

    def _next_result(self) -> Attempt | None:
        """The next attempt that ended; None when it takes so long that the next source should be asked."""
        left = max(0.0, self._ends - time.monotonic())
        try:
            return self._results.get(timeout=min(HEDGE_AFTER, left) if self._waiting else left)
        except queue.Empty:
            return None
