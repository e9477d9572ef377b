"""The end of a project on a server, from the command line: decommissioned or withdrawn, and nobody by mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from livepin.core import jws
from tests.cli.remote.conftest import HOST
from tests.cli.remote.mallory import between, with_payload
from tests.cli.remote.server import Server
from tests.cli.shell import Shell
from tests.cli.test_commands import answer_on_a_terminal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
WHY = ("--reason", "the shop closed")
OFF = [{"action": "off", "host": HOST}]


def served(server: Server, shell: Shell) -> list[Path]:
    """What the server's origin has of the project."""
    folder = server.installation.data / "origin" / shell.variables["PROJECT"]
    return sorted(path for path in folder.rglob("*") if path.is_file())


def says(server: Server, shell: Shell) -> dict[str, object]:
    """What applications get."""
    (pointer,) = (path for path in served(server, shell) if path.name == "pins.jws")
    payload: dict[str, object] = json.loads(jws.split(pointer.read_text("ascii")).payload)
    return payload


def test_the_last_revision_is_off_everywhere_and_nothing_follows(published: Shell, server: Server) -> None:
    before = served(server, published)
    shown = published.json("decommission", "--dry-run")
    assert (shown["dry_run"], served(server, published)) == (True, before)
    assert {(one["what"], one["where"]) for one in shown["changes"]} == {
        ("changed", f"{HOST} action"),
        ("removed", f"{HOST} pins"),
    }
    done = published.livepin("decommission", *WHY, "--keep-hours", "1", "--yes")
    assert f"published 0.2 of {published.variables['PROJECT']}" in done.out
    assert "the server removes the documents 1 hours from now" in done.out
    assert says(server, published)["hosts"] == OFF
    for command in (("host", "remove", HOST), ("publish",), ("rollback", "1"), ("decommission", *WHY, "--yes")):
        assert published.json(*command, status=1)["error"]["code"] == "state_wrong"
    # It may be over before its hour.
    assert published.json("withdraw", *WHY, "--yes")["left"] == []
    assert not served(server, published)


def test_documents_are_gone_when_the_command_ends(published: Shell, server: Server) -> None:
    before = served(server, published)
    shown = published.json("withdraw", *WHY, "--dry-run")
    assert (shown["origins"], served(server, published)) == (["folder"], before)
    done = published.livepin("withdraw", *WHY, "--yes")
    assert f"{published.variables['PROJECT']} on {server.url} is withdrawn" in done.out
    assert "its documents are gone" in done.out
    assert "note: purge the CDN" in done.err
    assert not served(server, published)
    assert published.json("publish", status=1)["error"]["code"] == "state_wrong"
    published.livepin("withdraw", *WHY, "--yes")  # it is safe to repeat


@pytest.mark.parametrize("command", ["decommission", "withdraw"])
def test_nothing_ends_that_nobody_agreed_to(published: Shell, server: Server, command: str) -> None:
    before = served(server, published)
    refused = published.json(command, *WHY, status=3)
    assert refused["error"]["code"] == "confirmation_missing"
    status, seen = answer_on_a_terminal(published, ["n"], command, *WHY)
    assert (status, "That cannot be undone." in seen) == (1, True), seen
    assert served(server, published) == before
    assert published.json("host", "list")["hosts"] != []
    status, seen = answer_on_a_terminal(published, ["y"], command, *WHY)
    assert status == 0, seen
    assert served(server, published) != before


def test_who_ends_a_project_on_a_server_says_why(published: Shell) -> None:
    refused = published.json("decommission", "--yes", status=3)
    assert (refused["error"]["code"], refused["error"]["where"]) == ("usage", "--reason")
    assert published.json("decommission", "--reason", "two\nlines", "--yes", status=3)["error"]["code"] == "usage"


def test_what_was_never_published_cannot_end(remote: Shell) -> None:
    assert remote.json("decommission", *WHY, "--yes", status=1)["error"]["code"] == "revision_missing"


def test_the_last_revision_is_signed_with_ones_own_key(own: Shell, server: Server) -> None:
    signer = ("--signer", "keys/signing.pem")
    own.livepin("publish", *signer)
    assert own.json("decommission", *WHY, "--yes", status=4)["error"]["code"] == "signature_elsewhere"
    # A server that would rather have something else signed gets nothing.

    def tamper(path: str, members: dict[str, Any]) -> None:
        if path.endswith("/signing-input"):
            members["signing_input"] = with_payload(members["signing_input"], lambda said: said["hosts"].clear())

    with between(server.url, tamper) as mallory:
        own.livepin("login", mallory.url, "--profile", "mallory", "--token-file", "../token")
        named = ("--server", "mallory", "--project", own.variables["PROJECT"])
        refused = own.json("decommission", *WHY, "--yes", *signer, *named, status=4)
        assert refused["error"]["code"] == "signature_refused"
    done = own.json("decommission", *WHY, "--yes", *signer)
    assert done["serial"] == 2
    assert says(server, own)["hosts"] == OFF
