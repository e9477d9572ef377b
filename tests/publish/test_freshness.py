"""A freshness statement on its way to readers: only about what is published, never a step back, broken twice."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from livepin.core import freshness
from livepin.core.jws import PublicKey
from livepin.core.trust import Revision, Trust, verify_held
from livepin.errors import OriginFailed, PublishRefused
from livepin.publish.deliver import Delivery
from livepin.publish.deliver import deliver as deliver_document
from livepin.publish.freshness import Prolongation, confirm, deliver, on
from livepin.publish.origins.folder import FolderOrigin
from livepin.publish.origins.origin import Origin
from livepin.publish.places import document_url, statement_url
from livepin.testing import Origin as Web
from livepin.testing import SigningKey, policy
from livepin.testing.publisher import DocumentAuthority
from tests.publish.broken import BrokenOrigin, Failure

HOUR = 3600
KEY = "acme/shop/fresh.jws"


class World:
    """A project under a key set with a refresh key, and a folder where its document is published."""

    def __init__(self, directory: Path) -> None:
        self.now = int(time.time())
        self.authority = DocumentAuthority("acme", "shop")
        self.authority.new_epoch(refresh_keys=[SigningKey.generate()])
        self.trust = Trust("acme", "shop", (PublicKey.from_text(self.authority.public_key),))
        self.folder = directory / "public"
        self.origin = FolderOrigin(self.folder)

    def publish(self) -> Revision:
        sign = self.authority.next if self.authority.serial else self.authority.sign
        members = {"expires_at": self.now + 6 * HOUR, "extendable_until": self.now + 240 * HOUR}
        revision = verify_held(sign([policy("api.example.com", "A" * 43 + "=")], **members), self.trust)
        deliver_document(Delivery(revision, self.trust, [self.origin], self.now))
        return revision

    def prolong(self, revision: Revision, hours: int, *origins: Origin) -> Prolongation:
        text = self.authority.statement(revision.text, expires_at=self.now + hours * HOUR)
        statement = freshness.verify(text, revision, self.now)
        given = Prolongation(statement, revision, self.trust, origins or [self.origin], self.now)
        deliver(given)
        return given

    def until(self, revision: Revision) -> int:
        """Hours for which what lies there keeps a revision fresh."""
        found = on(self.origin, revision, self.now)
        return 0 if found is None else (found.until - self.now) // HOUR


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def first(world: World) -> Revision:
    return world.publish()


def test_a_statement_lies_beside_its_document_compressed_too_and_later_ones_replace_it(
    world: World, first: Revision
) -> None:
    times = []
    for hours in (7, 8, 9):
        given = world.prolong(first, hours)
        assert (world.folder / KEY).read_text() == given.statement.text
        assert (world.folder / f"{KEY}.gz").exists()
        assert world.until(first) == hours
        times.append(int((world.folder / KEY).stat().st_mtime))
    assert times == sorted(set(times)), "validators differ although size and second are the same"


def test_a_statement_never_takes_the_place_of_one_that_reaches_further(world: World, first: Revision) -> None:
    world.prolong(first, 9)
    with pytest.raises(PublishRefused) as caught:
        world.prolong(first, 8)
    assert (caught.value.code, world.until(first)) == ("freshness_ahead", 9)


def test_a_statement_about_what_is_not_published_any_more_is_not_delivered(world: World, first: Revision) -> None:
    second = world.publish()
    world.prolong(second, 7)
    with pytest.raises(PublishRefused) as caught:
        world.prolong(first, 20)
    assert (caught.value.code, world.until(second)) == ("other_revision", 7)


def test_where_nothing_is_published_there_is_nothing_to_prolong(world: World, first: Revision, tmp_path: Path) -> None:
    with pytest.raises(PublishRefused, match="holds nothing"):
        world.prolong(first, 7, FolderOrigin(tmp_path / "empty"))
    assert not (tmp_path / "empty" / KEY).exists()


@pytest.mark.parametrize("there", ["garbage", "a stranger's", "an earlier document's"])
def test_what_fits_nothing_is_replaced(world: World, first: Revision, there: str) -> None:
    if there == "an earlier document's":
        world.prolong(first, 20)
    current = world.publish()
    texts = {"garbage": "<html>", "a stranger's": world.authority.statement(key=SigningKey.generate())}
    if there in texts:
        (world.folder / KEY).write_text(texts[there])
    world.prolong(current, 7)
    assert world.until(current) == 7


@pytest.mark.parametrize("failure", Failure)
@pytest.mark.parametrize("at", range(3))
def test_every_step_broken_and_repeated(world: World, first: Revision, at: int, failure: Failure) -> None:
    """The calls: the replacement, in which the pointer is read, and the reading back."""
    with pytest.raises(OriginFailed):
        world.prolong(first, 7, BrokenOrigin(world.origin, failure, at))
    assert world.until(first) in (0, 7)
    world.prolong(first, 7)
    assert world.until(first) == 7


def test_readers_of_the_public_url_get_it_or_the_publisher_is_told(world: World, first: Revision) -> None:
    given = world.prolong(first, 8)
    with Web(world.folder) as web:
        url = statement_url(document_url(web.base_url, "acme", "shop"))
        assert url == web.url(KEY)
        confirm(url, given)
    with Web() as web:
        url = web.url(KEY)
        for text in (world.authority.statement(expires_at=world.now + 7 * HOUR), "<html>"):
            web.put(KEY, text)
            with pytest.raises(OriginFailed) as caught:
                confirm(url, given, patience=0.1)
            assert caught.value.code == "not_confirmed"
        web.put(KEY, world.authority.statement(expires_at=world.now + 9 * HOUR))
        confirm(url, given)
