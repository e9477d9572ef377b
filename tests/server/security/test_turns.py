"""Mallory asks for everything that takes long, at once: others are answered all the same."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from livepin.errors import RateLimited
from livepin.server.actions import looks, rates, turns
from livepin.server.settings import CONFIG
from tests.server.world import World


@pytest.fixture
def silent() -> Iterator[int]:
    """A place that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        yield listening.getsockname()[1]


def test_a_quarter_of_the_threads_for_one_and_half_of_them_for_all() -> None:
    def held(*subjects: str) -> list[bool]:
        contexts = [turns.turn(subject) for subject in subjects]
        found = [context.__enter__() for context in contexts]
        for context in contexts:
            context.__exit__(None, None, None)
        return found

    assert CONFIG.threads == 8
    assert held("malice", "malice", "malice", "acme", "acme", "nobody") == [True, True, False, True, True, False]
    assert held("nobody") == [True]


def test_who_waits_for_hosts_that_never_answer_is_told_to_come_back(world: World, silent: int) -> None:
    rates.forget()
    mallory, place = world.actor("mallory"), f"127.0.0.1:{silent}"
    with turns.turn(world.project.organization_id), turns.turn(world.project.organization_id):
        # Acme's own turns are taken; Mallory's are her own.
        with pytest.raises(RateLimited):
            looks.discover(world.actor("bob"), "acme", "shop", place)
        began = time.monotonic()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(looks, "LOOK_TIMEOUT", 0.3)
            looks.discover(mallory, "malice", "shop", place)
        assert time.monotonic() - began < 5
    threads = threading.active_count()
    assert threads < 100
