"""The pinner: one project's pins, in one application."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Unpack

from livepin.client.address import shown
from livepin.client.clock import Clock, SystemClock
from livepin.client.connections import Connections
from livepin.client.context import PinnedContext, is_installed, pinned_context
from livepin.client.events import EventName, Events
from livepin.client.fetch import Fetcher, HttpFetcher
from livepin.client.keeper import Keeper
from livepin.client.peer import GivenPeer, OpenPeer
from livepin.client.refresh import Refresher
from livepin.client.refusal import PinError
from livepin.client.settings import Arguments, Settings, read_settings
from livepin.client.snapshot import PeerView
from livepin.client.status import Status, in_force, report_on
from livepin.client.store import STATEMENT, DiskStore, MemoryStore, Store
from livepin.client.tally import Tally
from livepin.client.telling import Teller
from livepin.client.unjudged import Unjudged, unreached
from livepin.client.waiting import in_event_loop
from livepin.core.pins import certificates_of_pem
from livepin.core.sct import Delivered, Delivery
from livepin.core.verdict import Outcome, Verdict
from livepin.errors import StoreUnusable

#: How long a handshake in an ordinary thread waits for a refresh after a mismatch, in seconds.
MISMATCH_WAIT = 2.0


class Pinner:
    """Keeps one project's document fresh and judges TLS peers by it.

    Made directly it changes nothing in the process: `ssl_context()` goes wherever a client takes a context.
    `livepin.setup` makes one and installs it for every `ssl` client of the process.
    """

    def __init__(
        self, *, clock: Clock | None = None, fetcher: Fetcher | None = None, **arguments: Unpack[Arguments]
    ) -> None:
        """Set up, start the refresher, and wait up to `wait` seconds for a first answer (not inside an event loop).

        `Arguments` says what there is to set; `clock` and `fetcher` are for tests. Raises `ConfigurationError`.
        """
        self._settings = read_settings(arguments)
        self._clock = clock or SystemClock()
        self._events = Events(self._clock, self._settings.on_event)
        self._connections = Connections()
        self._keeper = self._make_keeper(self._settings)
        fetcher = fetcher or HttpFetcher(ca_file=self._settings.ca_file)
        self._tally = Tally()
        self._unjudged = Unjudged(self._tally, self._clock, self._events)
        self._teller = Teller(self._events, self._tally, self._unjudged)
        self._refresher = Refresher(
            self._settings.urls, self._keeper, fetcher, self._clock, self._events, _weakly(self._round_ended)
        )
        # Nobody else may hold the pinner: when the last who uses it drops it, its thread ends too.
        weakref.finalize(self, self._refresher.close).atexit = False
        self._refresher.start()
        if not in_event_loop():
            self._refresher.wait_for_round(0, self._settings.wait)

    def _make_keeper(self, settings: Settings) -> Keeper:
        missing = f"no document could be fetched yet from {', '.join(map(shown, settings.urls))}"
        return Keeper(
            settings.trust,
            *self._make_stores(settings),
            settings.seed,
            settings.without_document,
            missing,
            self._clock,
            self._events,
            _weakly(self._review),
        )

    def _make_stores(self, settings: Settings) -> tuple[Store, Store]:
        """Where the document and its freshness statement survive."""
        if settings.store is None:
            return MemoryStore(), MemoryStore()
        trust = settings.trust
        named = settings.store, trust.organization, trust.project, trust.anchors, trust.threshold
        try:
            return DiskStore(*named), DiskStore(*named, suffix=STATEMENT)
        except StoreUnusable as error:
            self._events.emit(EventName.STORE_UNUSABLE, str(error), key="open", code=error.code)
            return MemoryStore(), MemoryStore()

    # ------------------------------------------------------------------ for applications

    def ssl_context(self, *, cafile: str | None = None, cadata: str | bytes | None = None) -> PinnedContext:
        """A client context whose connections are judged, with the defaults of `ssl.create_default_context`.

        `cafile` and `cadata` as there. Raises `ConfigurationError` (`hook_unavailable`), `OSError`.
        """
        return pinned_context(self.check, cafile, cadata)

    def verify(
        self,
        host: str | None,
        chain: Sequence[bytes | str],
        *,
        validated: bool = True,
        scts: Mapping[str, bytes] | None = None,
    ) -> Verdict:
        """Verdict on a peer that the caller describes; never raises for a verdict, and never fetches.

        `chain`: certificates, leaf first, DER or PEM; the validated chain, unless `validated` is False. `scts`: lists
        of SCTs (RFC 6962 section 3.3) that came otherwise than in the certificate, by `tls` or `ocsp` (J7).
        Raises `CertificateInvalid` for PEM text without a certificate, `ValueError` for another name in `scts`.
        """
        delivered = tuple(Delivered(Delivery(name), data) for name, data in (scts or {}).items())
        certificates: list[bytes] = []
        for item in chain:
            found = [item] if isinstance(item, bytes) else [each.der for each in certificates_of_pem(item)]
            certificates.extend(found)
        self._tally.asked += 1
        return self._verdict(GivenPeer(host, tuple(certificates), validated, delivered))

    async def ready(self, wait: float = 10.0) -> bool:
        """Wait for the first round of fetching, inside an event loop (asyncio or trio) without blocking it.

        Returns whether there is a document to judge by. `wait` in seconds.
        """

        def first_round() -> bool:
            return self._refresher.wait_for_round(0, wait)

        trio = sys.modules.get("trio")
        if trio is not None and trio.lowlevel.in_trio_run():
            await trio.to_thread.run_sync(first_round)
        else:
            import asyncio  # loaded already by whoever runs its loop

            await asyncio.to_thread(first_round)
        return self._keeper.held is not None

    def refresh(self, wait: float = 20.0) -> bool:
        """Fetch now and wait for it, up to `wait` seconds. Returns whether a round of fetching ended."""
        return self._refresher.now(wait)

    def status(self) -> Status:
        """How this pinner is doing."""
        trust = self._settings.trust
        sources = self._refresher.schedule.sources
        return Status(
            organization=trust.organization,
            project=trust.project,
            installed=is_installed(self.check),
            unreached=unreached(),
            **in_force(self._keeper.snapshot, self._clock.now()),
            judged=self._tally.judged,
            verdicts=self._tally.counts(),
            asked=self._tally.asked,
            rounds=self._refresher.rounds,
            sources={source.name: source.problem or "ok" for source in sources},
            reports=tuple(map(report_on, sources)),
            events=self._events.counts(),
        )

    def installed(self) -> None:
        """For `livepin.setup`: every `ssl` connection of the process is judged by this pinner now."""
        self._events.emit(EventName.HOOK_INSTALLED, "every ssl connection of this process is judged")
        self._unjudged.look_beside()

    def takes_over(self, before: Pinner) -> None:
        """For `livepin.setup` called again: open connections of the one before end when a document here denies them."""
        if self._settings.drops_denied:
            self._connections.take_over(before._connections)
            self._review()

    def removed(self) -> None:
        """For `livepin.uninstall`: the process is as it was."""
        self._events.emit(EventName.HOOK_REMOVED, "connections of this process are not judged any more")

    def close(self) -> None:
        """Stop refreshing. Contexts made by this pinner go on judging by the last document.

        A pinner that nobody uses any more, its contexts included, stops by itself.
        """
        self._refresher.close()

    def __enter__(self) -> Pinner:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------------ in the handshake

    def check(self, peer: OpenPeer) -> None:
        """Judge one connection. Returns if it may go on; raises `PinError` if not."""
        self._refresher.ensure()
        verdict = self._verdict(peer)
        if verdict.outcome is Outcome.ALLOWED:
            self._allow(peer, verdict)
            return
        round_seen = self._refresher.mismatched() if verdict.code in _MAY_HEAL else None
        in_loop = in_event_loop()
        if verdict.outcome is Outcome.BLOCKED and round_seen is not None and not in_loop:
            self._refresher.wait_for_news(round_seen, verdict.digest, MISMATCH_WAIT)
            verdict = self._verdict(peer)
        if verdict.outcome is Outcome.BLOCKED:
            self._teller.connection(verdict)
            raise PinError(verdict, retryable=in_loop and round_seen is not None)
        self._allow(peer, verdict)

    def _allow(self, peer: OpenPeer, verdict: Verdict) -> None:
        self._teller.connection(verdict)
        if not self._settings.drops_denied:
            return
        self._connections.add(peer)
        held = self._keeper.held
        if held is not None and held.digest != verdict.digest:
            self._review()  # a document arrived after the verdict, and its own review may have come too early

    def _review(self) -> None:
        """A document arrived: end open connections whose key it denies."""
        for verdict in self._connections.review(self._verdict):
            self._teller.tell(verdict)

    def _round_ended(self) -> None:
        if is_installed(self.check):
            self._unjudged.look_beside()
        elif self._keeper.held is not None:
            self._unjudged.look_around()

    def _verdict(self, peer: PeerView) -> Verdict:
        return self._keeper.snapshot.judge(peer, self._clock.now())


def _weakly(method: Callable[[], None]) -> Callable[[], None]:
    """Calls a method of an object for as long as somebody else holds the object."""
    reference = weakref.WeakMethod(method)

    def call() -> None:
        living = reference()
        if living is not None:
            living()

    return call


#: What a newer document may answer differently.
_MAY_HEAL = frozenset({"pin_mismatch", "ct_failed", "denied", "no_document", "unlisted"})
