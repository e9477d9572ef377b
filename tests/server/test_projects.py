"""What can be changed of a project besides its draft."""

from __future__ import annotations

import pytest

from livepin.core.der import pem_blocks
from livepin.errors import ValueInvalid
from livepin.server.actions import projects
from livepin.server.models import Project
from livepin.testing.cast import Cast
from tests.server.world import World

GOOD = ("https://cdn.example.com/", "http://localhost:8080/", "http://127.0.0.1:8080/pins.jws", "http://[::1]/", "")
BAD = (
    "http://cdn.example.com/",
    "http://localhost.evil.example/",
    "http://127.0.0.1.evil.example/",
    "https:",
    "//a",
    "http://[",
    "https://user:password@cdn.example.com/",
    "https://cdn.example.com/a b/",
    "https://cdn.example.com/\u2028",
)


@pytest.mark.parametrize("url", GOOD)
def test_a_public_url_is_https_or_on_the_loopback(world: World, url: str) -> None:
    assert projects.change(world.actor("ada"), "acme", "shop", projects.Settings(url=url)).url == url


@pytest.mark.parametrize("url", BAD)
def test_no_other_url_is_taken_whatever_it_begins_with(world: World, url: str) -> None:
    with pytest.raises(ValueInvalid):
        projects.change(world.actor("ada"), "acme", "shop", projects.Settings(url=url))


@pytest.fixture(scope="module")
def cast() -> Cast:
    return Cast("api.example.com")


def test_the_authorities_of_a_company_are_kept_as_they_are_and_what_stands_between_them_is_not(
    world: World, cast: Cast
) -> None:
    pem = cast.authority.root_pem
    changed = projects.change(
        world.actor("ada"), "acme", "shop", projects.Settings(ca_pem=f"Unsere Stammstelle, für uns\n{pem}{pem}")
    )
    assert pem_blocks(changed.ca_pem) == pem_blocks(pem + pem)
    assert "Stammstelle" not in changed.ca_pem
    assert projects.change(world.actor("ada"), "acme", "shop", projects.Settings(ca_pem=" ")).ca_pem == ""


@pytest.mark.parametrize("which", ["words", "leaf", "key", "both", "damaged", "empty", "long"])
def test_what_is_no_authority_is_refused_and_nothing_of_it_is_told(world: World, cast: Cast, which: str) -> None:
    root, key = cast.authority.root_pem, cast.genuine.key_pem
    texts = {
        "words": "our authority",
        "leaf": cast.genuine.chain_pem,
        "key": key,
        "both": root + key,
        "damaged": root[:200],
        "empty": "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
        "long": root * 400,
    }
    with pytest.raises(ValueInvalid) as caught:
        projects.change(world.actor("ada"), "acme", "shop", projects.Settings(ca_pem=texts[which]))
    assert caught.value.where == "ca_pem"
    assert "BEGIN" not in str(caught.value)
    assert Project.objects.get(id=world.project.id).ca_pem == ""


@pytest.mark.parametrize(
    "proxy", ["socks5://proxy:1080", "http://me:secret@proxy:8080", "http://proxy/path", "http://", "a b"]
)
def test_a_proxy_that_is_none_is_refused_when_it_is_named(world: World, proxy: str) -> None:
    with pytest.raises(ValueInvalid) as caught:
        projects.change(world.actor("ada"), "acme", "shop", projects.Settings(proxy=proxy))
    assert caught.value.where == "proxy"
    assert "secret" not in str(caught.value)


def test_a_proxy_is_kept_as_a_url(world: World) -> None:
    changed = projects.change(world.actor("ada"), "acme", "shop", projects.Settings(proxy="Proxy.example.com:3128"))
    assert changed.proxy == "http://proxy.example.com:3128"
    assert projects.change(world.actor("ada"), "acme", "shop", projects.Settings(proxy="")).proxy == ""
