"""Where somebody who is not trusted may send a look: the public Internet, and what the operator opened."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import pytest

from livepin.testing.listener import Listener, TcpChannel
from livepin.testing.ports import free_port
from livepin.watch.address import Address
from livepin.watch.reachable import NOWHERE, PROXY_PORTS, Bounds, Guarded, reach, refusal

INSIDE = [
    # IPv4: this host, loopback, private, providers' shared space, link-local, relays, tests, multicast, reserved
    *("0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255"),
    *("192.168.1.1", "100.64.0.1", "169.254.169.254", "169.254.0.1", "192.0.0.8", "192.0.2.1", "192.88.99.1"),
    *("198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    # IPv6: the same
    *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1", "ff0e::1"),
    *("100::1", "2001:db8::1", "3fff::1", "5f00::1", "2001::1", "2001:2::1", "2001:10::1"),
    # IPv4 inside of IPv6: mapped, compatible, translated, NAT64, its private prefix, 6to4
    *("::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "::ffff:0:10.0.0.1", "64:ff9b::10.0.0.1"),
    *("64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:c0a8:101::1"),
    # no address at all
    *("", "localhost", "127.1", "0177.0.0.1", "2130706433"),
]
OUTSIDE = ["93.184.216.34", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:2800:220:1::1", "::ffff:8.8.8.8"]
OUTSIDE += ["64:ff9b::8.8.8.8", "2002:808:808::1"]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert refusal(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_a_public_address_is_not(address: str) -> None:
    assert refusal(address) == ""


#: Ways of writing 127.0.0.1 that a resolver understands.
LOOPBACK = ["localhost", "localhost.", "LOCALHOST", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1"]
LOOPBACK += ["0x7f.1", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "0", "0.0.0.0"]


@pytest.mark.parametrize("host", LOOPBACK)
def test_however_the_loopback_is_written_it_is_refused(host: str) -> None:
    found = reach(host, 443, bounds=Bounds(), timeout=5)
    assert found.addresses == ()
    assert found.refused or found.error


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: tuple[str, ...]) -> list[str]:
    """Let the name server answer every question for a name with the next of these, the last one again and again."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def answer(host: str, port: int, *given: Any, **more: Any) -> Any:
        if not host.endswith(".test"):
            return real(host, port, *given, **more)
        asked.append(host)
        found = answers[min(len(asked), len(answers)) - 1]
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [entry for one in found for entry in real(one, port, type=socket.SOCK_STREAM)]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked


def test_a_name_of_the_inside_is_answered_like_one_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, ("10.1.2.3",), ())
    inside = reach("db.test", 443, bounds=Bounds(), timeout=5)
    nothing = reach("db.test", 443, bounds=Bounds(), timeout=5)
    assert (inside.addresses, nothing.addresses) == ((), ())
    assert [why for _, why in inside.refused] == [NOWHERE] == [nothing.error]
    assert "10.1.2.3" not in str(inside)


def test_of_a_name_with_public_and_private_addresses_the_public_ones_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, ("10.1.2.3", "8.8.8.8", "169.254.169.254"))
    found = reach("both.test", 443, bounds=Bounds(), timeout=5)
    assert found.addresses == (Address("8.8.8.8", 443),)
    assert [place for place, _ in found.refused] == ["-"]
    assert "10.1" not in str(found)
    assert "169.254" not in str(found)


def test_the_operator_opens_networks_and_no_others() -> None:
    bounds = Bounds(networks=(ip_network("10.20.0.0/16"), ip_network("fd00:1::/32")))
    for inside in ("10.20.1.1", "::ffff:10.20.1.1", "fd00:1::5"):
        assert bounds.refusal(Address(inside, 22)) == ""
    for outside in ("10.21.0.1", "127.0.0.1", "fd00:2::5", "::ffff:10.21.0.1", "169.254.169.254"):
        assert bounds.refusal(Address(outside, 443))
    assert Bounds(private=True).refusal(Address("127.0.0.1", 22)) == ""


@pytest.mark.parametrize(("port", "allowed"), [(22, False), (25, False), (80, False), (443, True), (993, True)])
def test_on_public_addresses_low_ports_are_those_of_tls(port: int, allowed: bool) -> None:
    assert bool(reach("8.8.8.8", port, bounds=Bounds(), timeout=5).addresses) is allowed


def test_high_ports_are_free_and_proxies_may_have_port_80() -> None:
    assert reach("8.8.8.8", 8443, bounds=Bounds(), timeout=5).addresses
    assert reach("8.8.8.8", 80, bounds=Bounds(), timeout=5, ports=PROXY_PORTS).addresses
    assert not reach("8.8.8.8", 25, bounds=Bounds(), timeout=5, ports=PROXY_PORTS).addresses


def hello(tcp: TcpChannel) -> None:
    tcp.write(b"hello")


def test_a_name_that_changes_its_mind_does_not_move_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    bounds = Bounds(networks=(ip_network("127.0.0.2/32"),))
    with Listener(hello, "127.0.0.2") as outside:
        asked = resolving(monkeypatch, ("127.0.0.2",), ("127.0.0.1",))
        with Guarded(bounds)(("rebind.test", outside.port), 5.0) as connection:
            assert connection.getpeername()[0] == "127.0.0.2"
            assert connection.recv(5) == b"hello"
        assert asked == ["rebind.test"]
        with pytest.raises(OSError, match="no public address"):
            Guarded(bounds)(("rebind.test", outside.port), 5.0)


@pytest.mark.parametrize("place", [lambda port: ("127.0.0.1", port), lambda port: ("localhost", port)])
def test_an_open_port_of_the_inside_looks_like_a_closed_one(place: Callable[[int], tuple[str, int]]) -> None:
    told, visits = [], []
    with Listener(lambda tcp: visits.append(tcp)) as open_one:
        for port in (open_one.port, free_port()):
            with pytest.raises(OSError) as caught:  # noqa: PT011  # what it says is compared below
                Guarded(Bounds())(place(port), 5.0)
            told.append(str(caught.value))
        open_one.wait_until_idle()
        assert visits == []
        Guarded(Bounds(private=True))(place(open_one.port), 5.0).close()
        open_one.wait_until_idle()
        assert len(visits) == 1, "the control: who may, gets there"
    assert told[0] == told[1]


def test_many_addresses_that_do_not_answer_take_the_time_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is for all addresses together: who names a host may have given it sixty."""
    with socket.socket() as deaf:
        # A backlog that is full: a connection is neither taken nor refused.
        deaf.bind(("127.0.0.2", 0))
        deaf.listen(0)
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(deaf.getsockname())
            fillers.append(filler)
        resolving(monkeypatch, ("127.0.0.2", "::ffff:127.0.0.2"))
        began = time.monotonic()
        with pytest.raises(OSError, match="timed out"):
            Guarded(Bounds(private=True))(("slow.test", deaf.getsockname()[1]), 1.5)
        assert time.monotonic() - began < 2.8
        for filler in fillers:
            filler.close()
