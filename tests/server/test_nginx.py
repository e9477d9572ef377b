"""Documents through a real nginx, configured as docs/server.md says, on the folder that the server publishes to."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone

from livepin.core.trust import verify
from livepin.publish.origins.folder import FolderOrigin
from livepin.server.actions import hosts, keys, renewals, withdrawals
from livepin.server.settings import CONFIG
from livepin.testing.cast import Cast
from tests.server.nginx import Answer, Nginx, nginx_before
from tests.server.publishing import host, publish, published, rest
from tests.server.world import World

pytestmark = pytest.mark.slow
POINTER = "/acme/shop/pins.jws"


@pytest.fixture
def nginx(origin: FolderOrigin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nginx]:
    """In front of the origin's folder, and what the server takes for its public URL."""
    before = CONFIG.origin_url
    with nginx_before(CONFIG.origin_folder, tmp_path / "nginx", Cast("localhost")) as running:
        monkeypatch.setenv("SSL_CERT_FILE", str(running.ca_file))
        object.__setattr__(CONFIG, "origin_url", running.url)
        try:
            yield running
        finally:
            object.__setattr__(CONFIG, "origin_url", before)


def serial(world: World, answer: Answer) -> int:
    """The number of the document in an answer, which an application accepts."""
    world.project.refresh_from_db()
    return verify(answer.text, keys.trust_of(world.project), timezone.now().timestamp()).revision.serial


def test_what_was_published_is_seen_at_nginx_when_the_publish_is_done(world: World, nginx: Nginx) -> None:
    assert nginx.get(POINTER).status == 404
    for expected in (1, 2, 3):
        done = published(world, f"{'abc'[expected - 1]}.example.com")
        assert "confirm" in [one.step for one in done.steps.all()]
        assert done.problem is None
        for encoding in ("identity", "gzip"):
            answer = nginx.get(POINTER, Accept_Encoding=encoding)
            assert (answer.status, serial(world, answer)) == (200, expected)
            assert answer.headers.get("content-encoding", "identity") == encoding


def test_nginx_serves_documents_as_the_page_says_and_nothing_else(
    world: World, origin: FolderOrigin, nginx: Nginx
) -> None:
    published(world)
    origin.replace("acme/shop/fresh.jws", b"a statement", lambda present: None)
    statement = nginx.get("/acme/shop/fresh.jws")
    assert (statement.text, statement.headers["content-type"]) == (b"a statement", "application/jose")
    assert "max-age=60" in statement.headers["cache-control"]
    pointer, revision = nginx.get(POINTER), nginx.get("/acme/shop/0.1.jws")
    assert pointer.headers["content-type"] == revision.headers["content-type"] == "application/jose"
    assert "max-age=60, stale-while-revalidate" in pointer.headers["cache-control"]
    assert revision.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert pointer.body == revision.body
    folder = CONFIG.origin_folder / "acme/shop"
    (folder / ".pins.jws.new").write_text("a draft")
    (folder / "keys.pem").write_text("no business of anybody")
    for path in (
        "/",
        "/acme/",
        "/acme/shop/",
        "/acme/shop/.pins.jws.new",
        "/acme/shop/keys.pem",
        "/acme/shop/pins.jws.gz",
    ):
        assert nginx.get(path).status == 404, path


def test_a_client_that_asks_with_an_etag_never_misses_a_revision(world: World, nginx: Nginx) -> None:
    """nginx's ETag is the time in seconds and the size; renewals are of one size, and come several in a second."""
    published(world)
    tags = {one: nginx.get(POINTER, Accept_Encoding=one).headers["etag"] for one in ("identity", "gzip")}
    sizes, began = set(), time.monotonic()
    for expected in range(2, 9):
        assert rest(world, renewals.start(world.actor("paul"), "acme", "shop")).state == "published"
        for encoding, tag in tags.items():
            answer = nginx.get(POINTER, Accept_Encoding=encoding, If_None_Match=tag)
            assert (answer.status, serial(world, answer)) == (200, expected)
            tags[encoding] = answer.headers["etag"]
            assert nginx.get(POINTER, Accept_Encoding=encoding, If_None_Match=tags[encoding]).status == 304
            if encoding == "identity":
                sizes.add(len(answer.body))
    assert len(sizes) == 1, "else this proves nothing"
    assert time.monotonic() - began < 60


def test_two_contents_of_one_size_in_one_second(origin: FolderOrigin, nginx: Nginx) -> None:
    """The trap itself: as fast as the disk can, and with a control that falls into it."""
    path = CONFIG.origin_folder / "acme/shop/pins.jws"
    origin.replace("acme/shop/pins.jws", b"content 000", lambda present: None)
    tag = nginx.get(POINTER, Accept_Encoding="identity").headers["etag"]
    for number in range(1, 200):
        content = b"content %03d" % number
        origin.replace("acme/shop/pins.jws", content, lambda present: None)
        answer = nginx.get(POINTER, Accept_Encoding="identity", If_None_Match=tag)
        assert (answer.status, answer.body) == (200, content)
        tag = answer.headers["etag"]
    before = path.stat().st_mtime_ns
    path.write_bytes(b"content 999")
    os.utime(path, ns=(before, before))
    assert nginx.get(POINTER, Accept_Encoding="identity", If_None_Match=tag).status == 304, "the control"


def test_a_withdrawn_project_is_gone_at_nginx(world: World, nginx: Nginx) -> None:
    published(world)
    withdrawals.withdraw(world.actor("ada"), "acme", "shop", "the key is stolen")
    withdrawals.remove_objects(str(world.project.id))
    for path in (POINTER, "/acme/shop/0.1.jws"):
        for encoding in ("identity", "gzip"):
            assert nginx.get(path, Accept_Encoding=encoding).status == 404


def test_what_nginx_does_not_show_is_told_as_a_problem_and_stops_nobody(
    world: World, nginx: Nginx, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache before the origin that does not follow: the origin is up to date, and somebody should look."""
    published(world)
    monkeypatch.setattr("livepin.server.actions.delivery.PATIENCE", 0.2)
    monkeypatch.setattr("livepin.server.actions.delivery.MAX_CONFIRMATIONS", 1)
    stale = Path(CONFIG.origin_folder).rename(CONFIG.origin_folder.with_name("stale"))
    object.__setattr__(CONFIG, "origin_folder", stale)
    hosts.put(world.actor("bob"), "acme", "shop", None, host("more.example.com"))
    done = publish(world)
    assert (done.state, (done.problem or {})["code"]) == ("published", "not_confirmed")
