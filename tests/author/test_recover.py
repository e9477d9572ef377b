"""From a document back to a project file: everything that applications obey survives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from livepin.author import edit, staging
from livepin.author.ct_logs import Operator, Review, Source, log_id
from livepin.author.recover import recover, unseen
from livepin.core.base64s import b64
from livepin.core.jws import PublicKey
from livepin.core.trust import Revision, Trust, verify_held
from livepin.testing.ct_log import CtLog
from livepin.testing.publisher import DocumentAuthority
from tests.author.test_project import DIGEST, project_file

NOW = 1_800_000_000
OTHER = DIGEST.replace("q", "r")
AUTHORITY = DocumentAuthority("acme", "shop")
KEY = PublicKey.from_text(AUTHORITY.public_key)
SETTINGS: dict[str, dict[str, Any]] = {
    "publish": {"folder": "public"},
    "key": edit.key_members("keys/signing.pem", KEY),
}


def revision(payload: dict[str, Any]) -> Revision:
    hosts = payload.pop("hosts")
    return verify_held(AUTHORITY.sign(hosts, **payload), Trust("acme", "shop", (KEY,)))


def test_a_document_of_everything_comes_back_whole(tmp_path: Path) -> None:
    """The project file of the reference, with every member there is: document, file, and the same document again."""
    before = staging.payload_of(project_file(tmp_path).read(), 7, NOW)
    signed = revision(dict(before))
    (tmp_path / "new").mkdir()
    made = recover(tmp_path / "new", signed, SETTINGS)
    assert made.lost == ()
    project = made.file.save()
    assert staging.same_content(staging.payload_of(project, 8, NOW), before)
    assert (project.organization, project.project, project.life_days) == ("acme", "shop", 60)


def test_defaults_that_another_author_wrote_down_or_left_out_are_no_difference(tmp_path: Path) -> None:
    hosts = [
        {"host": "a.example.com", "action": "enforce", "pins": [{"spki_sha256": DIGEST}], "rollout": 100, "deny": []},
        {"host": "b.example.com", "action": "off", "when_expired": "enforce", "ct": {"action": "off"}},
    ]
    made = recover(tmp_path, revision({"hosts": hosts, "refresh_after": 600, "unlisted": "allow"}), SETTINGS)
    assert made.lost == ()


def test_how_far_statements_prolong_it_comes_back_in_whole_days(tmp_path: Path) -> None:
    members = {"hosts": [], "issued_at": NOW, "expires_at": NOW + 6 * 3600, "extendable_until": NOW + 20 * 86400 + 1}
    project = recover(tmp_path, revision(members), SETTINGS).file.read()
    assert (project.life_days, project.extendable_days) == (1, 21)


def test_windows_and_an_empty_list_of_pins(tmp_path: Path) -> None:
    pins = [{"spki_sha256": DIGEST, "from": NOW, "until": NOW + 5}, {"cert_sha256": OTHER, "position": "any"}]
    hosts = [
        {"host": "a.example.com", "action": "report", "pins": pins},
        {"host": "b.example.com", "action": "enforce", "pins": []},
    ]
    made = recover(tmp_path, revision({"hosts": hosts}), SETTINGS)
    assert made.lost == ()
    first, second = made.file.read().hosts
    assert first.pins is not None
    assert [(one.start, one.end) for one in first.pins] == [(NOW, NOW + 5), (None, None)]
    assert second.pins == ()


def test_what_a_project_file_has_no_words_for_is_told(tmp_path: Path) -> None:
    hosts = [
        {"host": "a.example.com", "action": "enforce", "colour": "red", "pins": [{"spki_sha256": DIGEST}, {"new": 1}]},
        {"host": "b.example.com", "action": "enforce", "pins": [{"new": 1}]},
    ]
    made = recover(tmp_path, revision({"hosts": hosts, "later": 5}), SETTINGS)
    lost = {"later", "a.example.com colour", "a.example.com pins", "b.example.com pins"}
    assert {one.where for one in made.lost} == lost
    # What nobody here knows matches nothing; it must not become a policy that asks for nothing.
    assert made.file.read().hosts[1].pins == ()


def test_why_a_policy_lets_expire_is_asked_for_by_the_guard_and_given(tmp_path: Path) -> None:
    hosts = [{"host": "a.example.com", "action": "enforce", "when_expired": "allow", "pins": [{"spki_sha256": DIGEST}]}]
    project = recover(tmp_path, revision({"hosts": hosts, "serial": 4}), SETTINGS).file.read()
    assert project.hosts[0].reason == "as published in 0.4"


def test_the_logs_that_the_document_carries_become_the_log_table(tmp_path: Path) -> None:
    logs = [CtLog("Alpha"), CtLog("Beta")]
    entries = [
        {**_entry(logs[0]), "state": "usable", "until": NOW + 9},
        {**_entry(logs[1]), "state": "retired", "retired_at": 5},
        {**_entry(CtLog("Gamma")), "kind": "of the future"},
        {**_entry(CtLog("Delta")), "state": "unheard of"},
    ]
    rule = {"action": "report", "policy": "any"}
    host = {"host": "a.example.com", "action": "enforce", "pins": [{"spki_sha256": DIGEST}], "ct": rule}
    made = recover(tmp_path, revision({"hosts": [host], "ct_logs": {"issued_at": NOW, "logs": entries}}), SETTINGS)
    assert made.logs is not None
    table = made.logs.save()
    assert {one.id for one in table.logs} == {one["id"] for one in entries[:2]}
    assert table.reviews == (Review(Source.HAND, NOW),)
    assert table.operators == (Operator("alpha"), Operator("beta"))


def _entry(log: CtLog) -> dict[str, Any]:
    return {
        "id": log_id(log.key_der),
        "key": b64(log.key_der),
        "operator": log.operator.lower(),
        "kind": "rfc6962",
        "state": "usable",
    }


def test_wildcards_need_somebody_who_knows_their_hosts() -> None:
    hosts = [("*.a.example", "enforce"), ("**.b.example", "off"), ("c.example", "enforce")]
    assert unseen({"hosts": [{"host": host, "action": action} for host, action in hosts]}) == ["*.a.example"]


def test_nothing_is_written_by_looking(tmp_path: Path) -> None:
    recover(tmp_path, revision({"hosts": []}), SETTINGS)
    assert list(tmp_path.iterdir()) == []
