"""What waits on a server for somebody is seen, agreed to, tried again and called off from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.remote.conftest import HOST
from tests.cli.remote.server import Server
from tests.cli.shell import Shell

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def of_two(published: Shell, server: Server) -> Shell:
    """A project in which two people have to agree; Paul, who may publish, is signed in as `paul`."""
    path = f"/organizations/acme/projects/{published.variables['PROJECT'].partition('/')[2]}"
    server.ask("PATCH", path, {"approvals_required": 2})
    email = f"paul{server.projects}@example.com"
    token = server.account(email)
    server.join(token, email, "publisher")
    (published.directory.parent / "pauls").write_text(token)
    published.livepin("login", server.url, "--profile", "paul", "--token-file", "../pauls")
    published.livepin("profile", "use", "default")
    return published


def as_paul(shell: Shell) -> tuple[str, ...]:
    return ("--server", "paul", "--project", shell.variables["PROJECT"])


def test_two_people_agree_without_the_dashboard(of_two: Shell, server: Server) -> None:
    of_two.livepin("host", "set", "www.example.com", "--action", "off")
    assert of_two.json("publish", status=1)["state"] == "waiting"
    waiting, before = of_two.json("publishes", "list")["publishes"]
    assert [one["state"] for one in (waiting, before)] == ["waiting", "published"]
    line = of_two.livepin("publishes", "list").out.splitlines()[1]
    assert "waits for another member's approval" in line
    short = line.split()[0]
    assert of_two.json("publishes", "approve", short, status=4)["error"]["code"] == "forbidden"
    shown = of_two.livepin("publishes", "approve", short, "--dry-run", *as_paul(of_two))
    assert "+ www.example.com: action off\nwould approve it" in shown.out
    assert server.serial(of_two) == 1
    assert of_two.json("publishes", "approve", short, *as_paul(of_two))["serial"] == 2
    assert server.serial(of_two) == 2


def test_what_waits_is_called_off(of_two: Shell, server: Server) -> None:
    of_two.livepin("publish", status=1)
    number = of_two.json("publishes", "list")["publishes"][0]["id"]
    assert of_two.json("publishes", "cancel", number, "--dry-run")["dry_run"] is True
    assert of_two.json("publishes", "cancel", number)["publish"]["state"] == "cancelled"
    for act in ("approve", "cancel", "retry"):
        assert of_two.json("publishes", act, number, *as_paul(of_two), status=1)["error"]["code"] == "state_wrong"
    for text in ("nothing", ""):
        assert of_two.json("publishes", "cancel", text, status=3)["error"]["code"] == "entry_missing"


def test_what_failed_is_tried_again(published: Shell, server: Server, tmp_path: Path) -> None:
    """The origin's disk was full, or somebody took its folder away."""
    project = published.variables["PROJECT"]
    published.livepin("host", "set", HOST, "--action", "report")
    # Something that nobody put there takes the place of the next number: it is no document, and cannot be passed.
    folder = server.installation.data / "origin" / project
    blocked = [folder / f"0.{number}.jws" for number in range(2, 40)]
    for one in blocked:
        one.write_text("strange", "ascii")
    refused = published.json("publish", status=1)
    assert refused["error"]["code"] == "serial_taken"
    for one in blocked:
        one.unlink()
    [failed, _] = published.json("publishes", "list")["publishes"]
    assert (failed["state"], failed["problem"]["code"]) == ("failed", "serial_taken")
    assert published.json("publishes", "retry", failed["id"][:8])["serial"] >= 2
    assert server.serial(published) >= 2
