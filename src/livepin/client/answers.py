"""What the answers of sources mean: judged by the keeper, counted for the schedule, told as events.

A source is honest and up to date, as far as can be told, when it delivers the document and, where freshness statements
can prolong that document, a statement that fits. Is there none that does, that is a fault only where one is needed:
the document has no life of its own left, or a statement prolongs it already.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from queue import SimpleQueue

from livepin.client.address import statement_url
from livepin.client.attempt import Answer, Attempt, Fetched
from livepin.client.clock import Clock
from livepin.client.events import EventName, Events
from livepin.client.fetch import Fetcher
from livepin.client.keeper import Keeper, Prolongable
from livepin.client.schedule import LONGEST_WITHOUT, WHOLE_AFTER, Schedule, Source
from livepin.core import freshness
from livepin.core.trust import effective_now
from livepin.errors import DocumentRefused, FetchFailed, LivepinError, StatementIgnored

#: Seconds for one attempt.
ATTEMPT_SECONDS = 10.0

Outcome = Fetched | LivepinError | None


class Meaning(Enum):
    """What an answer means for the round."""

    USABLE = auto()
    USELESS = auto()
    #: The document is good or may become so: ask this source for its freshness statement.
    STATEMENT_NEXT = auto()


@dataclass
class Pending:
    """Answers of one round, by URL, whose documents are out of date unless a freshness statement prolongs them."""

    documents: dict[str, Fetched] = field(default_factory=dict)


class Answers:
    """Asks the sources of one project and takes their answers."""

    def __init__(
        self,
        keeper: Keeper,
        fetcher: Fetcher,
        clock: Clock,
        events: Events,
        schedule: Schedule,
        on_news: Callable[[], object],
    ) -> None:
        """`on_news` is called when a document arrived that was not held."""
        self._keeper = keeper
        self._fetcher = fetcher
        self._clock = clock
        self._events = events
        self._schedule = schedule
        self._on_news = on_news

    # ------------------------------------------------------------------ asking

    def ask(self, source: Source, results: SimpleQueue[Attempt | None], *, etag: bool) -> Attempt:
        """Start asking a source for its document. An ETag goes along only while it names the one that is held."""
        known = etag and source.etag_for is not None and source.etag_for is self._keeper.held
        tag = source.etag if known and self._recent(source.whole_at) else None
        return self._fetcher.start(source.url, etag=tag, deadline=ATTEMPT_SECONDS, on_done=results.put)

    def ask_for_statement(self, source: Source, results: SimpleQueue[Attempt | None], *, etag: bool) -> Attempt:
        """Start asking a source for its freshness statement."""
        known = etag and source.statement_etag_for is not None
        known = known and source.statement_etag_for is self._keeper.snapshot.statement
        known = known and self._recent(source.statement_whole_at)
        return self._fetcher.start(
            statement_url(source.url),
            etag=source.statement_etag if known else None,
            deadline=ATTEMPT_SECONDS,
            max_bytes=freshness.MAX_TEXT,
            on_done=results.put,
        )

    def _recent(self, at: float) -> bool:
        """Whether an ETag of this age is sent back."""
        return self._clock.monotonic() - at < WHOLE_AFTER

    # ------------------------------------------------------------------ documents

    def document(self, source: Source, outcome: Outcome, pending: Pending) -> Meaning:
        """Take the answer to `ask`."""
        try:
            if not isinstance(outcome, Fetched):
                raise outcome or LivepinError("source_unreachable", "no outcome")
            if outcome.answer is Answer.DOCUMENT:
                self._offer(source, outcome)
        except Prolongable:
            assert isinstance(outcome, Fetched)
            pending.documents[source.url] = outcome
            return Meaning.STATEMENT_NEXT
        except LivepinError as error:
            return self._refused(source, error)
        if self._keeper.extendable:
            return Meaning.STATEMENT_NEXT
        return self._good(source)

    def _offer(self, source: Source, fetched: Fetched, statement: str | None = None) -> None:
        """Have a document judged. Raises `DocumentRefused`, `StatementIgnored`."""
        before = self._keeper.held
        held = self._keeper.offer(fetched.body, source.name, statement)
        source.etag, source.etag_for, source.whole_at = fetched.etag, held, self._clock.monotonic()
        if held is not before:
            self._on_news()

    def _refused(self, source: Source, error: LivepinError) -> Meaning:
        self._failed(source, error)
        self._keeper.missed(source.name, error)
        name = EventName.DOCUMENT_REFUSED if isinstance(error, DocumentRefused) else EventName.SOURCE_DOWN
        if all(each.problem == "withdrawn" for each in self._schedule.sources):
            name = EventName.WITHDRAWN  # one source alone may have lost it; all of them have not
        return self._complain(name, source, error)

    def _failed(self, source: Source, error: LivepinError) -> None:
        longest = LONGEST_WITHOUT if self._keeper.held is None else self._schedule.interval
        source.failed(self._clock.monotonic(), longest, error.code, self._clock.now())

    def _complain(self, name: EventName, source: Source, error: LivepinError) -> Meaning:
        detail = {"url": source.name, "code": error.code}
        if isinstance(error, DocumentRefused | StatementIgnored):
            detail["step"] = error.step
        self._events.emit(name, str(error), key=source.name, **detail)
        return Meaning.USELESS

    def _good(self, source: Source) -> Meaning:
        if source.problem:
            self._events.emit(EventName.SOURCE_UP, f"{source.name} answers again", key=source.name, url=source.name)
        source.answered(self._clock.now())
        return Meaning.USABLE

    # ------------------------------------------------------------------ freshness statements

    def statement(self, source: Source, outcome: Outcome, pending: Pending) -> Meaning:
        """Take the answer to `ask_for_statement`, which followed a document that this source delivered."""
        document = pending.documents.pop(source.url, None)
        try:
            if not isinstance(outcome, Fetched):
                raise _missing(outcome)
            if outcome.answer is Answer.DOCUMENT:
                self._take(source, outcome, document)
        except DocumentRefused as error:
            return self._refused(source, error)
        except LivepinError as error:
            return self._without_statement(source, error, waiting=document is not None)
        source.freshness = ""
        return self._good(source)

    def _take(self, source: Source, statement: Fetched, document: Fetched | None) -> None:
        """Have a statement judged. Raises `StatementIgnored`, `DocumentRefused`."""
        if document is not None:
            self._offer(source, document, statement.body)
        else:
            self._keeper.offer_statement(statement.body, source.name)
        held = self._keeper.snapshot.statement
        source.statement_etag, source.statement_whole_at = statement.etag, self._clock.monotonic()
        source.statement_etag_for = held if held is not None and held.text == statement.body else None

    def _without_statement(self, source: Source, error: LivepinError, *, waiting: bool) -> Meaning:
        """A statement is not there or does not fit. `waiting`: so the document cannot be used."""
        source.freshness = error.code
        needed = waiting or self._keeper.needs_statement
        # After a publish the statement still speaks of the document before, until the next one is signed.
        quiet = error.code == "freshness_missing" or (isinstance(error, StatementIgnored) and error.step == "F6")
        if needed or not quiet:
            self._complain(EventName.FRESHNESS_IGNORED, source, error)
        if not needed:
            return self._good(source)
        self._failed(source, error)
        if waiting:
            self._keeper.missed(source.name, error)
        return Meaning.USELESS

    # ------------------------------------------------------------------ doubt

    @property
    def in_doubt(self) -> bool:
        """Whether one usable answer is not enough: nothing is held yet, or what is held is out of date, or nearly
        so although a statement could prolong it: another source may have a later one."""
        snapshot = self._keeper.snapshot
        held = snapshot.revision
        if held is None:
            return True
        left = snapshot.expires_at - effective_now(self._clock.now(), held)
        if left <= 0 or snapshot.expires_at >= freshness.limit(held):
            return left <= 0
        since = held.issued_at if snapshot.statement is None else snapshot.statement.issued_at
        return left <= min(2 * self._schedule.interval, (snapshot.expires_at - since) / 2)


def _missing(outcome: LivepinError | None) -> LivepinError:
    """A source without statement has not withdrawn the project."""
    if outcome is not None and outcome.code == "withdrawn":
        return FetchFailed("freshness_missing", "the source has no freshness statement", where=outcome.where)
    return outcome or LivepinError("source_unreachable", "no outcome")
