"""Every command where a project on a server is meant: it works, or says what to do."""

from __future__ import annotations

import shutil

import pytest

from tests.cli.conftest import Service
from tests.cli.remote.server import EMAIL, Server
from tests.cli.remote.table import REFUSED, WORKS
from tests.cli.shell import Shell
from tests.cli.test_commands import CT, TREE, options_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_every_command_works_on_the_project_or_says_what_to_do(
    published: Shell, server: Server, service: Service
) -> None:
    project = published.variables["PROJECT"]
    # A token of this test's own, because signing out ends it.
    secret = server.link(f"accounts.sign_in_link({EMAIL!r})")
    made = server.ask("POST", "/sign-ins/redeem", {"secret": secret, "client": "tests"})
    (published.directory.parent / "token").write_text(made.json["token"])
    published.livepin("login", "--token-file", "../token")
    places = {"$PLACE": service.place, "$CA": str(service.ca), "$PROJECT": project, "$EMAIL": EMAIL}
    places["$URL"] = f"{server.origin_url}{project}/pins.jws"
    public = published.directory / "signing.pub.pem"
    published.livepin("keys", "new", "signing")
    shutil.move(published.directory / "keys" / "signing.pub.pem", public)
    shutil.rmtree(published.directory / "keys")
    for name, (arguments, code, status) in REFUSED.items():
        before = published.files()
        error = published.json(*arguments, status=status)["error"]
        assert error["code"] == code, name
        assert error["hint"], name
        if code == "project_missing":
            assert "`livepin pull`" in error["hint"], name
        assert published.files() == before, name
    # Without a log table of the operator's nothing is said of CT.
    assert published.json(*filled(WORKS["ct check"][0], places), status=3)["error"]["code"] == "ct_logs_missing"
    CT.write(server.installation.data)
    try:
        for name, (arguments, status) in WORKS.items():
            given = filled(arguments, places)
            if "--dry-run" in options_of(TREE[name]):
                assert published.json(*given, "--dry-run")["dry_run"] is True, name
            answer = published.json(*given, status=status)
            assert answer["ok"] is True, name
            assert len(answer) > 1, name
    finally:
        (server.installation.data / "ct-logs.toml").unlink()


def filled(arguments: list[str], places: dict[str, str]) -> list[str]:
    """The arguments, with what is known only now."""
    found = []
    for one in arguments:
        for name, text in places.items():
            one = one.replace(name, text)
        found.append(one)
    return found
