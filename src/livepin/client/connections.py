"""Connections that were judged and are still open, in case a later document denies a key that they rely on.

A pool keeps connections for hours, and pins are checked when a connection begins. A *denied* key is different from one
that is merely no longer pinned: it is known to be in the wrong hands.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from livepin.client.forks import fork_safe_lock
from livepin.client.peer import OpenPeer
from livepin.client.refusal import PinError
from livepin.core.verdict import Outcome, Verdict

#: Below this many entries nobody looks for closed connections.
_FEW = 64


class Connections:
    """Open connections of one pinner. They are held weakly: being listed here keeps nothing open.

    `add` is called in every handshake, so it only appends; closed connections are swept out when there may be as many
    of them as open ones.
    """

    def __init__(self) -> None:
        self._listed: list[OpenPeer] = []
        self._sweep_at = _FEW
        self._lock = fork_safe_lock()

    def __len__(self) -> int:
        """How many are open."""
        return sum(peer.owner() is not None for peer in self._listed)

    def add(self, peer: OpenPeer) -> None:
        """Remember a connection that passed."""
        self._listed.append(peer)
        if len(self._listed) >= self._sweep_at:
            self._sweep()

    def take_over(self, others: Connections) -> None:
        """Remember those that others remember."""
        self._listed.extend(list(others._listed))
        self._sweep()

    def _sweep(self) -> None:
        with self._lock:
            count = len(self._listed)
            alive = [peer for peer in self._listed[:count] if peer.owner() is not None]
            self._listed[:count] = alive  # what other threads appended meanwhile stands behind, and stays
            self._sweep_at = 2 * len(alive) + _FEW

    def review(self, judge: Callable[[OpenPeer], Verdict]) -> list[Verdict]:
        """Judge all again and end those whose key is denied now; their verdicts."""
        denied = []
        for peer in list(self._listed):
            owner = peer.owner()
            verdict = None if owner is None else judge(peer)
            if verdict is not None and verdict.outcome is Outcome.BLOCKED and verdict.code == "denied":
                denied.append(verdict)
                peer.refuse(owner, PinError(verdict))
                self._forget(peer)
        return denied

    def _forget(self, peer: OpenPeer) -> None:
        with self._lock, suppress(ValueError):
            self._listed.remove(peer)
