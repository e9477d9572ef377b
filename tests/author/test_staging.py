"""From project file to payload, and what would change by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from livepin.author import staging
from livepin.author.staging import Change, diff
from livepin.core.document import Document
from livepin.core.jws import PublicKey
from livepin.core.trust import Trust, verify_held
from livepin.errors import DocumentRefused, PublishRefused
from livepin.testing.publisher import DocumentAuthority
from tests.author.test_project import DIGEST, GOOD, project_file

NOW = 1_795_000_000


def test_the_payload_says_what_the_file_says(tmp_path: Path) -> None:
    payload = staging.payload_of(project_file(tmp_path).read(), 7, NOW)
    assert payload == {
        "format": 1,
        "organization": "acme",
        "project": "shop",
        "serial": 7,
        "issued_at": NOW,
        "expires_at": NOW + 60 * 86400,
        "refresh_after": 300,
        "unlisted": "report",
        "deny": [DIGEST],
        "hosts": [
            {
                "host": "api.example.com",
                "action": "enforce",
                "pins": [{"spki_sha256": DIGEST, "position": "any", "from": 1795431600, "until": 1801353600}],
                "deny": [DIGEST],
                "rollout": 50,
                "when_expired": "allow",
                "ct": {"action": "report", "policy": "chrome", "operators": ["Example"], "logs": [DIGEST]},
            },
            {"host": "legacy.example.com", "action": "off"},
        ],
    }
    assert staging.reasons(project_file(tmp_path).read()) == {"api.example.com": "devices without a clock"}


def test_statements_may_prolong_it_for_as_long_as_the_file_says_and_again_after_a_roll_back(tmp_path: Path) -> None:
    text = GOOD.replace("life_days = 60", "life_days = 1\nextendable_days = 21")
    project = project_file(tmp_path, text).read()
    assert project.extendable_days == 21
    payload = staging.payload_of(project, 7, NOW)
    assert (payload["expires_at"], payload["extendable_until"]) == (NOW + 86400, NOW + 21 * 86400)
    again = staging.again(payload, 2, 8, NOW + 1000)
    assert (again["expires_at"], again["extendable_until"]) == (NOW + 1000 + 2 * 86400, NOW + 1000 + 21 * 86400)
    assert staging.same_content(payload, again)
    assert "extendable_until" not in staging.off_everywhere(payload)


def test_what_no_reader_would_accept_is_not_staged(tmp_path: Path) -> None:
    project = project_file(tmp_path, GOOD.replace(DIGEST, "AAAA")).read()
    with pytest.raises(DocumentRefused) as raised:
        staging.payload_of(project, 1, NOW)
    assert raised.value.code == "payload_invalid"


def test_the_next_serial_is_above_everything_that_is_held() -> None:
    authority = DocumentAuthority("acme", "shop")
    trust = Trust("acme", "shop", (PublicKey.from_text(authority.public_key),))
    held = [verify_held(authority.sign(serial=serial), trust) for serial in (4, 9, 2)]
    assert staging.next_serial(held, 0) == 10
    assert staging.next_serial([], 0) == 1


def test_serials_start_again_in_a_new_epoch_whatever_a_thief_has_published() -> None:
    authority = DocumentAuthority("acme", "shop")
    trust = Trust("acme", "shop", (PublicKey.from_text(authority.public_key),))
    authority.new_epoch()
    held = [verify_held(authority.sign(serial=2**53 - 1), trust)]
    assert staging.next_serial(held, 2) == 1
    with pytest.raises(PublishRefused) as raised:
        staging.next_serial(held, 1)
    assert raised.value.code == "serials_exhausted"


def test_old_content_under_a_new_serial(tmp_path: Path) -> None:
    project = project_file(tmp_path).read()
    old = staging.payload_of(project, 3, NOW - 1000)
    again = staging.again(old, project.life_days, 9, NOW)
    assert (again["serial"], again["issued_at"], again["expires_at"]) == (9, NOW, NOW + 60 * 86400)
    assert staging.same_content(old, again)
    assert old["serial"] == 3
    assert not staging.same_content(old, {**again, "unlisted": "block"})


PIN = {"spki_sha256": DIGEST, "position": "leaf"}


class TestDiff:
    def payload(self, *hosts: dict[str, Any], **members: Any) -> dict[str, Any]:
        known = {"format": 1, "organization": "acme", "project": "shop", "serial": 1, "issued_at": NOW}
        return Document.from_payload({**known, "expires_at": NOW + 1, "hosts": list(hosts), **members}).payload

    def test_a_first_publish_adds_its_hosts(self) -> None:
        host = {"host": "a.example", "action": "enforce", "pins": [PIN]}
        assert diff(None, self.payload(host)) == (Change("added", "a.example", after=host),)

    def test_numbers_and_dates_are_no_change(self) -> None:
        assert diff(self.payload(), self.payload(serial=2, issued_at=NOW + 5, expires_at=NOW + 9)) == ()

    def test_hosts_come_and_go(self) -> None:
        a, b = ({"host": name, "action": "off"} for name in ("a.example", "b.example"))
        assert diff(self.payload(a), self.payload(b)) == (
            Change("removed", "a.example", before=a),
            Change("added", "b.example", after=b),
        )

    def test_members_of_the_document(self) -> None:
        changes = diff(self.payload(unlisted="report"), self.payload(deny=[DIGEST], refresh_after=60))
        assert set(changes) == {
            Change("removed", "unlisted", before="report"),
            Change("added", "deny", after=DIGEST),
            Change("added", "refresh_after", after=60),
        }

    def test_a_pin_whose_window_changes_is_one_change(self) -> None:
        before = {"host": "a.example", "action": "enforce", "pins": [PIN]}
        after = {**before, "action": "report", "pins": [{**PIN, "until": NOW}, {**PIN, "position": "any"}]}
        assert diff(self.payload(before), self.payload(after)) == (
            Change("changed", "a.example action", "enforce", "report"),
            Change("changed", "a.example pins", PIN, {**PIN, "until": NOW}),
            Change("added", "a.example pins", after={**PIN, "position": "any"}),
        )

    def test_a_pin_of_an_unknown_kind_is_compared_whole(self) -> None:
        before, after = ({"host": "a.example", "action": "enforce", "pins": [{"dane": text}]} for text in "xy")
        found = diff(self.payload(before), self.payload(after))
        assert [one.what for one in found] == ["removed", "added"]
