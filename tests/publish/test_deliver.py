"""Bringing a revision to its readers: every step in order, and broken twice."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from livepin.core.jws import PublicKey
from livepin.core.trust import Revision, Trust, verify_held
from livepin.errors import OriginFailed, PublishRefused
from livepin.publish.deliver import Delivery, SerialTaken, Step, deliver, published
from livepin.publish.origins.folder import FolderOrigin
from livepin.publish.origins.origin import Origin
from livepin.testing.publisher import DocumentAuthority, policy
from tests.publish.broken import BrokenOrigin, Failure

IMMUTABLE, POINTER = "acme/shop/0.1.jws", "acme/shop/pins.jws"


class World:
    """A project, its key, and a folder to publish to."""

    def __init__(self, directory: Path) -> None:
        self.authority = DocumentAuthority("acme", "shop")
        self.trust = Trust("acme", "shop", (PublicKey.from_text(self.authority.public_key),))
        self.folder = directory / "public"
        self.origin = FolderOrigin(self.folder)

    def revision(self, text: str) -> Revision:
        return verify_held(text, self.trust)

    def deliver(self, revision: Revision, *origins: Origin) -> None:
        deliver(Delivery(revision, self.trust, origins or [self.origin], time.time()))

    def pointer(self) -> bytes:
        return (self.folder / POINTER).read_bytes()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def first(world: World) -> Revision:
    return world.revision(world.authority.sign([policy("api.example.com", "A" * 43 + "=")]))


def test_the_steps_in_their_order(world: World, first: Revision) -> None:
    told: list[tuple[Step, str]] = []
    deliver(Delivery(first, world.trust, [world.origin], time.time(), lambda step, where: told.append((step, where))))
    assert told == [(step, str(world.folder)) for step in (Step.WRITE, Step.READ_BACK, Step.POINT)]
    assert world.pointer() == (world.folder / IMMUTABLE).read_bytes() == first.text.encode()
    now = published(world.origin, world.trust)
    assert now is not None
    assert now.text == first.text


def test_every_origin_gets_the_same_bytes(world: World, first: Revision, tmp_path: Path) -> None:
    second = FolderOrigin(tmp_path / "second")
    world.deliver(first, world.origin, second)
    assert second.read(POINTER) == world.origin.read(POINTER) == first.text.encode()


#: The calls of one delivery; of a repeated one the object that is there already is read once more.
CALLS = ["create", "read", "read", "replace"]


@pytest.mark.parametrize("failure", Failure)
@pytest.mark.parametrize("at", range(len(CALLS)))
def test_every_step_broken_and_repeated(world: World, at: int, failure: Failure) -> None:
    old = world.revision(world.authority.sign([policy("old.example.com", "A" * 43 + "=")]))
    world.deliver(old)
    revision = world.revision(world.authority.next([policy("api.example.com", "A" * 43 + "=")]))
    broken = BrokenOrigin(world.origin, failure, at)
    with pytest.raises(OriginFailed):
        world.deliver(revision, broken)
    assert broken.calls[at] == CALLS[at]
    # Until the pointer moves, and whatever else happened, applications get the old document; then the new one.
    moved = at == 3 and failure is Failure.FAILED_BUT_HAPPENED
    assert world.pointer() == (revision if moved else old).text.encode()
    world.deliver(revision)
    assert world.pointer() == revision.text.encode()


@pytest.mark.parametrize("failure", Failure)
def test_the_second_try_broken_as_well(world: World, first: Revision, failure: Failure) -> None:
    with pytest.raises(OriginFailed):
        world.deliver(first, BrokenOrigin(world.origin, Failure.FAILED_BUT_HAPPENED, 0))
    for at in range(5):
        with pytest.raises(OriginFailed):
            world.deliver(first, BrokenOrigin(world.origin, failure, at))
    world.deliver(first)
    assert world.pointer() == first.text.encode()


def test_a_repeated_delivery_changes_nothing(world: World, first: Revision) -> None:
    world.deliver(first)
    before = (world.folder / POINTER).stat()
    world.deliver(first)
    after = (world.folder / POINTER).stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)


def test_the_same_document_signed_twice_is_the_same_document(world: World, first: Revision) -> None:
    again = world.revision(world.authority._assemble(first.document.payload))
    assert again.text != first.text
    world.deliver(again)
    world.deliver(first)
    assert (world.folder / IMMUTABLE).read_bytes() == again.text.encode()


class TestANumberThatIsTaken:
    def test_by_another_document(self, world: World, first: Revision) -> None:
        world.deliver(first)
        other = world.revision(world.authority.forked([policy("x.example.com", "A" * 43 + "=")]))
        with pytest.raises(SerialTaken) as raised:
            world.deliver(other)
        assert raised.value.code == "serial_taken"
        assert world.pointer() == first.text.encode()

    @pytest.mark.parametrize("what", [b"", b"not a document"])
    def test_by_something_else(self, world: World, first: Revision, what: bytes) -> None:
        world.origin.create(IMMUTABLE, what)
        with pytest.raises(SerialTaken):
            world.deliver(first)
        assert not (world.folder / POINTER).exists()


class TestThePointer:
    def test_never_moves_back(self, world: World, first: Revision) -> None:
        second = world.revision(world.authority.next())
        world.deliver(second)
        with pytest.raises(PublishRefused) as raised:
            world.deliver(first)
        assert raised.value.code == "origin_ahead"
        assert world.pointer() == second.text.encode()

    def test_never_moves_sideways(self, world: World, first: Revision) -> None:
        """Two machines, two folders that were one: the number is free in the immutable place only."""
        world.deliver(first)
        (world.folder / IMMUTABLE).unlink()
        fork = world.revision(world.authority.forked())
        with pytest.raises((PublishRefused, OriginFailed)):
            world.deliver(fork)
        assert world.pointer() == first.text.encode()

    @pytest.mark.parametrize("garbage", [b"", b"garbage", "strange"])
    def test_what_nobody_can_verify_is_replaced(self, world: World, first: Revision, garbage: bytes | str) -> None:
        strange = garbage if isinstance(garbage, bytes) else world.authority.by_unknown_key().encode()
        world.origin.replace(POINTER, strange, lambda present: None)
        assert published(world.origin, world.trust) is None
        world.deliver(first)
        assert world.pointer() == first.text.encode()


class TestReadingBack:
    class Lying(BrokenOrigin):
        """Takes everything, and gives something else back."""

        def __init__(self, origin: Origin, lie: bytes | None) -> None:
            super().__init__(origin)
            self.lie = lie

        def read(self, key: str) -> bytes | None:
            return self.lie if key != POINTER else super().read(key)

    def test_what_came_back_is_not_what_was_written(self, world: World, first: Revision) -> None:
        other = world.authority.forked([policy("x.example.com", "A" * 43 + "=")]).encode()
        for number, lie in enumerate((None, b"", first.text.encode()[:-1], other)):
            with pytest.raises(OriginFailed) as raised:
                world.deliver(first, self.Lying(FolderOrigin(world.folder / str(number)), lie))
            assert raised.value.code == "read_back_failed"
        assert not (world.folder / POINTER).exists()

    def test_a_document_that_no_client_would_adopt_is_not_pointed_to(self, world: World) -> None:
        world.authority.sign()
        expired = world.revision(world.authority.expired())
        with pytest.raises(OriginFailed) as raised:
            world.deliver(expired)
        assert raised.value.code == "read_back_failed"
        assert not (world.folder / POINTER).exists()
