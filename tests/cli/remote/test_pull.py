"""A project goes to a server and comes back as files; an emergency is handled without the server."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from livepin.author.project import ProjectFile
from livepin.cli.desk import Desk
from livepin.cli.drills import thief
from livepin.core.base64s import b64
from tests.cli.conftest import Service
from tests.cli.remote.conftest import HOST
from tests.cli.remote.mallory import between
from tests.cli.remote.server import Server
from tests.cli.shell import PASSPHRASE, Shell

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
DENIED = "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="


def found(moved: Shell) -> None:
    """The server finds what was published without it, adopts it, and undoes it for nobody who has not seen it."""
    refused = moved.json("publish", "--signer", "keys/signing.pem", status=1, LIVEPIN_SERVER="default")
    assert refused["error"]["code"] == "superseded"


def test_the_numbers_go_on_wherever_it_is_published(moved: Shell, server: Server) -> None:
    assert server.serial(moved) == 1
    moved.livepin("deny", "add", DENIED, LIVEPIN_SERVER="default")
    found(moved)
    asked = moved.json("publish", "--signer", "keys/signing.pem", LIVEPIN_SERVER="default")
    assert (asked["epoch"], asked["serial"]) == (0, 2)  # the server found 0.1 and adopted it
    assert server.serial(moved) == 2
    # The emergency: the files are pulled, and publish without the server.
    moved.livepin("pull")
    moved.livepin("deny", "add", "cd" * 32, "--host", HOST)
    assert moved.json("publish")["serial"] == 3
    # The server is back: it adopts 0.3 instead of overwriting it, and what was pushed is what it publishes.
    moved.livepin("push")
    found(moved)
    asked = moved.json("publish", "--signer", "keys/signing.pem", LIVEPIN_SERVER="default")
    assert asked["serial"] == 4
    shown = moved.json("show", LIVEPIN_SERVER="default")
    assert shown["payload"]["deny"] == [DENIED]
    assert len(shown["payload"]["hosts"][0]["deny"]) == 1


def test_a_folder_is_made_that_can_publish(moved: Shell, server: Server, tmp_path: Path) -> None:
    folder = server.installation.data / "origin"
    target, key = tmp_path / "pulled", moved.directory / "keys" / "signing.pem"
    found(moved)
    moved.livepin("publish", "--signer", str(key), LIVEPIN_SERVER="default")
    moved.livepin("pull", "-C", str(target), "--signer", str(key), "--folder", str(folder))
    assert {path.name for path in target.iterdir()} == {"livepin.toml", "ca.pem", "revisions"}
    done = moved.json("publish", "-C", str(target))
    assert (done["serial"], done["confirmed"]) == (3, True)


def test_what_was_changed_here_is_not_thrown_away(moved: Shell) -> None:
    moved.livepin("deny", "add", DENIED)
    assert moved.json("pull", status=1)["error"]["code"] == "draft_unpushed"
    assert ProjectFile.open(moved.directory).read().deny == (DENIED,)
    before = moved.files()
    assert moved.json("pull", "--replace", "--dry-run")["dry_run"]
    assert moved.files() == before
    moved.livepin("pull", "--replace")
    assert ProjectFile.open(moved.directory).read().deny == ()


def test_what_was_changed_there_is_not_overwritten(moved: Shell) -> None:
    moved.livepin("deny", "add", DENIED, LIVEPIN_SERVER="default")
    moved.livepin("host", "set", "www.example.com", "--action", "off")
    refused = moved.json("push", status=1)
    assert refused["error"]["code"] == "draft_changed"
    shown = moved.json("push", "--replace", "--dry-run")
    assert {(one["what"], one["where"]) for one in shown["changes"]} == {
        ("added", "www.example.com"),
        ("removed", "deny"),
    }
    assert moved.json("deny", "list", LIVEPIN_SERVER="default")["deny"] != []
    moved.livepin("push", "--replace")
    assert moved.json("deny", "list", LIVEPIN_SERVER="default")["deny"] == []
    assert moved.json("push")["changes"] == []


def test_a_file_that_comes_from_elsewhere_overwrites_nothing(moved: Shell) -> None:
    path = moved.directory / "livepin.toml"
    path.write_text(re.sub(r"\[server\]\n(?:\w+ = .*\n)+", "", path.read_text()))
    assert ProjectFile.open(moved.directory).read().pulled is None
    moved.livepin("push")  # the two say the same, so there is nothing to overwrite
    path.write_text(re.sub(r"\[server\]\n(?:\w+ = .*\n)+", "", path.read_text()))
    moved.livepin("deny", "add", DENIED)
    assert moved.json("push", status=1)["error"]["code"] == "draft_unknown"


def test_where_the_server_alone_can_sign_that_is_said(published: Shell, tmp_path: Path) -> None:
    done = json.loads(published.livepin("pull", "-C", str(tmp_path / "pulled"), "--json").out)
    assert done["signs_here"] is False
    assert "the server alone can sign" in done["notes"][0]
    published.livepin("deny", "add", DENIED, "-C", str(tmp_path / "pulled"))
    refused = published.json("publish", "-C", str(tmp_path / "pulled"), status=4)
    assert refused["error"]["code"] == "signature_elsewhere"


def test_numbers_that_the_server_cannot_find_are_not_given_again(
    stranger: Shell, server: Server, service: Service
) -> None:
    stranger.livepin("init", "acme/nowhere", HOST, "--address", service.place, "--ca", str(service.ca))
    (stranger.directory.parent / "token").write_text(server.token)
    stranger.livepin("login", server.url, "--token-file", "../token")
    assert stranger.json("push", status=3)["error"]["code"] == "not_found"
    assert stranger.json("push", "--create", status=3)["error"]["code"] == "configuration_url_missing"
    assert stranger.json("push", status=3)["error"]["code"] == "not_found"


@pytest.fixture
def keyed(stranger: Shell, server: Server, service: Service) -> Shell:
    """A project with a key set that was moved to the server; it publishes to the folder that the server does."""
    server.projects += 1
    name = f"acme/keyed{server.projects}"
    (stranger.directory / "public").symlink_to(server.installation.data / "origin")
    where = ("--address", service.place, "--ca", str(service.ca), "--url", server.origin_url)
    stranger.livepin("init", name, HOST, *where, "--anchor", "../drawer/shop.pem")
    (stranger.directory.parent / "token").write_text(server.token)
    stranger.livepin("login", server.url, "--token-file", "../token", "--project", name)
    stranger.livepin("push", "--create")
    stranger.variables["PROJECT"] = name
    return stranger


def test_a_server_with_an_older_key_set_takes_no_revocation_back(keyed: Shell, server: Server) -> None:
    """It was restored from a backup, or is somebody else's by now."""
    keyed.livepin("keyset", "revoke", "signing", "--anchor", "../drawer/shop.pem")
    before = (keyed.directory / "keyset.jws").read_bytes()
    done = keyed.json("pull")
    assert "epoch 1, and epoch 2 is here" in done["notes"][0]
    assert (keyed.directory / "keyset.jws").read_bytes() == before
    assert keyed.json("publish")["epoch"] == 2


