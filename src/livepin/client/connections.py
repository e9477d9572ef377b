"""Connections that were judged and are still open, in case a later document denies a key that they rely on.

A pool keeps connections for hours, and pins are checked when a connection begins. A *denied* key is different from one
that is merely no longer pinned: it is known to be in the wrong hands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from livepin.client.forks import ForkSafeLock
from livepin.client.handshake import refuse
from livepin.client.peer import TlsPeer
from livepin.client.refusal import PinError
from livepin.core.verdict import Outcome, Verdict


class Connections:
    """Open connections of one pinner. They are held weakly: being listed here keeps nothing open."""

    def __init__(self) -> None:
        self._open: WeakKeyDictionary[Any, TlsPeer] = WeakKeyDictionary()
        self._lock = ForkSafeLock()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, peer: TlsPeer) -> None:
        """Remember a connection that passed."""
        owner = peer.owner()
        if owner is not None:
            with self._lock:
                self._open[owner] = peer

    def review(self, judge: Callable[[TlsPeer], Verdict]) -> list[Verdict]:
        """Judge all again and end those whose key is denied now; their verdicts."""
        with self._lock:
            listed = list(self._open.items())
        denied = []
        for owner, peer in listed:
            verdict = judge(peer)
            if verdict.outcome is Outcome.BLOCKED and verdict.code == "denied":
                denied.append(verdict)
                refuse(owner, PinError(verdict))
                with self._lock:
                    self._open.pop(owner, None)
        return denied
