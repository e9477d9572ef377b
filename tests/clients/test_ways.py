"""However a program gets its bytes into TLS, an attacker's server decrypts none of them, and none go in the clear."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest

import livepin
from livepin.testing import Cast, Connection, TlsServer, Versions, conversations, policy
from tests.acme import Acme
from tests.clients.client import SECRET
from tests.clients.ways import WAYS, Way


@pytest.fixture(params=[Versions.TLS12, Versions.TLS13], ids=["TLS12", "TLS13"])
def evil(request: pytest.FixtureRequest, cast: Cast) -> Iterator[TlsServer]:
    versions: Versions = request.param
    with TlsServer(cast.evil, versions=versions, conversation=conversations.silent) as server:
        yield server


@pytest.fixture(params=list(WAYS.values()), ids=list(WAYS))
def way(request: pytest.FixtureRequest) -> Way:
    found: Way = request.param
    return found


@pytest.fixture
def pinned(acme: Acme) -> Acme:
    """A project that pins another key than the attacker's."""
    acme.publish(policy("localhost", acme.cast.genuine, acme.cast.backup))
    return acme


def tell(way: Way, context: ssl.SSLContext, server: TlsServer) -> list[Connection]:
    """Go that way, and return what the server saw once everything ended."""
    way(context, server.port)
    server.wait_until_idle()
    return list(server.connections)


def told(connections: list[Connection]) -> int:
    return sum(len(connection.received) + len(connection.plaintext) for connection in connections)


def test_every_way_leads_to_the_attacker_without_pins(way: Way, evil: TlsServer, cast: Cast) -> None:
    assert told(tell(way, cast.authority.client_context(), evil)) >= len(SECRET)


def test_no_way_leads_to_the_attacker_with_a_pinned_context(way: Way, evil: TlsServer, pinned: Acme) -> None:
    connections = tell(way, pinned.context(pinned.pinner()), evil)
    assert told(connections) == 0
    assert [connection.server_name for connection in connections] == ["localhost"]
    assert pinned.told("verdict_blocked") != []


def test_no_way_leads_to_the_attacker_with_a_context_made_before_set_up(
    way: Way, evil: TlsServer, pinned: Acme, installed: None
) -> None:
    context = pinned.cast.authority.client_context()
    livepin.setup(**pinned.embedded())
    connections = tell(way, context, evil)
    assert told(connections) == 0
    assert [connection.server_name for connection in connections] == ["localhost"]
    assert pinned.told("verdict_blocked") != []


def test_every_way_leads_to_the_genuine_service(way: Way, pinned: Acme) -> None:
    with TlsServer(pinned.cast.genuine, conversation=conversations.silent) as server:
        connections = tell(way, pinned.context(pinned.pinner()), server)
    assert told(connections) >= len(SECRET)
    assert pinned.told("verdict_blocked") == []
