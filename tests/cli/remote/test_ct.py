"""CT rules of a server's project: by the operator's log table, and from what the server sees."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livepin.author.ct_logs import FILE_NAME
from livepin.testing import Cast, TlsServer
from tests.cli.ct_world import ONE, STRANGE, TWO, CtWorld, write_table
from tests.cli.remote.conftest import HOST
from tests.cli.remote.server import Server
from tests.cli.shell import Shell

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def proven(stranger: Shell, server: Server, tmp_path: Path) -> Iterator[Shell]:
    """Signed in, with a project that trusts a service whose certificate was logged; no table on the server yet."""
    world = CtWorld(Cast(HOST))
    project = server.new_project(world.authority.write(tmp_path))
    (stranger.directory.parent / "token").write_text(server.token)
    stranger.livepin("login", server.url, "--project", project, "--token-file", "../token")
    with TlsServer(world.proven) as service:
        stranger.variables["PLACE"] = f"127.0.0.1:{service.port}"
        yield stranger
    (server.installation.data / FILE_NAME).unlink(missing_ok=True)


def rule(shell: Shell, *options: str) -> Any:
    return shell.json("host", "set", HOST, *options)["ct"]


def test_a_rule_is_made_by_the_operators_table(proven: Shell, server: Server) -> None:
    place = ("--address", proven.variables["PLACE"])
    for option in (("--ct-from-live",), ("--ct-log", "one")):
        refused = proven.json("host", "set", HOST, *place, *option, status=3)
        assert refused["error"]["code"] == "ct_logs_missing"
    assert proven.json("host", "list")["hosts"] == []
    noted = proven.livepin("host", "set", "www.example.com", "--ct", "report", "--ct-operator", "anybody")
    assert f"the server has no {FILE_NAME}, so CT is not evaluated" in noted.err
    proven.livepin("host", "remove", "www.example.com")
    write_table(server.installation.data, ONE, TWO)
    # The host is new: where to look is said by the same command.
    live = rule(proven, *place, "--ct-from-live")
    assert live == {"action": "report", "policy": "chrome", "operators": ["one", "two"]}
    exact = rule(proven, "--ct", "enforce", "--ct-from-live", "--ct-exact")
    assert exact == {"action": "enforce", "policy": "chrome", "logs": [ONE.id, TWO.id]}
    done = proven.livepin("host", "set", HOST, "--ct-any")
    done = proven.livepin("host", "set", HOST, "--ct-log", "two", "--ct-policy", "any")
    assert "ct enforce; policy any; logs two" in done.out
    assert proven.json("host", "list")["hosts"][0]["ct"]["logs"] == [TWO.id]
    for name, text in (("--ct-operator", "nobody"), ("--ct-log", "nobodys")):
        refused = proven.json("host", "set", HOST, name, text, status=3)
        assert refused["error"]["code"] == "entry_missing"


def test_logs_that_the_operator_does_not_know_are_declared_by_nobody(proven: Shell, server: Server) -> None:
    write_table(server.installation.data, STRANGE)
    refused = proven.json("host", "set", HOST, "--address", proven.variables["PLACE"], "--ct-from-live", status=5)
    assert (refused["error"]["code"], refused["error"]["where"]) == ("look_failed", HOST)
    refused = proven.json("host", "set", HOST, "--address", "127.0.0.1:9", "--ct-from-live", status=5)
    assert "no validated chain to take SCTs from" in refused["error"]["message"]
    assert proven.json("host", "list")["hosts"] == []
