"""The operator's log table, and what hosts prove by it: for rules that are made from what is served."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from livepin.author import ct_json
from livepin.author.ct_logs import FILE_NAME, open_table
from livepin.errors import Forbidden, NotFound, ValueInvalid
from livepin.server.actions import ct_logs, projects
from livepin.server.settings import CONFIG
from livepin.testing import Cast, TlsServer
from tests.cli.ct_world import ONE, TWO, CtWorld, write_table
from tests.server.world import World

SHOP = ("acme", "shop")
HOST = "api.example.com"


@pytest.fixture(scope="module")
def proven() -> CtWorld:
    """A service that serves a certificate with SCTs of two logs."""
    return CtWorld(Cast(HOST))


@pytest.fixture
def table() -> Iterator[None]:
    """The operator has reviewed two logs."""
    write_table(CONFIG.data, ONE, TWO)
    yield
    (CONFIG.data / FILE_NAME).unlink()


@pytest.fixture
def trusting(world: World, proven: CtWorld) -> World:
    """The project trusts the authority of the service."""
    root = projects.Settings(ca_pem=proven.authority.root_pem)
    projects.change(world.actor("ada"), *SHOP, root)
    return world


def test_everybody_may_know_the_table_and_json_says_all_of_it(world: World, table: None) -> None:
    found = ct_logs.read(world.actor("mallory"))
    assert [one.name for one in found.logs] == ["one", "two"]
    assert ct_json.table_of(ct_json.table_members(found)) == found == open_table(CONFIG.data)


def test_where_there_is_none_it_is_empty_and_nothing_is_proven(world: World) -> None:
    assert ct_json.table_members(ct_logs.read(world.actor("bob"))) == {"lists": [], "operators": [], "logs": []}
    with pytest.raises(NotFound) as caught:
        ct_logs.prove(world.actor("bob"), *SHOP, HOST)
    assert caught.value.code == "ct_logs_missing"


def test_a_host_that_is_in_no_draft_yet_proves_what_it_serves(trusting: World, proven: CtWorld, table: None) -> None:
    with TlsServer(proven.proven) as service:
        place = f"127.0.0.1:{service.port}"
        [found] = ct_logs.prove(trusting.actor("bob"), *SHOP, HOST, address=place)
        assert (found.address, found.problem) == (place, "")
        assert [(one.operator, one.verdict, one.counts) for one in found.scts] == [
            ("one", "ok", True),
            ("two", "ok", True),
        ]
        [found] = ct_logs.prove(trusting.actor("bob"), *SHOP, "*.example.com", (HOST,), place)
        assert len(found.scts) == 2
        assert ct_logs.prove(trusting.actor("bob"), *SHOP, "*.example.com") == ()


def test_what_is_not_valid_proves_nothing(world: World, proven: CtWorld, table: None) -> None:
    with TlsServer(proven.proven) as service:
        [found] = ct_logs.prove(world.actor("bob"), *SHOP, HOST, address=f"127.0.0.1:{service.port}")
    assert found.problem
    assert found.scts == ()


def test_it_takes_the_right_to_stage_and_a_name(world: World, table: None) -> None:
    with pytest.raises(Forbidden):
        ct_logs.prove(world.actor("carol"), *SHOP, HOST)
    with pytest.raises(NotFound):
        ct_logs.prove(world.actor("mallory"), *SHOP, HOST)
    for pattern, address in (("a b", ""), (HOST, "no place:")):
        with pytest.raises(ValueInvalid):
            ct_logs.prove(world.actor("bob"), *SHOP, pattern, address=address)


def test_the_inside_of_the_operators_network_is_not_looked_at(trusting: World, proven: CtWorld, table: None) -> None:
    object.__setattr__(CONFIG, "look_private", False)
    try:
        with TlsServer(proven.proven) as service:
            [found] = ct_logs.prove(trusting.actor("bob"), *SHOP, HOST, address=f"127.0.0.1:{service.port}")
            assert service.connections == ()
    finally:
        object.__setattr__(CONFIG, "look_private", True)
    assert "loopback" in found.problem
