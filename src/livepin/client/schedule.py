"""When to ask, and whom: arithmetic on monotonic seconds, without threads, sockets or clocks.

a document is held      ask again after `refresh_after` ± 10 %, at least hourly, never more often than every 10 s;
                        an interval that grows is followed a day later
a source failed         ask it again after 10 s, doubling up to `refresh_after`, to 60 s while nothing is held
a handshake mismatched  ask at once, then not again for 30 s, doubling while nothing new comes
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

from livepin.client.address import shown

SHORTEST, LONGEST = 10.0, 3600.0
JITTER = 0.1
#: Seconds until an interval that a document has made longer is followed: a thief of the signing key asks for the
#: longest, to keep in force what he published, and whoever finds out today has to be heard as soon as before.
LONGER_AFTER = 86_400.0
FIRST_MISMATCH_PAUSE = 30.0
#: Seconds for which an ETag is sent back: a thief of the CDN may have guessed that of the next document, and the
#: honest one would answer 304 to it.
WHOLE_AFTER = 3600.0
#: The longest rest of a source while no document is held: until one comes, the application stands still.
LONGEST_WITHOUT = 60.0


@dataclass
class Source:
    """One URL and how it has been doing. `etag` names the revision `etag_for`, `statement_etag` the freshness
    statement `statement_etag_for`; `whole_at`, `statement_whole_at`: when they came (monotonic seconds).
    `freshness`: the code of what is wrong with its statement; empty if nothing is."""

    url: str
    etag: str | None = None
    etag_for: object = None
    whole_at: float = float("-inf")
    statement_etag: str | None = None
    statement_etag_for: object = None
    statement_whole_at: float = float("-inf")
    freshness: str = ""
    failures: int = 0
    not_before: float = 0.0
    problem: str = ""
    answered_at: float | None = None
    last_problem: str = ""
    last_problem_at: float | None = None

    @property
    def name(self) -> str:
        """The URL as it may stand in events, errors and the status: its query may be a secret."""
        return shown(self.url)

    def failed(self, now: float, longest: float, problem: str, at: float | None = None) -> None:
        """Wait longer after each failure in a row. `at`: the wall clock, for the status; here and in `answered`."""
        self.not_before = now + min(SHORTEST * 2**self.failures, longest)
        self.failures = min(self.failures + 1, 32)
        self.problem = problem
        self.last_problem, self.last_problem_at = problem, at

    def answered(self, at: float | None = None) -> None:
        """Something usable came: forget earlier failures."""
        self.answered_at = at
        self.failures, self.not_before, self.problem = 0, 0.0, ""


class Schedule:
    """When the next round of asking is due."""

    def __init__(self, sources: Iterable[Source], generator: random.Random | None = None) -> None:
        self.sources = tuple(sources)
        # The system's: a generator of our own would be copied by a fork, and all workers would ask at the same moments.
        self._random = generator or random.SystemRandom()
        self.interval = 600.0
        self._followed = False
        self._longer_since: float | None = None
        self._mismatch_pause = FIRST_MISMATCH_PAUSE
        self._next_mismatch = float("-inf")
        self.due = float("-inf")

    def follow(self, refresh_after: int, now: float) -> None:
        """Take the interval of the held document, within the bounds that hold whatever it says: a thief may have
        signed it. One that is longer than the last is taken when documents have asked for it for a day."""
        wanted = min(max(float(refresh_after), SHORTEST), LONGEST)
        if self._followed and wanted > self.interval:
            self._longer_since = now if self._longer_since is None else self._longer_since
            if now - self._longer_since < LONGER_AFTER:
                return
        self.interval, self._followed, self._longer_since = wanted, True, None

    def succeeded(self, now: float) -> None:
        """A round ended with a usable answer."""
        self.due = now + self.interval * self._random.uniform(1 - JITTER, 1 + JITTER)

    def failed(self, now: float) -> None:
        """A round ended without one: the first source to become free again sets the time."""
        soonest = min(source.not_before for source in self.sources)
        self.due = max(soonest, now + SHORTEST) + self._random.uniform(0, JITTER) * SHORTEST

    def mismatched(self, now: float) -> bool:
        """Whether a mismatch at `now` may ask out of turn."""
        if now < self._next_mismatch:
            return False
        self._next_mismatch = now + self._mismatch_pause
        self._mismatch_pause = min(self._mismatch_pause * 2, max(self.interval, FIRST_MISMATCH_PAUSE))
        self.due = now
        return True

    def learnt(self) -> None:
        """Something new came: the next mismatch may ask soon again."""
        self._mismatch_pause = FIRST_MISMATCH_PAUSE

    def free_sources(self, now: float) -> list[Source]:
        """Whom to ask, in the order set up; everybody where all are waiting, because asking is due all the same."""
        free = [source for source in self.sources if source.not_before <= now]
        return free or list(self.sources)