def test_a_server_that_is_somebody_elses_names_no_anchor_of_this_folder(keyed: Shell, server: Server) -> None:
    """Applications embed what they embed: a folder that was pulled into it learns nothing about that from a server."""
    found(keyed)  # so that there is a revision to lie about
    genuine = Desk.open(keyed.directory)
    stolen = thief.stolen(keyed.directory / "keys" / "signing.pem", PASSPHRASE)
    anchor, text = thief.own(), (server.installation.data / "origin" / keyed.variables["PROJECT"] / "pins.jws")
    his_keys = thief.key_set(text.read_text(), anchor, stolen, 9)
    his = thief.document(text.read_text(), stolen, "A" * 43 + "=", keys=[his_keys])

    def change(path: str, members: dict[str, Any]) -> None:
        if path.endswith("/keyset"):
            members |= {"anchors": [b64(anchor.public.spki)], "keys": [his_keys]}
        if path.endswith("/revisions/1/1"):
            members["text"] = his

    token = keyed.directory.parent / "token"
    with between(server.url, change) as mallory:
        keyed.livepin("login", mallory.url, "--profile", "mallory", "--token-file", str(token))
        done = keyed.json("pull", LIVEPIN_SERVER="mallory")
    assert [note.partition(":")[0] for note in done["notes"]] == [
        "the server's key set is not one that applications accept (threshold_unmet)",
        "the server names other anchors than this folder, whose stay",
    ]
    now = Desk.open(keyed.directory)
    assert now.trust.anchors == genuine.trust.anchors
    assert now.keyset == genuine.keyset
    assert not list((keyed.directory / "revisions").glob("9.*"))
    shutil.rmtree(keyed.directory / "keys")
    assert keyed.json("embed")["public_key"] == b64(next(iter(genuine.trust.anchors.values())).spki)


def test_a_key_set_that_was_signed_here_is_brought_to_the_server(moved: Shell, server: Server) -> None:
    there = ("--server", "default")
    moved.livepin("adopt", *there)
    for command in (("push", "--keyset"), ("keyset", "show", *there)):
        assert moved.json(*command, status=3)["error"]["code"] == "keyset_missing"
    moved.livepin("keyset", "new")
    assert moved.json("push", "--keyset", "--dry-run")["keyset"] == 1
    assert moved.json("keyset", "show", *there, status=3)["error"]["code"] == "keyset_missing"
    done = moved.livepin("push", "--keyset")
    assert "the key set of epoch 1 is in force there" in done.out
    assert "what is published is signed again under it" in done.err
    shown, here = moved.json("keyset", "show", *there), moved.json("keyset", "show")
    assert (shown["epoch"], shown["signing_keys"]) == (1, here["signing_keys"])
    # The anchor, which was the project's key, and the key that signs now.
    assert [one["kind"] for one in moved.json("keys", "list", *there)["keys"]] == ["own", "own"]
    assert moved.json("push", "--keyset")["keyset"] is None
    assert moved.json("publish", "--signer", "keys/signing-1.pem", *there)["epoch"] == 1
    assert moved.json("freshness", "show", *there)["epoch"] == 1
    assert moved.json("verify", f"{server.origin_url}{moved.variables['PROJECT']}/pins.jws")["epoch"] == 1
    # An older one does not come back.
    moved.livepin("keyset", "rotate", "--anchor", "keys/signing.pem", LIVEPIN_ANCHOR_PASSPHRASE=PASSPHRASE)
    old = (moved.directory / "keyset.jws").read_bytes()
    moved.livepin("push", "--keyset")
    moved.livepin("keyset", "rotate", "--anchor", "keys/signing.pem", LIVEPIN_ANCHOR_PASSPHRASE=PASSPHRASE)
    moved.livepin("push", "--keyset")
    (moved.directory / "keyset.jws").write_bytes(old)
    assert moved.json("push", "--keyset", status=1)["ok"] is False
    assert moved.json("keyset", "show", *there)["epoch"] == 3
