"""Tokens for machines, without the dashboard: made, shown once, listed, revoked, and refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.remote.server import Server
from tests.cli.shell import Shell

slow = pytest.mark.slow
pytestmark = pytest.mark.timeout(600)
NEW = ("token", "new", "--name", "build", "--scope")
NOBODYS = "0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f"


def with_token(shell: Shell, server: Server, token: str) -> Shell:
    """The same folder on a build machine, which is told a server and a token."""
    return replace(shell, variables={**shell.variables, "LIVEPIN_SERVER": server.url, "LIVEPIN_TOKEN": token})


def listed(shell: Shell) -> list[str]:
    return [one["id"] for one in shell.json("token", "list", "--organization", "acme")["tokens"]]


@slow
def test_a_token_works_from_the_line_that_shows_it_until_it_is_revoked(remote: Shell, server: Server) -> None:
    project = remote.variables["PROJECT"]
    server.ask("POST", "/organizations/acme/tokens", {"scope": "read", "name": "red \x9b31m"})
    before = listed(remote)
    assert remote.json(*NEW, "stage", "--project", project, "--dry-run")["dry_run"] is True
    assert listed(remote) == before
    done = remote.livepin(*NEW, "stage", "--project", project, "--days", "7")
    (token,) = done.out.splitlines()
    assert token.startswith("lvp_")
    assert f"may stage in {project}" in done.err
    assert token not in done.err
    machine = with_token(remote, server, token)
    assert machine.json("host", "list", "--project", project)["hosts"] == []
    (new,) = set(listed(remote)) - set(before)
    shown = remote.livepin("token", "list").out
    (row,) = [line.split() for line in shown.splitlines() if line.startswith(new[:8])]
    assert row[1:4] == ["build", "stage", project.partition("/")[2]]
    assert token not in shown
    assert "\x9b" not in shown, "nothing of what others typed steers the terminal"
    assert remote.json("token", "revoke", new[:8], "--dry-run")["token"]["id"] == new
    assert new in listed(remote)
    assert new in remote.livepin("token", "revoke", new[:8]).out
    assert listed(remote) == before
    assert machine.json("host", "list", "--project", project, status=4)["error"]["code"] == "unauthenticated"
    assert remote.json("token", "revoke", new, status=3)["error"]["code"] == "entry_missing"
    assert token not in server.installation.log.read_text()


@slow
def test_a_secret_goes_into_a_new_file_that_nobody_else_reads(remote: Shell, server: Server) -> None:
    file = remote.directory / "build.token"
    made = remote.json(*NEW, "read", "--to", "build.token")
    assert "token" not in made
    assert made["file"] == "build.token"
    assert file.stat().st_mode & 0o777 == 0o600
    machine = with_token(remote, server, file.read_text("ascii").strip())
    assert listed(machine) == [made["id"]]
    # What is there is not overwritten, and then nothing is made; nor is a file, where the server says no.
    before, kept = listed(remote), remote.files()
    refused = remote.json(*NEW, "read", "--to", "build.token", status=3)["error"]
    assert (refused["code"], refused["where"]) == ("file_unwritable", "build.token")
    nowhere = remote.json(*NEW, "read", "--to", "other.token", "--project", "acme/nobodys", status=3)
    assert nowhere["error"]["code"] == "not_found"
    assert (listed(remote), remote.files()) == (before, kept)


@slow
def test_a_viewer_makes_and_ends_no_more_than_their_own(remote: Shell, server: Server) -> None:
    alices = remote.json(*NEW, "read")["id"]
    email = f"vera{server.projects}@example.com"
    account = server.account(email)
    vera = with_token(remote, server, account)
    # A stranger as yet: acme does not exist for her.
    for arguments in (("token", "list"), (*NEW, "read"), ("token", "revoke", alices)):
        said = vera.json(*arguments, "--organization", "acme", status=3)
        assert said["error"]["code"] == "not_found", arguments
    server.join(account, email, "viewer")
    refused = vera.json(*NEW, "stage", "--organization", "acme", status=4)["error"]
    assert refused["code"] == "forbidden"
    assert "right to stage" in refused["message"]
    hers = vera.json(*NEW, "read", "--organization", "acme")["id"]
    assert listed(vera) == [hers]
    said = vera.json("token", "revoke", alices, "--organization", "acme", status=3)
    assert said["error"]["code"] == "entry_missing"
    assert {alices, hers} <= set(listed(remote))
    remote.livepin("token", "revoke", hers)
    assert listed(vera) == []


@slow
def test_a_token_makes_no_other_and_ends_itself_alone(remote: Shell, server: Server) -> None:
    others = remote.json(*NEW, "read")["id"]
    made = remote.json(*NEW, "publish", "--project", remote.variables["PROJECT"])
    machine = with_token(remote, server, made["token"])
    refused = machine.json(*NEW, "read", "--organization", "acme", status=4)["error"]
    assert refused["code"] == "forbidden"
    assert "`livepin login`" in refused["hint"]
    assert listed(machine) == [made["id"]]
    for one, status in ((others, 3), (made["id"], 0), (made["id"], 4)):
        machine.livepin("token", "revoke", one, "--organization", "acme", status=status)


@slow
def test_what_names_no_token_or_several_ends_none(remote: Shell, server: Server) -> None:
    for _ in range(17):  # two of them begin alike: there are sixteen digits
        server.ask("POST", "/organizations/acme/tokens", {"scope": "read"})
    before = listed(remote)
    digits = [one[0] for one in before]
    common = max(digits, key=digits.count)
    refused = remote.json("token", "revoke", common, status=3)["error"]
    assert refused["message"].startswith(f"{digits.count(common)} of the tokens have")
    assert "`livepin token list`" in refused["hint"]
    for text in (NOBODYS, "", "x" * 43):
        refused = remote.json("token", "revoke", text, status=3)["error"]
        assert refused["code"] == "entry_missing"
        assert "x" * 43 not in str(refused), "it may have been a secret"
    assert listed(remote) == before
    for one in before:
        server.ask("DELETE", f"/organizations/acme/tokens/{one}")


@slow
def test_it_has_to_be_said_of_which_organization(remote: Shell, server: Server) -> None:
    machine = with_token(remote, server, server.token)
    unnamed = machine.json("token", "list", status=3)["error"]
    assert unnamed["code"] == "project_unnamed"
    assert "--organization" in unnamed["hint"]
    assert machine.json("token", "list", LIVEPIN_PROJECT="acme/any")["organization"] == "acme"
    both = remote.json(*NEW, "read", "--organization", "acme", "--project", "other/shop", status=2)
    assert both["error"]["code"] == "usage"


@pytest.mark.parametrize(
    "command", [("token", "revoke"), ("member", "role"), ("member", "remove"), ("invitation", "withdraw")]
)
def test_a_token_is_no_argument_and_reaches_nobody(command: tuple[str, ...], tmp_path: Path) -> None:
    """The server is not even asked: there is none."""
    secret = "lvp_" + "s3cret-" * 7
    role = ("viewer",) if "role" in command else ()
    machine = {"LIVEPIN_SERVER": "http://127.0.0.1:9", "LIVEPIN_TOKEN": "lvp_x", "LIVEPIN_PROJECT": "acme/shop"}
    refused = Shell(tmp_path, machine).json(*command, secret, *role, status=3)["error"]
    assert refused["code"] == "usage"
    assert "arguments are seen by every process" in refused["message"]
    assert "by its ID" in refused["hint"]
    assert secret not in str(refused)
