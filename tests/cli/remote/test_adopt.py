"""An emergency was handled with files; the server takes it over by one command, and its draft, too."""

from __future__ import annotations

import pytest

from tests.cli.remote.conftest import HOST
from tests.cli.remote.server import Server
from tests.cli.shell import Shell

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
DENIED = "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="
THERE = ("--server", "default")


def test_an_emergency_is_taken_over_and_the_next_publish_goes_through(moved: Shell, server: Server) -> None:
    # What was published before the project came to the server is such a thing, too.
    shown = moved.json("adopt", "--dry-run", *THERE)
    assert (shown["adopted"], shown["dry_run"]) == (["0.1"], True)
    done = moved.livepin("adopt", *THERE)
    assert f"adopted 0.1 of {moved.variables['PROJECT']} on {server.url}" in done.out
    assert "note:" not in done.err  # the draft was pushed, and says the same
    # The emergency. The key is denied, and a second host is added; nobody pulled or pushed.
    moved.livepin("deny", "add", DENIED)
    moved.livepin("host", "set", "www.example.com", "--action", "off")
    assert moved.json("publish")["serial"] == 2
    shown = moved.json("adopt", "--draft", "--dry-run", *THERE)
    assert shown["adopted"] == ["0.2"]
    done = moved.livepin("adopt", *THERE)
    assert "adopted 0.2 of" in done.out
    assert "the draft says something else than what is published" in done.err
    assert "what is published was found on an origin" in moved.livepin("pull", "--dry-run", "--replace").err
    taken = moved.json("adopt", "--draft", *THERE)
    assert taken["adopted"] == []
    assert {(one["what"], one["where"]) for one in taken["changes"]} == {
        ("added", "deny"),
        ("added", "www.example.com"),
    }
    assert moved.json("diff", *THERE)["changes"] == []
    # The address to look at is in no document, and is still there.
    assert [one["address"] != "" for one in moved.json("host", "list", *THERE)["hosts"]] == [True, False]
    # It is published once, not refused once.
    assert moved.json("publish", "--signer", "keys/signing.pem", *THERE)["serial"] == 3
    assert server.serial(moved) == 3
    moved.livepin("pull", "--replace")
    assert moved.json("diff")["changes"] == []


def test_there_is_nothing_to_take_over(published: Shell) -> None:
    done = published.livepin("adopt")
    assert "nothing was published elsewhere; the server knows 0.1 of" in done.out
    assert published.json("adopt", "--draft")["changes"] == []
    published.livepin("host", "set", HOST, "--action", "report")
    taken = published.json("adopt", "--draft")
    assert [one["where"] for one in taken["changes"]] == [f"{HOST} action"]


def test_nothing_is_published_that_a_draft_could_say(remote: Shell) -> None:
    assert remote.json("adopt", "--draft", status=3)["error"]["code"] == "revision_missing"
    assert "the server knows nothing of" in remote.livepin("adopt").out


def test_files_have_nothing_to_take_over(moved: Shell) -> None:
    refused = moved.json("adopt", status=4)
    assert refused["error"]["code"] == "signed_out"
    assert refused["error"]["hint"] == "Name it with --server PROFILE."
