"""Editing hosts and pins in the dashboard, without a script."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from livepin.server.actions import drafts, hosts
from livepin.testing import CertificateAuthority
from tests.server.test_drafts import DIGESTS, host
from tests.server.world import World

HOSTS = "/o/acme/p/shop/hosts/"
PAGE = f"{HOSTS}api.example.com/"
POLICY = {"action": "report", "rollout": "25", "when_expired": "enforce", "ct_action": "off", "version": "2"}


@pytest.fixture
def staged(world: World) -> World:
    """A draft (version 2) with one host."""
    hosts.put(world.actor("bob"), "acme", "shop", 1, host())
    return world


def visit(world: World, name: str) -> Client:
    client = Client()
    client.force_login(world.accounts[name])
    return client


def entry(world: World) -> Any:
    return hosts.read(world.actor("bob"), "acme", "shop", "api.example.com")[0]


def test_an_editor_changes_a_policy_and_keeps_the_pins(staged: World) -> None:
    answer = visit(staged, "bob").post(PAGE, POLICY | {"ct_action": "report", "ct_operators": "us\n\nthem\n"})
    assert answer.status_code == 302
    changed = entry(staged)
    assert (changed.action, changed.rollout, changed.pins) == ("report", 25, host().pins)
    assert changed.ct == {"action": "report", "policy": "any", "operators": ["us", "them"]}


def test_somebody_who_was_slower_is_told_and_loses_nothing(staged: World) -> None:
    hosts.put(staged.actor("paul"), "acme", "shop", 2, host("other.example.com"))
    answer = visit(staged, "bob").post(PAGE, POLICY | {"rollout": "77"})
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "the draft has version 3, not 2" in page
    assert 'value="77"' in page
    assert entry(staged).rollout == 100


def test_a_fault_stands_beside_its_field(staged: World) -> None:
    page = visit(staged, "bob").post(PAGE, POLICY | {"rollout": "101", "action": "maybe"}).content.decode()
    assert "less than or equal to 100" in page
    assert "maybe" in page


def test_a_pin_is_added_by_certificate_by_digest_in_hexadecimal_and_by_file(staged: World) -> None:
    bob, issued = visit(staged, "bob"), CertificateAuthority().issue("api.example.com")
    form = {"version": "2", "member": "spki_sha256", "position": "leaf", "note": "the next one"}
    assert bob.post(f"{PAGE}pins/new/", form | {"pem": issued.chain_pem}).status_code == 302
    assert entry(staged).pins[-1].digest == issued.spki_sha256
    assert bob.post(f"{PAGE}pins/new/", form | {"version": "3", "digest": "0a" * 32}).status_code == 302
    page = bob.post(f"{PAGE}pins/new/", form | {"version": "4", "digest": "0a" * 32, "pem": "x"}).content.decode()
    assert "one of the three" in page
    page = bob.post(f"{PAGE}pins/new/", form | {"version": "4", "pem": "no certificate"}).content.decode()
    assert 'role="alert"' in page


def test_pins_and_hosts_are_removed_from_the_version_that_was_seen(staged: World) -> None:
    bob = visit(staged, "bob")
    assert bob.post(f"{PAGE}pins/remove/", {"version": "1", "digest": DIGESTS[0]}).status_code == 409
    assert bob.post(f"{PAGE}pins/remove/", {"version": "2", "digest": DIGESTS[0]}).status_code == 302
    assert [pin.digest for pin in entry(staged).pins] == DIGESTS[1:2]
    assert bob.get(f"{PAGE}remove/").status_code == 405
    assert bob.post(f"{PAGE}remove/", {"version": "3"}).status_code == 302
    assert hosts.listed(staged.actor("bob"), "acme", "shop").hosts == ()


def test_who_only_reads_sees_and_cannot_change(staged: World) -> None:
    carol = visit(staged, "carol")
    assert carol.get(PAGE).status_code == 200
    page = carol.post(PAGE, POLICY).content.decode()
    assert "right to stage" in page
    assert carol.post(f"{PAGE}remove/", {"version": "2"}).status_code == 403
    assert entry(staged) == host()


@pytest.mark.parametrize("path", [HOSTS, PAGE, f"{PAGE}pins/new/", "/o/acme/", "/o/acme/p/shop/"])
def test_a_stranger_sees_what_does_not_exist(staged: World, path: str) -> None:
    mallory = visit(staged, "mallory")
    assert mallory.get(path).status_code == 404
    absent = path.replace("acme", "nobody")
    same = mallory.get(path).content.decode().replace("acme", "nobody")
    assert mallory.get(absent).content.decode() == same


def test_a_visitor_is_asked_to_sign_in(staged: World) -> None:
    answer = Client().get(PAGE)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/account/login/?next={PAGE}")


def test_a_page_of_hosts_takes_as_many_queries_for_many_as_for_one(staged: World) -> None:
    bob = visit(staged, "bob")

    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            assert bob.get(HOSTS).status_code == 200
        return len(caught)

    queries()  # the first visit makes a session
    few = queries()
    for number in range(60):
        hosts.put(staged.actor("bob"), "acme", "shop", None, host(f"h{number:02}.example.com", *DIGESTS))
    assert queries() == few < 15
    page = bob.get(HOSTS).content.decode()
    assert "Next page" in page
    assert "h59" in bob.get(f"{HOSTS}?after=h40.example.com").content.decode()
    assert "h41" not in bob.get(f"{HOSTS}?like=H4&after=h48.example.com").content.decode()


def test_what_people_type_is_text_on_the_page(staged: World) -> None:
    nasty = "<script>alert(1)</script>"
    form = {"version": "2", "member": "spki_sha256", "position": "leaf", "digest": DIGESTS[4], "note": nasty}
    visit(staged, "bob").post(f"{PAGE}pins/new/", form)
    page = visit(staged, "carol").get(PAGE).content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert nasty not in page


def test_every_answer_carries_the_content_policy(staged: World) -> None:
    policy = visit(staged, "carol").get(PAGE).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_a_host_that_nothing_here_reaches_is_added_by_certificate_and_by_digest(world: World) -> None:
    bob, issued = visit(world, "bob"), CertificateAuthority().issue("api.example.com")
    first = {"pattern": "api.example.com", "place": "", "action": "enforce"}
    chosen = bob.post(f"{HOSTS}new/", first | {"blind": "1"}).content.decode()
    assert "paste, upload or type it" in chosen
    second = first | {"chosen": "1", "pem": issued.chain_pem, "digests": f"{'0a' * 32}\n\n{DIGESTS[2]}"}
    assert bob.post(f"{HOSTS}new/", second).headers["Location"] == "/o/acme/p/shop/draft/"
    pins = entry(world).pins
    assert [pin.digest for pin in pins] == [
        issued.spki_sha256,
        "CgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgo=",
        DIGESTS[2],
    ]


def test_a_wrong_digest_of_a_new_host_is_named_and_nothing_else_is_lost(world: World) -> None:
    form = {"pattern": "api.example.com", "place": "", "action": "enforce", "chosen": "1", "pin": f"leaf {DIGESTS[0]}"}
    page = visit(world, "bob").post(f"{HOSTS}new/", form | {"digests": "nonsense"}).content.decode()
    assert 'id="id_digests_error"' in page
    assert "nonsense</textarea>" in page
    assert DIGESTS[0] in page
    assert hosts.listed(world.actor("bob"), "acme", "shop").hosts == ()


SETTINGS = "/o/acme/p/shop/draft/settings/"
SHORT = {"life_days": "1", "extendable_days": "21", "refresh_after": "", "unlisted": "allow", "deny": ""}


def test_documents_may_be_short_lived_and_prolonged(staged: World) -> None:
    bob, read = visit(staged, "bob"), drafts.read
    assert "freshness statements" in bob.get(SETTINGS).content.decode()
    assert bob.post(SETTINGS, SHORT | {"version": "2"}).status_code == 302
    draft, _ = read(staged.actor("bob"), "acme", "shop")
    assert (draft.life_days, draft.extendable_days) == (1, 21)
    assert 'value="21"' in bob.get(SETTINGS).content.decode()
    page = bob.post(SETTINGS, SHORT | {"version": "3", "extendable_days": "4000"}).content.decode()
    assert "less than or equal to 3650" in page
    # Empty: it is not prolonged any more.
    assert bob.post(SETTINGS, SHORT | {"version": "3", "extendable_days": ""}).status_code == 302
    assert read(staged.actor("bob"), "acme", "shop")[0].extendable_days is None
