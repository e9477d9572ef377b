"""What can be changed of a project besides its draft."""

from __future__ import annotations

import pytest

from livepin.errors import ValueInvalid
from livepin.server.actions import projects
from tests.server.world import World

GOOD = ("https://cdn.example.com/", "http://localhost:8080/", "http://127.0.0.1:8080/pins.jws", "http://[::1]/", "")
BAD = (
    "http://cdn.example.com/",
    "http://localhost.evil.example/",
    "http://127.0.0.1.evil.example/",
    "https:",
    "//a",
    "http://[",
)


@pytest.mark.parametrize("url", GOOD)
def test_a_public_url_is_https_or_on_the_loopback(world: World, url: str) -> None:
    assert projects.change(world.actor("ada"), "acme", "shop", projects.Settings(url=url)).url == url


@pytest.mark.parametrize("url", BAD)
def test_no_other_url_is_taken_whatever_it_begins_with(world: World, url: str) -> None:
    with pytest.raises(ValueInvalid):
        projects.change(world.actor("ada"), "acme", "shop", projects.Settings(url=url))
