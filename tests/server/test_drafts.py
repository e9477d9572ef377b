"""Editing a draft: who may, what is refused, and two editors at once."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from livepin.author.draft import HostEntry, PinEntry
from livepin.errors import Conflict, Forbidden, LimitReached, LivepinError, NotFound, ValueInvalid
from livepin.server.actions import drafts, hosts
from livepin.server.models import AuditEntry
from tests.server.world import World

DIGESTS = ["".join((letter * 42, "A=")) for letter in "ABCDEFGH"]


def host(pattern: str = "api.example.com", *digests: str) -> HostEntry:
    return HostEntry(pattern, "enforce", tuple(PinEntry("spki_sha256", one) for one in digests or DIGESTS[:2]))


def test_an_editor_adds_a_host_and_everybody_reads_it(world: World) -> None:
    hosts.put(world.actor("bob"), "acme", "shop", 1, host())
    draft, version = drafts.read(world.actor("carol"), "acme", "shop")
    assert draft.hosts == (host(),)
    assert version == 2


def test_a_pattern_is_kept_in_normal_form(world: World) -> None:
    hosts.put(world.actor("bob"), "acme", "shop", None, host("API.Bücher.example."))
    page = hosts.listed(world.actor("carol"), "acme", "shop")
    assert [one.host for one in page.hosts] == ["api.xn--bcher-kva.example"]


@pytest.mark.parametrize("name", ["carol"])
def test_who_only_reads_cannot_stage(world: World, name: str) -> None:
    with pytest.raises(Forbidden):
        hosts.put(world.actor(name), "acme", "shop", 1, host())


def test_a_stranger_is_told_that_there_is_nothing(world: World) -> None:
    with pytest.raises(NotFound):
        hosts.put(world.actor("mallory"), "acme", "shop", 1, host())
    with pytest.raises(NotFound):
        drafts.read(world.actor("mallory"), "acme", "shop")


def test_two_editors_cannot_overwrite_each_other(world: World) -> None:
    hosts.put(world.actor("bob"), "acme", "shop", 1, host())
    with pytest.raises(Conflict) as caught:
        hosts.put(world.actor("paul"), "acme", "shop", 1, host("www.example.com"))
    assert caught.value.code == "draft_changed"
    assert len(hosts.listed(world.actor("bob"), "acme", "shop").hosts) == 1


BAD: dict[str, HostEntry] = {
    "pattern": host("*.*.example.com"),
    "digest": host("api.example.com", "AAAA"),
    "action": HostEntry("api.example.com", "maybe"),
    "rollout": HostEntry("api.example.com", "enforce", rollout=101),
    "position": HostEntry("api.example.com", "enforce", (PinEntry("spki_sha256", DIGESTS[0], "root"),)),
    "member": HostEntry("api.example.com", "enforce", (PinEntry("md5", DIGESTS[0]),)),
    "twice": host("api.example.com", DIGESTS[0], DIGESTS[0]),
    "reason": HostEntry("api.example.com", "enforce", reason="two\nlines"),
    "place": HostEntry("api.example.com", "enforce", look_at=("a.example:99999",)),
    "ct": HostEntry("api.example.com", "enforce", ct={"action": "perhaps"}),
}


@pytest.mark.parametrize("fault", BAD)
def test_what_no_document_can_say_is_refused_and_nothing_changes(world: World, fault: str) -> None:
    with pytest.raises(ValueInvalid):
        hosts.put(world.actor("bob"), "acme", "shop", 1, BAD[fault])
    assert drafts.read(world.actor("bob"), "acme", "shop") == (drafts.draft_of(world.project), 1)


def test_pins_are_added_once_and_removed_by_a_part_of_their_digest(world: World) -> None:
    bob = world.actor("bob")
    hosts.put(bob, "acme", "shop", None, host())
    new = PinEntry("spki_sha256", DIGESTS[2], note="the third")
    hosts.add_pins(bob, "acme", "shop", None, "api.example.com", (new, PinEntry("spki_sha256", DIGESTS[0])))
    entry, _ = hosts.read(bob, "acme", "shop", "api.example.com")
    assert [pin.digest for pin in entry.pins or ()] == DIGESTS[:3]
    hosts.remove_pin(bob, "acme", "shop", None, "api.example.com", "CCCC")
    entry, _ = hosts.read(bob, "acme", "shop", "api.example.com")
    assert [pin.digest for pin in entry.pins or ()] == DIGESTS[:2]
    with pytest.raises(NotFound):
        hosts.remove_pin(bob, "acme", "shop", None, "api.example.com", "CCCC")
    with pytest.raises(Conflict):
        hosts.remove_pin(bob, "acme", "shop", None, "api.example.com", "")


def test_a_host_whose_last_pin_goes_has_no_pins_member_any_more(world: World) -> None:
    bob = world.actor("bob")
    hosts.put(bob, "acme", "shop", None, host("api.example.com", DIGESTS[0]))
    hosts.remove_pin(bob, "acme", "shop", None, "api.example.com", DIGESTS[0])
    assert hosts.read(bob, "acme", "shop", "api.example.com")[0].pins is None


def test_a_whole_draft_replaces_another_and_comes_back_as_it_went_in(world: World) -> None:
    bob = world.actor("bob")
    hosts.put(bob, "acme", "shop", None, host())
    before, version = drafts.read(bob, "acme", "shop")
    ct = {"action": "report", "policy": "chrome", "operators": ["us"]}
    entries = (
        HostEntry("**.example.org", "report", None, (DIGESTS[3],), 40, "allow", "legacy", ct, ("a.example.org:8443",)),
        HostEntry("b.example.org", "off"),
        HostEntry("c.example.org", "enforce", (PinEntry("cert_sha256", DIGESTS[0], "any", 5, 9, "n", "typed"),)),
    )
    after = type(before)("acme", "shop", 7, 60, "report", (DIGESTS[4],), entries)
    drafts.replace(bob, "acme", "shop", version, after)
    assert drafts.read(bob, "acme", "shop") == (after, version + 1)


def test_hosts_are_limited_and_pins_are_not(world: World) -> None:
    bob = world.actor("bob")
    world.organization.hosts_limit = 2
    world.organization.save(update_fields=["hosts_limit"])
    hosts.put(bob, "acme", "shop", None, host("a.example.com", *DIGESTS))
    hosts.put(bob, "acme", "shop", None, host("b.example.com", *DIGESTS))
    hosts.put(bob, "acme", "shop", None, host("b.example.com", *DIGESTS[:3]))
    with pytest.raises(LimitReached):
        hosts.put(bob, "acme", "shop", None, host("c.example.com"))


def test_reading_a_draft_takes_as_many_queries_for_one_host_as_for_many(world: World) -> None:
    bob = world.actor("bob")

    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            drafts.read(bob, "acme", "shop")
        return len(caught)

    hosts.put(bob, "acme", "shop", None, host("a0.example.com"))
    few = queries()
    for number in range(1, 30):
        hosts.put(bob, "acme", "shop", None, host(f"a{number}.example.com", *DIGESTS))
    assert queries() == few


def test_a_page_of_hosts_names_where_the_next_one_begins(world: World) -> None:
    bob = world.actor("bob")
    for name in "abcde":
        hosts.put(bob, "acme", "shop", None, host(f"{name}.example.com"))
    first = hosts.listed(bob, "acme", "shop", most=2)
    second = hosts.listed(bob, "acme", "shop", after=first.next, most=2)
    third = hosts.listed(bob, "acme", "shop", after=second.next, most=2)
    found = [one.host[0] for page in (first, second, third) for one in page.hosts]
    assert (found, third.next) == (list("abcde"), "")


def test_every_change_is_in_the_audit_trail_and_a_refused_one_is_not(world: World) -> None:
    before = AuditEntry.objects.filter(organization=world.organization).count()
    hosts.put(world.actor("bob"), "acme", "shop", None, host())
    with pytest.raises(LivepinError):
        hosts.put(world.actor("bob"), "acme", "shop", 1, host())
    entries = list(AuditEntry.objects.filter(organization=world.organization).order_by("number"))[before:]
    assert [(one.what, one.target, one.actor) for one in entries] == [
        ("host added", "api.example.com", f"account {world.accounts['bob'].id}")
    ]
