"""People without files: what there is on a server, and a project of one's own there."""

from __future__ import annotations

import pytest

from livepin.cli.profiles import load
from tests.cli.remote.server import Server
from tests.cli.shell import Shell

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def signed(stranger: Shell, server: Server) -> Shell:
    """Signed in; no project is anybody's yet, for all that the profile knows."""
    (stranger.directory.parent / "token").write_text(server.token)
    server.projects += 1
    stranger.variables["PROJECT"] = f"acme/mine{server.projects}"
    stranger.livepin("login", server.url, "--token-file", "../token", "--project", "acme/none-yet")
    return stranger


def test_from_an_empty_folder_to_a_project_that_commands_work_on(
    signed: Shell, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = signed.variables["PROJECT"]
    assert "acme" in {one["organization"] for one in signed.json("organization", "list")["organizations"]}
    assert signed.json("project", "new", name, "--dry-run")["dry_run"] is True
    assert name not in signed.livepin("project", "list").out
    done = signed.livepin("project", "new", name, "--name", "My shop", "--use", "--url", "https://pins.example.com/")
    assert f"{name} on {server.url} is there" in done.out
    monkeypatch.setenv("XDG_CONFIG_HOME", signed.variables["XDG_CONFIG_HOME"])
    assert load().find().project == name
    rows = signed.livepin("project", "list", "acme").out.splitlines()
    assert [line.split() for line in rows if name in line] == [["*", name, "active", "My", "shop"]]
    signed.livepin("host", "set", "api.example.com", "--action", "off")
    assert signed.json("host", "list")["hosts"][0]["host"] == "api.example.com"
    shown = signed.json("project", "show")
    assert (shown["name"], shown["state"], shown["published"]) == ("My shop", "active", None)
    assert shown["configuration_url"] == "https://pins.example.com/"
    assert "published  nothing" in signed.livepin("project", "show", name).out
    assert signed.json("embed")["public_key"] == shown["anchors"][0]
    # Its ID is taken for ever.
    assert signed.json("project", "new", name, status=1)["error"]["code"] == "identifier_taken"


def test_a_project_with_ones_own_key(signed: Shell) -> None:
    name = signed.variables["PROJECT"]
    signed.livepin("keys", "new", "signing")
    made = signed.json("project", "new", name, "--public-key", "keys/signing.pub.pem")
    text = (signed.directory / "keys" / "signing.pub.pem").read_text("ascii")
    assert made["anchors"][0] in "".join(text.split())
    assert f"--project {name}" in made["notes"][0]
    assert signed.json("host", "list", status=3)["error"]["code"] == "not_found"
    assert signed.json("host", "list", "--project", name)["hosts"] == []


def test_what_cannot_be_made_is_not(signed: Shell) -> None:
    name = signed.variables["PROJECT"]
    both = signed.json("project", "new", name, "--kind", "p256", "--public-key", "x", status=2)
    assert both["error"]["code"] == "usage"
    assert signed.json("project", "new", name, "--public-key", "bm8ga2V5", status=3)["error"]["code"] == "key_invalid"
    assert signed.json("project", "new", "acme", status=3)["error"]["code"] == "usage"
    for arguments in (
        ("project", "new", "nobodys/shop"),
        ("project", "list", "nobodys"),
        ("project", "show", "acme/x"),
    ):
        assert signed.json(*arguments, status=3)["error"]["code"] == "not_found"


def test_every_page_of_a_list_is_read(signed: Shell, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", signed.variables["XDG_CONFIG_HOME"])
    monkeypatch.setattr("livepin.cli.api._PAGE", 2)
    names = [f"{signed.variables['PROJECT']}.{number}" for number in range(5)]
    for name in names:
        server.ask("POST", "/organizations/acme/projects", {"project": name.partition("/")[2]})
    listed = [f"acme/{one['project']}" for one in load().find().api().every("/organizations/acme/projects")]
    assert set(names) <= set(listed)
    assert len(listed) == len(set(listed))


def test_nobody_is_asked_for_projects_who_has_not_signed_in(stranger: Shell) -> None:
    for arguments in (("organization", "list"), ("project", "list"), ("project", "show")):
        assert stranger.json(*arguments, status=4)["error"]["code"] == "signed_out"
