"""Who holds the document: verifies what arrives, keeps the highest, on disk too, and offers a snapshot to judge by.

Freshness statements are held beside it: the one that prolongs it furthest. They prolong what is held or what arrives
with them, and change nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from livepin.client.clock import Clock
from livepin.client.events import EventName, Events
from livepin.client.forks import fork_safe_lock
from livepin.client.snapshot import Snapshot, WithoutDocument
from livepin.client.store import MemoryStore, Store
from livepin.core import freshness
from livepin.core.freshness import Statement
from livepin.core.trust import Revision, Trust, effective_now, verify, verify_held
from livepin.errors import ConfigurationError, DocumentRefused, LivepinError, StatementIgnored, StoreUnusable


class Prolongable(DocumentRefused):
    """A document that is out of date, unless a freshness statement prolongs it."""


class Keeper:
    """Holds the highest document of store, seed and sources (V8). Its `snapshot` is swapped whole."""

    def __init__(
        self,
        trust: Trust,
        store: Store,
        statements: Store,
        seed: str | None,
        without_document: WithoutDocument,
        missing: str,
        clock: Clock,
        events: Events,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        """Hold what store and seed offer. `statements` keeps the freshness statement.

        Raises `ConfigurationError` (`seed_invalid`).
        """
        self._trust = trust
        self._store = store
        self._statements = statements
        self._clock = clock
        self._events = events
        self._on_change = on_change
        self._lock = fork_safe_lock()
        self._misses: dict[str, str] = {}
        self._unsaved = False
        stored, bundled = self._stored(), self._bundled(seed)
        # The seed is exempt from expiry, and pays for it: it can never switch a pattern off by being old.
        seeded = bundled is not None and (stored is None or stored.number < bundled.number)
        held = bundled if seeded else stored
        statement = None if held is None else self._stored_statement(held)
        self.snapshot = Snapshot(held, seeded, self._installation(), without_document, missing, statement)

    @property
    def held(self) -> Revision | None:
        """The document in force."""
        return self.snapshot.revision

    def rehearse(self) -> None:
        """Check signatures that are none: `cryptography` imports some of its modules only at the first real use."""
        for anchor in self._trust.anchors.values():
            anchor.verify(b"", bytes(64))

    @property
    def extendable(self) -> bool:
        """Whether a freshness statement could still prolong what is held."""
        snapshot = self.snapshot
        if snapshot.revision is None:
            return False
        limit = freshness.limit(snapshot.revision)
        return snapshot.expires_at < limit and self._now(snapshot.revision) < limit

    @property
    def needs_statement(self) -> bool:
        """Whether what is held lives by a freshness statement, or would have to."""
        held = self.held
        return held is not None and (self.snapshot.statement is not None or self._now(held) >= held.expires_at)

    def _now(self, held: Revision | None) -> float:
        return effective_now(self._clock.now(), held)

    def offer(self, text: str, source: str, statement: str | None = None) -> Revision:
        """Verify an arriving document and hold it if it is adopted and higher. Returns what is held then.

        `statement`: the text of a freshness statement that may keep it fresh. Raises `DocumentRefused`; an expired
        document that is not held is refused with `expired`, as `Prolongable` where a statement could help.
        Raises `StatementIgnored` where one was given that does not.
        """
        with self._lock:
            held = self.held
            now = self._now(held)
            arrival = verify(text, self._trust, now, held)
            found = None if statement is None else freshness.verify(statement, arrival.revision, now)
            if found is not None:
                arrival = freshness.prolong(arrival, found, now)
            if not arrival.adopted:
                kind = Prolongable if now < freshness.limit(arrival.revision) else DocumentRefused
                raise kind("expired", "V7", "the document is out of date, and was never held here")
            self.watch_clock()
            if held is not None and arrival.revision.is_copy_of(held):
                self._unseed(held)
                if found is not None and found.until > self.snapshot.expires_at:
                    self._prolong(held, found)
                return held
            self._hold(arrival.revision, found)
        self._announce(arrival.revision, source)
        if found is not None:
            self._announce_statement(arrival.revision, found, source)
        self._on_change()
        return arrival.revision

    def offer_statement(self, text: str, source: str) -> None:
        """Verify an arriving freshness statement about what is held, and prolong that if it is the latest.

        Raises `StatementIgnored`.
        """
        with self._lock:
            held = self.held
            if held is None:
                raise StatementIgnored("other_revision", "F6", "no document is held")
            statement = freshness.verify(text, held, self._now(held))
            if statement.until <= self.snapshot.expires_at:
                return
            self._prolong(held, statement)
        self._announce_statement(held, statement, source)

    def missed(self, source: str, error: LivepinError) -> None:
        """A source had nothing to hold. As long as there is no document, verdicts say so."""
        with self._lock:
            if self.held is None:
                self._misses[source] = f"{source}: {error.message} [{error.code}]"
                why = "there is no document yet: " + "; ".join(self._misses.values())
                self.snapshot = replace(self.snapshot, missing=why)

    def _hold(self, revision: Revision, statement: Statement | None) -> None:
        self.snapshot = self.snapshot.with_revision(revision, statement, seeded=False)
        self._store_both(revision, statement)

    def save_again(self) -> None:
        """Try once more what could not be stored: a disk that was full is not full for ever."""
        with self._lock:
            if self._unsaved and self.held is not None and not self.snapshot.seeded:
                self._unsaved = False
                self._store_both(self.held, self.snapshot.statement)

    def _store_both(self, revision: Revision, statement: Statement | None) -> None:
        self._save(self._store, revision.text, self._is_below(revision))
        if statement is not None:
            self._save(self._statements, statement.text, self._is_earlier(revision, statement))

    def _prolong(self, held: Revision, statement: Statement) -> None:
        self.snapshot = self.snapshot.with_revision(held, statement, seeded=self.snapshot.seeded)
        self._save(self._statements, statement.text, self._is_earlier(held, statement))

    def _save(self, store: Store, text: str, is_higher: Callable[[str | None], bool]) -> None:
        try:
            store.save(text, is_higher)
        except StoreUnusable as error:
            self._unsaved = True
            self._store_unusable("save", str(error), {"code": error.code})

    def _unseed(self, held: Revision) -> None:
        """A source serves the very document that was bundled: from now on it is an ordinary one."""
        if self.snapshot.seeded:
            self._hold(held, self.snapshot.statement)

    def _is_below(self, revision: Revision) -> Callable[[str | None], bool]:
        """Whether what another process stored meanwhile is lower, or nothing that our anchors vouch for."""

        def is_below(text: str | None) -> bool:
            stored = None if text is None else self._vouched(text)
            return stored is None or stored.number < revision.number

        return is_below

    def _is_earlier(self, held: Revision, statement: Statement) -> Callable[[str | None], bool]:
        """Whether what another process stored meanwhile is about another revision, or prolongs ours less."""

        def is_earlier(text: str | None) -> bool:
            stored = None if text is None else self._fitting(text, held)
            return stored is None or stored.until < statement.until

        return is_earlier

    def _fitting(self, text: str, held: Revision) -> Statement | None:
        try:
            return freshness.verify(text, held, self._now(held))
        except StatementIgnored:
            return None

    def _vouched(self, text: str) -> Revision | None:
        try:
            return verify_held(text, self._trust)
        except DocumentRefused:
            return None

    def _stored(self) -> Revision | None:
        """The floor: the stored document, verified again under the anchors embedded now; without that, none."""
        try:
            kept = self._store.load()
            if kept.text is not None:
                return verify_held(kept.text, self._trust)
            if kept.reason:
                self._store_unusable("load", kept.reason, {"code": "store_unusable"})
        except StoreUnusable as error:
            self._store_unusable("load", str(error), {"code": error.code})
        except DocumentRefused as error:
            self._store_unusable("load", f"not used: {error}", {"code": error.code, "step": error.step})
        return None

    def _stored_statement(self, held: Revision) -> Statement | None:
        """The stored statement, verified again; one that does not fit, or is over, is nothing to speak of."""
        try:
            kept = self._statements.load()
        except StoreUnusable as error:
            self._store_unusable("load", str(error), {"code": error.code})
            return None
        if kept.reason:
            self._store_unusable("load", kept.reason, {"code": "store_unusable"})
        found = None if kept.text is None else self._fitting(kept.text, held)
        return found if found is not None and found.until > held.expires_at else None

    def _store_unusable(self, doing: str, why: str, detail: Mapping[str, object]) -> None:
        self._events.emit(EventName.STORE_UNUSABLE, f"the store: {why}", key=doing, **detail)

    def _bundled(self, seed: str | None) -> Revision | None:
        if seed is None:
            return None
        try:
            return verify_held(seed, self._trust)
        except DocumentRefused as error:
            raise ConfigurationError(
                "seed_invalid", f"{error.message} ({error.step} {error.code})", where="seed"
            ) from None

    def _installation(self) -> str:
        try:
            return self._store.installation()
        except StoreUnusable as error:
            self._store_unusable("number", str(error), {"code": error.code})
            return MemoryStore().installation()

    def watch_clock(self) -> None:
        """V7: a held document from the future is used, and told of, whether or not a source answers."""
        held, now = self.held, self._clock.now()
        if held is not None and held.issued_at > now:
            seconds = round(held.issued_at - now)
            message = f"this machine's clock is {seconds} s behind the signer's"
            self._events.emit(EventName.CLOCK_BEHIND, message, seconds=seconds)

    def _announce(self, revision: Revision, source: str) -> None:
        number = f"{revision.epoch}.{revision.serial}"
        detail = {"url": source, "epoch": revision.epoch, "serial": revision.serial, "digest": revision.digest}
        self._events.emit(EventName.DOCUMENT_ACCEPTED, f"document {number} accepted", key=number, **detail)

    def _announce_statement(self, revision: Revision, statement: Statement, source: str) -> None:
        number = f"{revision.epoch}.{revision.serial}"
        detail = {"url": source, "epoch": revision.epoch, "serial": revision.serial, "until": statement.until}
        message = f"document {number} is good until {statement.until} by a freshness statement"
        self._events.emit(EventName.FRESHNESS_ACCEPTED, message, key=number, **detail)
