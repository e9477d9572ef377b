"""What the application believes at one moment, and the judging under it.

A snapshot never changes: a new document makes a new one, which takes the old one's place in one assignment. So
handshakes need no lock, and each is judged under exactly one revision.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

from livepin.core import judge
from livepin.core.ct_policy import moments
from livepin.core.freshness import Statement
from livepin.core.hosts import candidates, normalize
from livepin.core.judge import Peer
from livepin.core.likely import likely
from livepin.core.pins import Certificate
from livepin.core.sct import Delivered
from livepin.core.trust import Revision
from livepin.core.verdict import Outcome, Verdict
from livepin.errors import CertificateInvalid, HostInvalid

#: How many verdicts are remembered per revision. A certificate is about 1.5 kB, so this is about 1.5 MB.
MAX_REMEMBERED = 1024


class PeerView(Protocol):
    """What judging asks about the other side of a connection. `client.peer.TlsPeer` answers for real ones."""

    @property
    def host(self) -> str | None:
        """The name that the TLS layer verifies; None where the application named none."""

    @property
    def leaf(self) -> bytes:
        """Certificate in DER; empty where the peer showed none."""

    @property
    def validated(self) -> bool:
        """Whether the TLS layer validated the chain."""

    @property
    def delivered(self) -> tuple[Delivered, ...]:
        """SCTs from elsewhere than the certificate, if there are any (J7)."""

    def chain(self) -> tuple[bytes, ...] | None:
        """Validated chain in DER, leaf first; None where it is not known."""


@dataclass(frozen=True, slots=True)
class WithoutDocument:
    """What happens before there is any document: the hosts of `patterns` are blocked, or all are let through."""

    patterns: frozenset[str] | None = None
    blocks: bool = True

    def judge(self, host: str | None, why: str) -> Verdict:
        """Verdict on a host; `why` says what is missing, and where it was looked for."""
        verdict = Verdict(Outcome.BLOCKED, "no_document", host or "", reasons=(why,))
        if not self._covers(host):
            return replace(verdict, outcome=Outcome.ALLOWED, code="unlisted", reasons=())
        return verdict if self.blocks else replace(verdict, outcome=Outcome.REPORTED)

    def _covers(self, host: str | None) -> bool:
        if self.patterns is None or host is None:
            return True
        try:
            return not self.patterns.isdisjoint(candidates(normalize(host)))
        except HostInvalid:
            return True


class _Remembered(NamedTuple):
    verdict: Verdict
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A revision with everything that judging under it needs.

    `seeded`: it was bundled, never fetched. `statement`: the freshness statement that prolongs it, if one does.
    """

    revision: Revision | None
    seeded: bool
    installation: str
    without_document: WithoutDocument
    missing: str = ""
    statement: Statement | None = None
    #: Per pattern, the last chain that matched. Outlives snapshots; serves `likely` alone.
    accepted: dict[str, tuple[Certificate, ...]] = field(default_factory=dict, repr=False, compare=False)
    #: Patterns under which a peer was judged. Outlives snapshots too; serves the status alone.
    seen: set[str] = field(default_factory=set, repr=False, compare=False)
    _memory: dict[tuple[object, ...], _Remembered] = field(default_factory=dict, repr=False, compare=False)

    @property
    def expires_at(self) -> int:
        """The effective expiry in Unix seconds (V7); 0 where there is no revision."""
        if self.statement is not None:
            return self.statement.until
        return 0 if self.revision is None else self.revision.expires_at

    def with_revision(self, revision: Revision, statement: Statement | None = None, *, seeded: bool) -> Snapshot:
        """The snapshot that takes this one's place. Verdicts of another revision, or another life, are forgotten."""
        return replace(self, revision=revision, statement=statement, seeded=seeded, _memory={})

    def judge(self, peer: PeerView, now: float) -> Verdict:
        """Verdict on a peer at `now` (Unix seconds). Never raises for anything that a peer can send."""
        if self.revision is None:
            return self.without_document.judge(peer.host, self.missing)
        if now < self.revision.issued_at:
            now = self.revision.issued_at  # the later of clock and document (V7)
        key: tuple[object, ...] = (peer.host, peer.leaf, peer.validated)
        found = self._memory.get(key)
        if found is None or not found.since <= now < found.until:
            return self._judge_with_chain(self.revision, peer, now, key)
        return found.verdict

    def _judge_with_chain(self, revision: Revision, peer: PeerView, now: float, key: tuple[object, ...]) -> Verdict:
        chain = peer.chain()
        whole = (*key, chain, peer.delivered)
        found = self._memory.get(whole)
        if found is not None and found.since <= now < found.until:
            return found.verdict
        complete = chain is not None
        known = tuple(map(Certificate, chain if chain is not None else (peer.leaf,)))
        try:
            whom = Peer(peer.host, known, peer.validated, complete, peer.delivered)
            verdict, leaf_only = self._judge(revision, whom, now)
        except CertificateInvalid as error:
            return Verdict(Outcome.BLOCKED, "pin_mismatch", peer.host or "", reasons=(error.message,))
        self._remember(key if leaf_only else whole, revision, verdict, now)
        self.seen.add(verdict.pattern)
        return verdict

    def _judge(self, revision: Revision, peer: Peer, now: float) -> tuple[Verdict, bool]:
        """Verdict, and whether it depends on nothing but host and leaf."""
        document = revision.document
        verdict = judge.judge(
            document,
            peer,
            now,
            installation=self.installation,
            expires_at=self.expires_at,
            seeded=self.seeded,
            epoch=revision.epoch,
            digest=revision.digest,
        )
        policy = document.policy(verdict.pattern) if verdict.pattern else None
        return self._with_guess(verdict, peer), not judge.needs_chain(document, policy)

    def _with_guess(self, verdict: Verdict, peer: Peer) -> Verdict:
        """Remember what a match looked like; guess what a mismatch is."""
        if verdict.code == "matched":
            self.accepted[verdict.pattern] = peer.chain
        if verdict.code != "pin_mismatch":
            return verdict
        guess, reason = likely(peer.chain, self.accepted.get(verdict.pattern, ()))
        return replace(verdict, likely=guess, reasons=(*verdict.reasons, f"likely {guess}: {reason}"))

    def _remember(self, key: tuple[object, ...], revision: Revision, verdict: Verdict, now: float) -> None:
        """Keep a verdict for as long as time alone cannot change it."""
        if len(self._memory) >= MAX_REMEMBERED:
            self._memory.clear()
        if verdict.host:
            policy = revision.document.policy(verdict.pattern) if verdict.pattern else None
            ct_moments = moments(revision.document.ct_logs, verdict.scts) if verdict.ct_evaluated is not None else ()
            since, until = judge.steady(policy, now, self.expires_at, ct_moments)
            self._memory[key] = _Remembered(verdict, since, until)
