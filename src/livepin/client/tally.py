"""How many connections ended in which verdict: plain integers, counted in the handshake itself."""

from __future__ import annotations

from collections import defaultdict

from livepin.core.verdict import Outcome, Verdict


class Tally:
    """The counters of one pinner, from its beginning; a forked child goes on from its parent's.

    No lock: `n += 1` is one step where there is a global interpreter lock. Where there is none, threads that count at
    the very same moment may lose one, which a handshake must not wait for.
    """

    __slots__ = ("_allowed", "_blocked", "_reported", "asked", "listed", "matched", "unlisted")

    def __init__(self) -> None:
        #: Ordinary matches, apart from the others: this is the one line that thousands of handshakes run.
        self.matched = 0
        #: Others under a pattern of the document in force, and those that no pattern covered.
        self.listed = 0
        self.unlisted = 0
        #: Peers that the application described itself, through `Pinner.verify`.
        self.asked = 0
        self._allowed: defaultdict[str, int] = defaultdict(int)
        self._reported: defaultdict[str, int] = defaultdict(int)
        self._blocked: defaultdict[str, int] = defaultdict(int)

    def add(self, verdict: Verdict) -> None:
        """Count a connection whose verdict is anything but an ordinary match."""
        if verdict.outcome is Outcome.ALLOWED:
            self._allowed[verdict.code] += 1
        elif verdict.outcome is Outcome.BLOCKED:
            self._blocked[verdict.code] += 1
        else:
            self._reported[verdict.code] += 1
        if verdict.pattern:
            self.listed += 1
        elif verdict.digest:
            self.unlisted += 1

    def counts(self) -> dict[str, dict[str, int]]:
        """Connections by outcome and code; what never happened is left out."""
        allowed = dict(self._allowed)
        if self.matched:
            allowed["matched"] = allowed.get("matched", 0) + self.matched
        found = {
            Outcome.ALLOWED.value: allowed,
            Outcome.REPORTED.value: dict(self._reported),
            Outcome.BLOCKED.value: dict(self._blocked),
        }
        return {outcome: codes for outcome, codes in found.items() if codes}

    @property
    def judged(self) -> int:
        """All connections that were judged."""
        return sum(count for codes in self.counts().values() for count in codes.values())
