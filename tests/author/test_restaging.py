"""What was published comes back to a draft, and what documents do not say stays."""

from __future__ import annotations

from dataclasses import replace

from livepin.author import staging
from livepin.author.draft import Draft, HostEntry, PinEntry
from livepin.author.restaging import draft_from

A, B, C = ("".join((letter * 42, "A=")) for letter in "ABC")
PINS = (PinEntry("spki_sha256", A, note="from the safe", source="backup"), PinEntry("spki_sha256", B, "ca", 1, 2))
HOST = HostEntry("api.example.com", "enforce", PINS, look_at=("api.example.com:8443",), address="192.0.2.1:443")
RULE = {"action": "report", "policy": "chrome", "operators": ["google"]}
OTHERS = (
    HostEntry("*.example.com", "report", None, (A,), 30, "allow", "it is only a picture", RULE),
    HostEntry("www.example.com", "off", ()),
)
DRAFT = Draft("acme", "shop", 20, 60, "report", (C,), (HOST, *OTHERS), extendable_days=40)


def test_a_draft_that_was_published_comes_back_as_it_was() -> None:
    assert draft_from(staging.payload_of(DRAFT, 7, 1000), DRAFT, "0.7") == DRAFT


def test_everything_that_a_document_says_comes_back_where_the_draft_knew_nothing() -> None:
    empty = Draft("acme", "shop", 20, None, "allow", (), (), extendable_days=40)
    payload = staging.payload_of(DRAFT, 7, 1000)
    found = draft_from(payload, empty, "0.7")
    assert staging.payload_of(found, 7, 1000) == payload
    assert [pin.note for host in found.hosts for pin in host.pins or ()] == ["as published in 0.7"] * 2
    # G7 asks for a reason, and nobody but the document is there to give one.
    assert {host.host: host.reason for host in found.hosts if host.reason} == {"*.example.com": "as published in 0.7"}


def test_what_is_new_is_named_after_its_revision_and_what_was_known_keeps_its_note() -> None:
    elsewhere = replace(HOST, pins=(replace(PINS[0], note="", end=99), PinEntry("spki_sha256", C)), action="report")
    payload = staging.payload_of(replace(DRAFT, hosts=(elsewhere,), deny=(), life_days=1), 9, 1000)
    found = draft_from(payload, DRAFT, "0.9")
    (host,) = found.hosts
    assert host.pins == (replace(PINS[0], end=99), PinEntry("spki_sha256", C, note="as published in 0.9"))
    assert (host.action, host.look_at, host.address) == ("report", HOST.look_at, HOST.address)
    assert (found.deny, found.life_days, found.extendable_days) == ((), 20, 40)


def test_pins_that_match_nothing_are_left_out_and_their_host_is_not_let_loose() -> None:
    payload = staging.payload_of(replace(DRAFT, hosts=(HOST,)), 7, 1000)
    payload["hosts"][0]["pins"] = [{"spki_sha3": A}]
    (host,) = draft_from(payload, DRAFT, "0.7").hosts
    assert host.pins == ()


def test_the_default_is_written_in_one_way() -> None:
    payload = staging.payload_of(replace(DRAFT, refresh_after=None), 7, 1000)
    assert draft_from(payload | {"refresh_after": 600}, DRAFT, "0.7").refresh_after is None
    assert draft_from(payload, DRAFT, "0.7").refresh_after is None
