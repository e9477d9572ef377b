"""Looks from the server: somebody names a host, and the server must not become a way into its own network."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from livepin.author.draft import HostEntry, PinEntry
from livepin.errors import RateLimited, ValueInvalid
from livepin.publish import public
from livepin.server.actions import checks, hosts, looks, projects, revisions
from livepin.server.actions.looks import Seen
from livepin.server.actions.origins import guarded
from livepin.server.settings import CONFIG
from livepin.testing.cast import Cast
from livepin.testing.conversations import intercepted_connect
from livepin.testing.listener import Listener, TcpChannel
from livepin.testing.ports import free_port
from livepin.testing.tls import TlsServer
from livepin.watch.reachable import NOWHERE
from tests.server.world import World

HOST = "api.example.com"
#: What would be lines of its own in a request to a proxy.
SMUGGLED = ["a\r\n\r\nGET http:443", "a\nb", "a\tb", "a/b", "a@b", "a%0d%0ab", "ä\r\nb"]
PINS = (PinEntry("spki_sha256", "A" * 43 + "="),)


@pytest.fixture(scope="module")
def cast() -> Cast:
    return Cast(HOST)


@pytest.fixture(autouse=True)
def public_only() -> Iterator[None]:
    """A server on the Internet. 127.0.0.2 plays the Internet, 127.0.0.1 the inside."""
    before = {name: getattr(CONFIG, name) for name in ("look_private", "look_networks", "look_proxy")}
    allow(look_private=False, look_networks=("127.0.0.2/32",), look_proxy="")
    yield
    allow(**before)


def allow(**settings: Any) -> None:
    for name, value in settings.items():
        object.__setattr__(CONFIG, name, value)


@pytest.fixture
def inside(cast: Cast) -> Iterator[TlsServer]:
    """A service of the operator's own, which no stranger may see."""
    with TlsServer(cast.genuine) as server:
        yield server


