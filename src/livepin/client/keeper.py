"""Who holds the document: verifies what arrives, keeps the highest, on disk too, and offers a snapshot to judge by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from livepin.client.clock import Clock
from livepin.client.events import EventName, Events
from livepin.client.forks import ForkSafeLock
from livepin.client.snapshot import Snapshot, WithoutDocument
from livepin.client.store import MemoryStore, Store
from livepin.core.trust import Revision, Trust, verify, verify_held
from livepin.errors import ConfigurationError, DocumentRefused, LivepinError, StoreUnusable


class Keeper:
    """Holds the highest document of store, seed and sources (V8). Its `snapshot` is swapped whole."""

    def __init__(
        self,
        trust: Trust,
        store: Store,
        seed: str | None,
        without_document: WithoutDocument,
        missing: str,
        clock: Clock,
        events: Events,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        """Hold what store and seed offer. Raises `ConfigurationError` (`seed_invalid`)."""
        self._trust = trust
        self._store = store
        self._clock = clock
        self._events = events
        self._on_change = on_change
        self._lock = ForkSafeLock()
        self._misses: dict[str, str] = {}
        stored, bundled = self._stored(), self._bundled(seed)
        # The seed is exempt from expiry, and pays for it: it can never switch a pattern off by being old.
        seeded = bundled is not None and (stored is None or stored.number < bundled.number)
        held = bundled if seeded else stored
        self.snapshot = Snapshot(held, seeded, self._installation(), without_document, missing)

    @property
    def held(self) -> Revision | None:
        """The document in force."""
        return self.snapshot.revision

    def rehearse(self) -> None:
        """Check signatures that are none: `cryptography` imports some of its modules only at the first real use."""
        for anchor in self._trust.anchors.values():
            anchor.verify(b"", bytes(64))

    def offer(self, text: str, source: str) -> Revision:
        """Verify an arriving document and hold it if it is adopted and higher. Returns what is held then.

        Raises `DocumentRefused`; an expired document that is not held is refused with `expired`.
        """
        with self._lock:
            held = self.held
            now = self._clock.now()
            arrival = verify(text, self._trust, now, held)
            if not arrival.adopted:
                raise DocumentRefused("expired", "V7", "the document is out of date, and was never held here")
            self.watch_clock()
            if held is not None and arrival.revision.is_copy_of(held):
                self._unseed(held)
                return held
            self._hold(arrival.revision)
        self._announce(arrival.revision, source)
        self._on_change()
        return arrival.revision

    def missed(self, source: str, error: LivepinError) -> None:
        """A source had nothing to hold. As long as there is no document, verdicts say so."""
        with self._lock:
            if self.held is None:
                self._misses[source] = f"{source}: {error.message} [{error.code}]"
                why = "there is no document yet: " + "; ".join(self._misses.values())
                self.snapshot = replace(self.snapshot, missing=why)

    def _hold(self, revision: Revision, *, seeded: bool = False) -> None:
        self.snapshot = self.snapshot.with_revision(revision, seeded=seeded)
        try:
            self._store.save(revision.text, self._is_below(revision))
        except StoreUnusable as error:
            self._store_unusable("save", str(error), {"code": error.code})

    def _unseed(self, held: Revision) -> None:
        """A source serves the very document that was bundled: from now on it is an ordinary one."""
        if self.snapshot.seeded:
            self._hold(held)

    def _is_below(self, revision: Revision) -> Callable[[str | None], bool]:
        """Whether what another process stored meanwhile is lower, or nothing that our anchors vouch for."""

        def is_below(text: str | None) -> bool:
            stored = None if text is None else self._vouched(text)
            return stored is None or stored.number < revision.number

        return is_below

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
