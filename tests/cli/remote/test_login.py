"""Signing in and out; where the token is, and where it is not."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from livepin.cli.api import Api
from livepin.cli.project_server import ServerProject
from livepin.errors import Conflict
from tests.cli.remote.server import EMAIL, Server
from tests.cli.shell import Shell
from tests.cli.test_commands import TREE, options_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
#: What the dashboard does when Alice types a code.
_APPROVE = (
    "from livepin.cli.installation import enter; enter(None); "
    "from livepin.server.actions import sign_ins; from livepin.server.actions.actor import Actor; "
    "from livepin.server.models import Account; sign_ins.{}(Actor(Account.objects.get()), {!r})"
)


def answer_code(server: Server, verb: str, code: str) -> None:
    command = [sys.executable, "-c", _APPROVE.format(verb, code)]
    done = subprocess.run(command, env=server.installation.environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def begin(stranger: Shell, server: Server) -> tuple[subprocess.Popen[str], str]:
    """`livepin login`, and the code that it shows."""
    process = subprocess.Popen(
        [sys.executable, "-m", "livepin", "login", server.url],
        cwd=stranger.directory,
        env=stranger.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert "/account/command-line/" in process.stderr.readline()
    shown = re.search(r"[B-Z]{4}-[B-Z]{4}", process.stderr.readline())
    assert shown is not None
    return process, shown[0]


def profile_file(shell: Shell) -> Path:
    return Path(shell.variables["XDG_CONFIG_HOME"]) / "livepin" / "profiles.toml"


def token_of(shell: Shell) -> str:
    found = re.search(r'token = "(lvp_[^"]+)"', profile_file(shell).read_text())
    assert found is not None
    return found[1]


def test_by_a_code_that_somebody_approves(stranger: Shell, server: Server) -> None:
    process, code = begin(stranger, server)
    answer_code(server, "approve", code)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert f"account  {EMAIL}" in out
    token = token_of(stranger)
    assert token not in out + err
    assert token not in server.installation.log.read_text()
    assert profile_file(stranger).stat().st_mode & 0o777 == 0o600
    # Signed out, the token is worth nothing, here and elsewhere.
    stranger.livepin("logout")
    assert token not in profile_file(stranger).read_text()
    assert server.installation.ask("/api/v1/me", Authorization=f"Bearer {token}").status == 401
    assert stranger.json("diff", "--project", "acme/x", status=4)["error"]["code"] == "signed_out"


def test_by_a_code_that_somebody_denies(stranger: Shell, server: Server) -> None:
    process, code = begin(stranger, server)
    answer_code(server, "deny", code)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, "[sign_in_ended]" in err) == (1, True)
    assert not profile_file(stranger).exists()


def test_by_the_code_of_an_operator_and_only_once(stranger: Shell, server: Server) -> None:
    code = server.link(f"accounts.sign_in_link({EMAIL!r})")
    done = stranger.livepin("login", server.url, "--with-token", input=f"{code}\n")
    assert code not in done.out + done.err
    assert stranger.json("profile", "list")["profiles"][0]["signed_in"] is True
    again = stranger.livepin("login", server.url, "--with-token", input=f"{code}\n", status=3)
    assert "[link_invalid]" in again.err
    assert code not in again.out + again.err
    stranger.livepin("logout", "--forget")
    assert stranger.json("profile", "list")["profiles"] == []


def test_a_pasted_token_is_not_shown(stranger: Shell, server: Server) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(stranger.directory)
        command = [sys.executable, "-m", "livepin", "login", server.url, "--with-token"]
        os.execve(sys.executable, command, stranger.environment())
    seen = b""
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:
            break
        if not part:
            break
        seen += part
        if part.rstrip().endswith(b"Token:"):
            time.sleep(0.2)  # until the terminal does not echo any more
            os.write(terminal, server.token.encode() + b"\n")
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, seen
    assert b"signed in" in seen
    assert server.token.encode() not in seen
    assert token_of(stranger) == server.token


@pytest.mark.parametrize("text", ["", "lvp_" + "x" * 49, "héllo", "lvp_a b"])
def test_what_is_no_token_is_refused_and_not_shown(stranger: Shell, server: Server, text: str) -> None:
    status = 4 if text.startswith("lvp_") else 3
    done = stranger.livepin("login", server.url, "--with-token", input=f"{text}\n", status=status)
    assert not text or text not in done.out + done.err
    assert not profile_file(stranger).exists()


def test_in_ci_nothing_is_kept(stranger: Shell, server: Server, remote: Shell) -> None:
    project = remote.variables["PROJECT"]
    profile_file(remote).unlink()
    stranger.variables |= {"LIVEPIN_SERVER": server.url, "LIVEPIN_TOKEN": server.token, "LIVEPIN_PROJECT": project}
    assert stranger.livepin("host", "list").out == "no hosts\n"
    assert not profile_file(stranger).exists()


def test_a_token_is_in_no_output_no_argument_and_no_log(remote: Shell, server: Server) -> None:
    for command in TREE.values():
        assert not {"--token", "--password"} & options_of(command)
    said = ""
    for arguments in (["host", "list"], ["profile", "list"], ["publish"], ["pull", "-C", "there"], ["check"]):
        for more in ([], ["--json"]):
            done = remote.line(f"LIVEPIN_DEBUG=1 livepin {' '.join([*arguments, *more])}")
            said += done.out
    assert server.token not in said
    assert server.token not in server.installation.log.read_text()
    for path in remote.directory.rglob("*"):
        if path.is_file():
            assert server.token.encode() not in path.read_bytes(), path


def test_two_editors_do_not_overwrite_each_other(remote: Shell, server: Server) -> None:
    organization, _, name = remote.variables["PROJECT"].partition("/")
    api = Api(server.url, server.token)
    bob, carol = (ServerProject(api, organization, name, remote.directory) for _ in range(2))
    bob.set_host("bob.example.com", {"action": "off"})
    carol.set_host("carol.example.com", {"action": "off"})
    carol.save()
    with pytest.raises(Conflict, match="draft_changed"):
        bob.save()
    assert [one["host"] for one in remote.json("host", "list")["hosts"]] == ["carol.example.com"]


def test_a_publish_that_waits_for_another_member_says_so(published: Shell, server: Server) -> None:
    name = published.variables["PROJECT"].partition("/")[2]
    server.ask("PATCH", f"/organizations/acme/projects/{name}", {"approvals_required": 2})
    done = published.json("publish", status=1)
    assert (done["ok"], done["state"]) == (True, "waiting")
    assert "it waits for another member's approval" in published.livepin("publish", status=1).out