def names(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """A name server that answers with one address after the other; the questions that it was asked."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def answer(host: str, port: int, *given: Any, **more: Any) -> Any:
        if host[-1].isdigit() or ":" in host:
            return real(host, port, *given, **more)
        asked.append(host)
        found = answers[min(len(asked), len(answers)) - 1]
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(found, port, type=socket.SOCK_STREAM)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked


def discover(world: World, place: str) -> tuple[Seen, ...]:
    return looks.discover(world.actor("bob"), "acme", "shop", place)


def untouched(server: Listener) -> bool:
    server.wait_until_idle()
    return not getattr(server, "connections", ())


def test_what_a_stranger_may_see_is_seen(world: World, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, "127.0.0.2")
    with TlsServer(cast.genuine, address="127.0.0.2") as outside:
        (seen,) = discover(world, f"{HOST}:{outside.port}")
    assert seen.chain[0].pin.digest == cast.genuine.spki_sha256


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost", "127.1", "2130706433"])
def test_an_open_port_of_the_inside_looks_like_a_closed_one(world: World, inside: TlsServer, host: str) -> None:
    ports = inside.port, free_port()
    told = [repr(discover(world, f"{host}:{port}")).replace(str(port), "PORT") for port in ports]
    assert told[0] == told[1]
    assert "chain=()" in told[0]
    assert untouched(inside)


def test_a_name_of_the_inside_looks_like_one_that_does_not_exist(
    world: World, inside: TlsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    names(monkeypatch, "127.0.0.1", "")
    found, nothing = (discover(world, f"db.internal:{inside.port}") for _ in range(2))
    assert found == nothing == (Seen("-", False, NOWHERE, ()),)
    assert untouched(inside)


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(
    world: World, cast: Cast, inside: TlsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server of the attacker's own answers with a public address first, and with one of the inside then."""
    asked = names(monkeypatch, "127.0.0.2", "127.0.0.1")
    with TlsServer(cast.genuine, address="127.0.0.2") as outside:
        seen = discover(world, f"rebind.example.com:{outside.port}")
    assert seen[0].address == f"127.0.0.2:{outside.port}"
    assert len(asked) == 1
    assert untouched(inside)


@pytest.mark.parametrize("member", ["address", "look_at"])
def test_a_draft_sends_no_look_inside_either(world: World, inside: TlsServer, member: str) -> None:
    place = f"127.0.0.1:{inside.port}"
    entry = HostEntry(HOST, "enforce", PINS)
    entry = replace(entry, address=place) if member == "address" else replace(entry, look_at=(place,))
    hosts.put(world.actor("bob"), "acme", "shop", None, entry)
    (look,) = looks.refresh(world.actor("bob"), "acme", "shop", HOST)
    assert (look.chain, look.validated) == ([], False)
    settlement = checks.preview(world.actor("bob"), "acme", "shop").settlement
    assert {one.rule for one in settlement.open} >= {"G2"}
    assert untouched(inside)


def test_a_proxy_of_the_inside_is_not_spoken_to(world: World, cast: Cast) -> None:
    with TlsServer(cast.genuine, preamble=intercepted_connect) as proxy:
        told = []
        for port in (proxy.port, proxy.port + 1):
            projects.change(world.actor("ada"), "acme", "shop", projects.Settings(proxy=f"http://127.0.0.1:{port}"))
            told.append(repr(discover(world, HOST)).replace(str(port), "PORT"))
        assert untouched(proxy)
    assert told[0] == told[1]
    assert "the proxy is not connected to" in told[0]


def test_a_proxy_outside_is_used_at_the_address_that_was_checked(
    world: World, cast: Cast, inside: TlsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = names(monkeypatch, "127.0.0.2", "127.0.0.1")
    with TlsServer(cast.genuine, address="127.0.0.2", preamble=intercepted_connect) as proxy:
        settings = projects.Settings(proxy=f"proxy.example.com:{proxy.port}")
        projects.change(world.actor("ada"), "acme", "shop", settings)
        (seen,) = discover(world, "far.example.com")
    assert seen.chain
    assert asked == ["proxy.example.com"]
    assert untouched(inside)


def test_the_operators_own_proxy_is_not_asked_for_what_is_refused(world: World, cast: Cast) -> None:
    with TlsServer(cast.genuine, preamble=intercepted_connect) as proxy:
        allow(look_proxy=f"http://127.0.0.1:{proxy.port}")
        (seen,) = discover(world, "169.254.169.254")
        assert "metadata" in seen.problem
        assert untouched(proxy)
        (seen,) = discover(world, "far.invalid")
        assert seen.chain


def test_a_public_url_that_leads_inside_is_not_read(world: World) -> None:
    visits: list[TcpChannel] = []
    with Listener(visits.append) as web:
        url = f"http://127.0.0.1:{web.port}/pins.jws"
        found = projects.change(world.actor("ada"), "acme", "shop", projects.Settings(url=url))
        assert revisions.adopt(found) == []
        with pytest.raises(Exception, match="loopback"):
            public.read(url, connect=guarded(found))
        web.wait_until_idle()
        assert visits == []
        allow(look_private=True)
        assert revisions.adopt(found) == []
        web.wait_until_idle()
        assert len(visits) == 1, "the control: an operator who allows it is obeyed"


def test_a_look_ends_in_time_whatever_the_other_side_does(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "LOOK_TIMEOUT", 0.5)

    def drip(tcp: TcpChannel) -> None:
        # The head of a handshake record that promises 16 KiB, and then a byte now and then.
        tcp.write(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc")
        while True:
            tcp.write(b"\x00")
            tcp.wait(0.05)

    with Listener(drip, "127.0.0.2") as server:
        began = time.monotonic()
        (seen,) = discover(world, f"127.0.0.2:{server.port}")
    assert (seen.chain, seen.problem) == ((), "timed out")
    assert time.monotonic() - began < 8


def test_a_look_reads_so_much_and_no_more(world: World) -> None:
    def flood(tcp: TcpChannel) -> None:
        while True:  # a message of 16 MiB, and more of them
            tcp.write(b"\x16\x03\x03\x40\x00" + b"\x02\xff\xff\xff" + bytes(0x4000 - 4))

    with Listener(flood, "127.0.0.2") as server:
        began = time.monotonic()
        (seen,) = discover(world, f"127.0.0.2:{server.port}")
    assert (seen.chain, seen.problem) == ((), "excessive message size")
    assert time.monotonic() - began < 2, "it was not read until the time was over"


@pytest.mark.parametrize(
    "place", ["", "a b", "host:0", "host:65536", "[::1", "https://host/", "host:22:22", "x" * 300, *SMUGGLED]
)
def test_what_is_no_place_is_refused_before_anybody_is_asked(world: World, place: str) -> None:
    with pytest.raises(ValueInvalid) as caught:
        discover(world, place)
    assert caught.value.code == "host_invalid"


def test_one_organization_cannot_look_all_day(world: World) -> None:
    with pytest.raises(RateLimited):
        for _ in range(2 * looks.LOOKS_PER_MINUTE + 1):  # a minute may end meanwhile, and the count begins anew
            discover(world, "127.0.0.1")
