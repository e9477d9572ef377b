"""A project whose key the server has not got: it is signed here, and nothing but what was asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from livepin.author.signers.detached import TEST_TYP
from tests.cli.remote.conftest import HOST
from tests.cli.remote.mallory import between, with_payload
from tests.cli.remote.server import Server
from tests.cli.shell import PASSPHRASE, Shell

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SIGNER = ("--signer", "keys/signing.pem")


def test_it_is_signed_here_and_the_server_never_sees_the_key(own: Shell, server: Server) -> None:
    refused = own.json("publish", status=4)
    assert (refused["error"]["code"], refused["error"]["hint"]) == (
        "signature_elsewhere",
        "Name it with --signer PLACE.",
    )
    done = own.livepin("publish", *SIGNER)
    assert "published 0.1 of" in done.out
    assert "publish again by" in done.out
    assert f"… to sign: document of {own.variables['PROJECT']}, serial 1, which changes" in done.err
    assert f"… + {HOST}: action enforce" in done.err
    assert own.json("rollback", "1", *SIGNER)["serial"] == 2
    log = server.installation.log.read_text() + server.installation.out.read_text()
    assert PASSPHRASE not in log
    for path in server.installation.data.rglob("*"):
        if path.is_file():
            assert (own.directory / "keys" / "signing.pem").read_bytes() not in path.read_bytes()


def test_where_the_key_does_not_open_nothing_is_left_waiting(own: Shell, server: Server) -> None:
    refused = own.json("publish", *SIGNER, status=4, LIVEPIN_PASSPHRASE="wrong horse battery")
    assert refused["error"]["code"] == "passphrase_wrong"
    listed = server.ask("GET", f"/organizations/acme/projects/{own.variables['PROJECT'].partition('/')[2]}/publishes")
    assert [one["state"] for one in listed.json["items"]] == ["cancelled"]


def test_the_key_may_be_on_another_machine(own: Shell, server: Server) -> None:
    assert own.json("sign", "--import", "keys/signing.pub.pem", status=3)["error"]["code"] == "state_wrong"
    exported = own.json("sign", "--export", "there.input")
    assert exported["serial"] == 1
    # There: no server, no project.
    own.livepin("keys", "sign-input", "there.input", "--signer", "keys/signing.pem", "--yes", "--output", "back.jws")
    done = own.json("sign", "--import", "back.jws")
    assert (done["serial"], done["confirmed"]) == (1, True)
    assert own.json("show")["payload"]["hosts"][0]["host"] == HOST
    # One that signs something else is refused, and the publish still waits.
    own.livepin("deny", "add", "ab" * 32)
    own.livepin("sign", "--export", "there.input")
    assert own.json("sign", "--import", "back.jws", status=3)["error"]["code"] == "signature_refused"
    own.livepin("keys", "sign-input", "there.input", "--signer", "keys/signing.pem", "--yes", "--output", "back.jws")
    assert own.json("sign", "--import", "back.jws")["serial"] == 2


def _other_pin(said: dict[str, Any]) -> None:
    said["hosts"][0]["pins"][0]["spki_sha256"] = "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="


def _for_ever(said: dict[str, Any]) -> None:
    said["expires_at"] = said["issued_at"] + 10 * 365 * 86_400


def _prolonged(said: dict[str, Any]) -> None:
    said["extendable_until"] = said["issued_at"] + 10 * 365 * 86_400


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "another pin": (_other_pin, "something else than what was to be published"),
    "a host less": (lambda said: said["hosts"].clear(), "something else than what was to be published"),
    "another project": (lambda said: said.update(project="bank"), "another project's"),
    "for ever": (_for_ever, "longer than a document may"),
    "prolonged": (_prolonged, "prolong it further"),
    "tomorrow": (lambda said: said.update(issued_at=said["issued_at"] + 86_400), "not those of today"),
    "the last number": (lambda said: said.update(serial=2**53 - 1), "far above"),
    "no document": (lambda said: said.update(hosts="none"), "applications would refuse it"),
}


@pytest.mark.parametrize("what", [*CHANGES, "a test"])
def test_a_server_that_asks_for_another_signature_gets_none(own: Shell, server: Server, what: str) -> None:
    change, why = CHANGES.get(what, (lambda said: None, "no document"))

    def tamper(path: str, members: dict[str, Any]) -> None:
        if path.endswith("/signing-input"):
            typ = TEST_TYP if what == "a test" else ""
            members["signing_input"] = with_payload(members["signing_input"], change, typ)

    with between(server.url, tamper) as mallory:
        own.livepin("login", mallory.url, "--profile", "mallory", "--token-file", "../token")
        named = ("--server", "mallory", "--project", own.variables["PROJECT"])
        refused = own.json("publish", *SIGNER, *named, status=4)
    assert refused["error"]["code"] == "signature_refused"
    assert why in refused["error"]["message"]
    assert not [one for one in mallory.asked if one.endswith("/signature")]
    assert mallory.asked[-1].endswith("/cancel")
