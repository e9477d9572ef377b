"""The drawer with everything that was signed, and the journal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from livepin.core.jws import PublicKey
from livepin.core.trust import Trust, verify_held
from livepin.errors import OriginFailed
from livepin.publish.places import document_url
from livepin.publish.revisions import Revisions
from livepin.testing.publisher import DocumentAuthority


def test_what_is_kept_comes_back_in_order(tmp_path: Path) -> None:
    authority, drawer = DocumentAuthority("acme", "shop"), Revisions(tmp_path / "revisions")
    trust = Trust("acme", "shop", (PublicKey.from_text(authority.public_key),))
    assert drawer.kept(trust) == []
    texts = {serial: authority.sign(serial=serial) for serial in (2, 10, 9)}
    for text in texts.values():
        drawer.keep(verify_held(text, trust))
    (drawer.directory / "0.3.jws").write_text("damaged")
    (drawer.directory / "0.4.jws").write_text(authority.by_unknown_key())
    assert [revision.serial for revision in drawer.kept(trust)] == [2, 9, 10]
    assert drawer.kept(trust)[2].text == texts[10]


def test_what_was_signed_is_never_overwritten(tmp_path: Path) -> None:
    authority, drawer = DocumentAuthority("acme", "shop"), Revisions(tmp_path)
    trust = Trust("acme", "shop", (PublicKey.from_text(authority.public_key),))
    drawer.keep(verify_held(authority.sign(), trust))
    with pytest.raises(OriginFailed):
        drawer.keep(verify_held(authority.forked(), trust))
    assert [path.name for path in tmp_path.iterdir()] == ["0.1.jws"]
    assert drawer.kept(trust)[0].text == authority.current


def test_the_journal_grows_and_nothing_else(tmp_path: Path) -> None:
    drawer = Revisions(tmp_path / "revisions")
    assert drawer.journal() == []
    for number in range(3):
        drawer.record({"what": "published", "serial": number, "reason": "Ü\n"})
    path = tmp_path / "revisions" / "journal.jsonl"
    assert [json.loads(line)["serial"] for line in path.read_text("utf-8").splitlines()] == [0, 1, 2]
    with path.open("a") as file:
        file.write('{"what": "publi')  # a crash
    assert [entry["serial"] for entry in drawer.journal()] == [0, 1, 2]


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "revisions").write_text("")
    with pytest.raises(OriginFailed):
        Revisions(tmp_path / "revisions").record({})


def test_where_a_document_is_found() -> None:
    assert (
        document_url("https://pins.example.com/x/", "acme", "shop") == "https://pins.example.com/x/acme/shop/pins.jws"
    )
    assert document_url("https://pins.example.com/my.jws", "acme", "shop") == "https://pins.example.com/my.jws"
