"""People of an organization, without the dashboard: invited, given a role, removed; and what is refused to whom."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.remote.server import EMAIL, Server
from tests.cli.remote.test_tokens import NOBODYS, with_token
from tests.cli.shell import Shell

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def members(shell: Shell) -> dict[str, str]:
    return {one["email"]: one["role"] for one in shell.json("member", "list")["members"]}


def waiting(shell: Shell) -> dict[str, Any]:
    return {one["email"]: one for one in shell.json("invitation", "list")["invitations"]}


def joined(shell: Shell, server: Server, name: str, role: str) -> tuple[str, Shell]:
    """A new member of acme: their address, and where commands are theirs."""
    email = f"{name}{server.projects}@example.com"
    token = server.account(email)
    server.join(token, email, role)
    return email, of_acme(with_token(shell, server, token))


def of_acme(shell: Shell) -> Shell:
    shell.variables["LIVEPIN_PROJECT"] = "acme/any"
    return shell


def test_somebody_is_invited_joins_is_given_a_role_and_removed(remote: Shell, server: Server) -> None:
    email = f"bob{server.projects}@example.com"
    bob = Server(server.installation, server.account(email))
    assert remote.json("invitation", "new", email, "--role", "viewer", "--dry-run")["dry_run"] is True
    assert email not in waiting(remote)
    done = remote.livepin("invitation", "new", email, "--role", "viewer")
    assert f"{email} is invited as viewer" in done.err
    row = next(line.split() for line in remote.livepin("invitation", "list").out.splitlines() if email in line)
    assert row[1:3] == [email, "viewer"]
    bob.ask("POST", "/invitations/accept", {"secret": done.out.strip()})
    assert email not in waiting(remote)
    assert members(remote)[email] == "viewer"
    assert remote.json("member", "role", email, "publisher", "--dry-run")["before"] == "viewer"
    assert members(remote)[email] == "viewer"
    remote.livepin("member", "role", email.upper(), "publisher")
    row = next(line.split() for line in remote.livepin("member", "list").out.splitlines() if email in line)
    assert row[3] == "publisher"
    made = bob.ask("POST", "/organizations/acme/tokens", {"scope": "publish"}).json["token"]
    assert remote.json("member", "remove", row[0], "--dry-run")["member"]["email"] == email
    assert email in members(remote)
    assert email in remote.livepin("member", "remove", row[0]).out
    assert email not in members(remote)
    assert server.installation.ask("/api/v1/me", Authorization=f"Bearer {made}").status == 401


def test_an_invitation_that_was_withdrawn_invites_nobody(remote: Shell, server: Server) -> None:
    email = f"carol{server.projects}@example.com"
    carol = server.account(email)
    for by in ("email", "id"):
        made = remote.json("invitation", "new", email, "--role", "editor", "--to", f"{by}.code")
        assert "secret" not in made
        file = remote.directory / f"{by}.code"
        assert file.stat().st_mode & 0o777 == 0o600
        assert remote.json("invitation", "withdraw", made[by], "--dry-run")["dry_run"] is True
        assert email in waiting(remote)
        remote.livepin("invitation", "withdraw", made[by])
        assert email not in waiting(remote)
        code = file.read_text("ascii").strip()
        said = remote.json("invitation", "withdraw", code, status=3)["error"]
        assert said["code"] == "entry_missing"
        assert code not in str(said)
        body = f'{{"secret": "{code}"}}'.encode()
        headers = {"Authorization": f"Bearer {carol}", "Content-Type": "application/json"}
        answer = server.installation.ask("/api/v1/invitations/accept", "POST", body, **headers)
        assert (answer.status, answer.json["code"]) == (404, "link_invalid")


def test_who_may_not_is_told_what_to_do(remote: Shell, server: Server) -> None:
    email, vera = joined(remote, server, "vera", "viewer")
    assert {one["email"] for one in vera.json("member", "list")["members"]} >= {EMAIL, email}
    made = remote.json("token", "new", "--name", "build", "--scope", "publish")
    token = of_acme(with_token(remote, server, made["token"]))
    changes = (
        ("member", "role", email, "admin"),
        ("member", "remove", EMAIL),
        ("invitation", "list"),
        ("invitation", "new", "thief@example.com", "--role", "owner"),
        ("invitation", "withdraw", "thief@example.com"),
    )
    before = members(remote), waiting(remote)
    for arguments in changes:
        refused = vera.json(*arguments, status=4)["error"]
        assert (refused["code"], "Ask an owner or admin" in refused["hint"]) == ("forbidden", True), arguments
        refused = token.json(*arguments, status=4)["error"]
        assert (refused["code"], "`livepin login`" in refused["hint"]) == ("forbidden", True), arguments
    # A token of one project does not even see who belongs to the organization.
    wish = ("token", "new", "--name", "build", "--scope", "publish", "--project", remote.variables["PROJECT"])
    narrow = with_token(remote, server, remote.json(*wish)["token"])
    refused = narrow.json("member", "list", "--organization", "acme", status=4)["error"]
    assert (refused["code"], "`livepin login`" in refused["hint"]) == ("forbidden", True)
    assert (members(remote), waiting(remote)) == before
    # Leaving takes no right, but a person.
    assert vera.json("member", "remove", email)["member"]["email"] == email
    for arguments in (("member", "list"), *changes):
        assert vera.json(*arguments, status=3)["error"]["code"] == "not_found", "a stranger now"


def test_owners_are_the_business_of_owners_and_one_is_left(remote: Shell, server: Server) -> None:
    email, ada = joined(remote, server, "ada", "admin")
    for arguments in (("member", "role", email, "owner"), ("member", "remove", EMAIL)):
        refused = ada.json(*arguments, status=4)["error"]
        assert (refused["code"], "right to own" in refused["message"]) == ("forbidden", True)
    for arguments in (("member", "role", EMAIL, "admin"), ("member", "remove", EMAIL)):
        refused = remote.json(*arguments, status=1)["error"]
        assert (refused["code"], "somebody else an owner" in refused["hint"]) == ("last_owner", True)
    assert members(remote)[EMAIL] == "owner"
    for arguments in (("member", "role", NOBODYS, "viewer"), ("member", "remove", "nobody@example.com")):
        refused = remote.json(*arguments, status=3)["error"]
        assert (refused["code"], refused["hint"]) == ("entry_missing", "`livepin member list` shows them.")
    assert remote.json("invitation", "withdraw", NOBODYS, status=3)["error"]["code"] == "entry_missing"
    assert remote.json("invitation", "new", email, "--role", "viewer", status=1)["error"]["code"] == "state_wrong"
    assert remote.json("invitation", "new", "nobody", "--role", "viewer", status=3)["error"]["code"] == "value_invalid"
    ada.livepin("member", "remove", email)
