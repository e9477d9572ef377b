"""What is held: the highest document of store, seed and sources, across restarts, and never a lower one (V8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from livepin import ConfigurationError, DocumentRefused, Event
from livepin.client.events import Events
from livepin.client.keeper import Keeper
from livepin.client.snapshot import WithoutDocument
from livepin.client.store import Kept, MemoryStore
from livepin.core.jws import PublicKey
from livepin.core.trust import Trust
from livepin.errors import StoreUnusable
from livepin.testing import DocumentAuthority, HandTurnedClock, SigningKey, policy

DAY = 86400


class Application:
    """Starts and restarts with one store, one clock and one project."""

    def __init__(self) -> None:
        self.clock = HandTurnedClock()
        self.documents = DocumentAuthority(clock=self.clock)
        self.store, self.statements = MemoryStore(), MemoryStore()
        self.events: list[Event] = []

    def start(
        self, *, seed: str | None = None, store: MemoryStore | None = None, anchors: list[str] | None = None
    ) -> Keeper:
        keys = tuple(PublicKey.from_text(text) for text in anchors or self.documents.public_keys)
        trust = Trust("acme", "shop", keys, self.documents.threshold)
        events = Events(self.clock, self.events.append)
        return Keeper(
            trust, store or self.store, self.statements, seed, WithoutDocument(), "nothing yet", self.clock, events
        )

    def names(self) -> list[str]:
        return [event.name for event in self.events]


@pytest.fixture
def application() -> Application:
    found = Application()
    found.documents.sign([policy("localhost", "A" * 43 + "=")])
    return found


def number(keeper: Keeper) -> tuple[int, int] | None:
    return None if keeper.held is None else keeper.held.number


def refusal(keeper: Keeper, text: str) -> tuple[str, str]:
    before = keeper.snapshot
    with pytest.raises(DocumentRefused) as caught:
        keeper.offer(text, "https://a.example/")
    assert keeper.snapshot is before, "nothing is learnt from a document that is refused"
    return caught.value.step, caught.value.code


# ---------------------------------------------------------------- arrivals


def test_a_document_is_held_announced_and_stored(application: Application) -> None:
    keeper = application.start()
    assert number(keeper) is None
    held = keeper.offer(application.documents.current, "https://a.example/")
    assert keeper.held is held
    assert number(keeper) == (0, 1)
    assert application.store.load().text == application.documents.current
    (event,) = application.events
    assert (event.name, event.detail["url"], event.detail["serial"]) == ("document_accepted", "https://a.example/", 1)


def test_a_copy_of_what_is_held_changes_nothing_and_is_told_to_nobody(application: Application) -> None:
    keeper = application.start()
    keeper.offer(application.documents.current, "https://a.example/")
    before = keeper.snapshot
    keeper.offer(application.documents.current, "https://b.example/")
    assert keeper.snapshot is before
    assert application.names() == ["document_accepted"]


def test_a_higher_one_replaces_it_whole(application: Application) -> None:
    keeper = application.start()
    keeper.offer(application.documents.current, "")
    keeper.offer(application.documents.next([policy("other.example")]), "")
    assert keeper.held is not None
    assert keeper.held.document.hosts == ("other.example",)
    assert application.store.load().text == application.documents.current


Misdeed = Callable[[DocumentAuthority], str]
MISDEEDS: Mapping[str, tuple[Misdeed, tuple[str, str]]] = {
    "rolled back": (DocumentAuthority.rolled_back, ("V8", "rolled_back")),
    "forked": (DocumentAuthority.forked, ("V8", "forked")),
    "foreign": (DocumentAuthority.wrong_audience, ("V6", "wrong_audience")),
    "by a stranger": (DocumentAuthority.by_unknown_key, ("V3", "unknown_key")),
    "tampered": (DocumentAuthority.tampered, ("V4", "bad_signature")),
    "from the future": (DocumentAuthority.from_the_future, ("V7", "not_yet_valid")),
    "expired": (DocumentAuthority.expired, ("V7", "expired")),
    "no document": (lambda documents: "<!doctype html>", ("V1", "malformed")),
}


@pytest.mark.parametrize("misdeed", MISDEEDS)
def test_what_is_refused_leaves_everything_as_it_was_and_a_higher_one_heals(
    application: Application, misdeed: str
) -> None:
    make, expected = MISDEEDS[misdeed]
    application.documents.next()
    keeper = application.start()
    keeper.offer(application.documents.current, "")
    assert refusal(keeper, make(application.documents)) == expected
    assert application.store.load().text == application.documents.current
    keeper.offer(application.documents.next(), "")
    assert number(keeper) == (0, 3)


def test_an_expired_document_is_not_adopted_by_who_never_held_it(application: Application) -> None:
    application.clock.advance(31 * DAY)
    keeper = application.start()
    assert refusal(keeper, application.documents.current) == ("V7", "expired")
    assert number(keeper) is None


def test_an_expired_document_stays_held_by_who_held_it_and_its_copy_is_no_news(application: Application) -> None:
    keeper = application.start()
    keeper.offer(application.documents.current, "")
    application.clock.advance(31 * DAY)
    keeper.offer(application.documents.current, "")
    assert number(keeper) == (0, 1)


def test_a_clock_far_behind_the_signers_is_told(application: Application) -> None:
    keeper = application.start()
    keeper.offer(application.documents.current, "")
    application.clock.set(application.clock.now() - 100 * DAY)
    keeper.offer(application.documents.current, "")
    assert application.names() == ["document_accepted", "clock_behind"]


# ---------------------------------------------------------------- restarts


def test_a_restart_begins_with_what_was_held(application: Application) -> None:
    application.start().offer(application.documents.current, "")
    assert number(application.start()) == (0, 1)


def test_a_document_from_before_the_restart_is_still_a_floor(application: Application) -> None:
    old = application.documents.current
    application.start().offer(application.documents.next(), "")
    keeper = application.start()
    assert refusal(keeper, old) == ("V8", "rolled_back")
    assert number(keeper) == (0, 2)


def test_a_restart_long_after_begins_with_the_expired_document(application: Application) -> None:
    application.start().offer(application.documents.current, "")
    application.clock.advance(400 * DAY)
    assert number(application.start()) == (0, 1)


def test_removing_a_stolen_anchor_in_a_release_removes_what_its_thief_stored(application: Application) -> None:
    thief = DocumentAuthority(clock=application.clock)
    both = [application.documents.public_key, thief.public_key]
    application.start(anchors=both).offer(thief.sign(serial=2**53 - 1), "")
    keeper = application.start()
    assert number(keeper) is None
    assert application.events[-1].name == "store_unusable"
    assert (application.events[-1].detail["code"], application.events[-1].detail["step"]) == ("unknown_key", "V3")
    keeper.offer(application.documents.current, "")
    assert number(keeper) == (0, 1)
    assert number(application.start()) == (0, 1), "the thief's document is overwritten though its number is higher"


def test_a_store_that_broke_costs_the_memory_but_not_the_start(application: Application) -> None:
    class Broken(MemoryStore):
        def load(self) -> Kept:
            raise StoreUnusable("store_unusable", "the disk is gone")

        def save(self, text: str, is_higher: Callable[[str | None], bool]) -> bool:
            raise StoreUnusable("store_unusable", "the disk is gone")

        def installation(self) -> str:
            raise StoreUnusable("store_unusable", "the disk is gone")

    keeper = application.start(store=Broken())
    keeper.offer(application.documents.current, "")
    assert number(keeper) == (0, 1)
    assert len(keeper.snapshot.installation) == 32
    assert set(application.names()) == {"store_unusable", "document_accepted"}


def test_what_another_process_stored_meanwhile_is_not_overwritten_by_a_lower_one(application: Application) -> None:
    first = application.documents.current
    second = application.documents.next()
    slow, fast = application.start(), application.start()
    fast.offer(second, "")
    slow.offer(first, "")
    assert number(slow) == (0, 1)
    assert application.store.load().text == second


# ---------------------------------------------------------------- a bundled document


def test_a_seed_is_held_from_the_first_moment(application: Application) -> None:
    keeper = application.start(seed=application.documents.current)
    assert number(keeper) == (0, 1)
    assert keeper.snapshot.seeded


def test_the_higher_of_store_and_seed_is_held(application: Application) -> None:
    old = application.documents.current
    new = application.documents.next()
    application.start().offer(new, "")
    keeper = application.start(seed=old)
    assert (number(keeper), keeper.snapshot.seeded) == ((0, 2), False)
    newest = application.documents.next()
    keeper = application.start(seed=newest)
    assert (number(keeper), keeper.snapshot.seeded) == ((0, 3), True)
    assert refusal(keeper, new) == ("V8", "rolled_back")


def test_a_seed_that_a_source_serves_too_is_an_ordinary_document_from_then_on(application: Application) -> None:
    keeper = application.start(seed=application.documents.current)
    keeper.offer(application.documents.current, "")
    assert not keeper.snapshot.seeded
    assert application.store.load().text == application.documents.current


def test_an_old_seed_is_used_and_a_newer_document_replaces_it(application: Application) -> None:
    seed = application.documents.current
    application.clock.advance(100 * DAY)
    keeper = application.start(seed=seed)
    assert number(keeper) == (0, 1)
    keeper.offer(application.documents.next(), "")
    assert (number(keeper), keeper.snapshot.seeded) == ((0, 2), False)


def test_a_seed_from_the_future_is_used(application: Application) -> None:
    """A device whose clock starts in 1970 must be able to make its first connection."""
    application.clock.set(0)
    assert number(application.start(seed=application.documents.current)) == (0, 1)


@pytest.mark.parametrize("misdeed", ["foreign", "by a stranger", "tampered", "no document"])
def test_a_seed_that_fails_anything_but_time_is_an_error_of_set_up(application: Application, misdeed: str) -> None:
    make, (step, code) = MISDEEDS[misdeed]
    with pytest.raises(ConfigurationError) as caught:
        application.start(seed=make(application.documents))
    assert (caught.value.code, caught.value.where) == ("seed_invalid", "seed")
    assert f"{step} {code}" in caught.value.message


# ---------------------------------------------------------------- key sets


def test_a_new_epoch_replaces_a_serial_that_a_thief_drove_to_the_maximum(application: Application) -> None:
    keeper = application.start()
    keeper.offer(application.documents.next(serial=2**53 - 1), "")
    application.documents.new_epoch(signing_keys=[SigningKey.generate()])
    keeper.offer(application.documents.sign([policy("localhost")]), "")
    assert number(keeper) == (1, 1)


def test_the_key_that_a_newer_key_set_dropped_signs_nothing_any_more(application: Application) -> None:
    stolen = SigningKey.generate()
    application.documents.new_epoch(signing_keys=[stolen])
    keeper = application.start()
    keeper.offer(application.documents.next(), "")
    by_thief = application.documents.next(serial=1000)
    application.documents.new_epoch()
    keeper.offer(application.documents.sign(), "")
    assert refusal(keeper, by_thief) == ("V8", "rolled_back")
