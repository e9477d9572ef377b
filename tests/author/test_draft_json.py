"""A draft goes into JSON and comes back the same; what is wrong in JSON is told with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from livepin.author.draft import Draft, HostEntry, PinEntry
from livepin.author.draft_json import draft_members, draft_of, host_entry, pin_entry
from livepin.errors import ValueInvalid

DIGEST = "A" * 43 + "="

DRAFT = Draft(
    "acme",
    "shop",
    7,
    60,
    "report",
    (DIGEST,),
    (
        HostEntry(
            "**.example.org",
            "report",
            (PinEntry("spki_sha256", DIGEST, "ca", 5, 9, "the old one", "typed"), PinEntry("cert_sha256", DIGEST)),
            (DIGEST,),
            40,
            "allow",
            "legacy devices",
            {"action": "report", "policy": "chrome", "operators": ["us"]},
            ("a.example.org:8443",),
            "192.0.2.1:443",
        ),
        HostEntry("b.example.org", "off"),
        HostEntry("c.example.org", "enforce", ()),
    ),
)


def test_a_draft_comes_back_from_json_as_it_went_in() -> None:
    assert draft_of(json.loads(json.dumps(draft_members(DRAFT)))) == DRAFT


def test_what_is_absent_has_its_default() -> None:
    assert host_entry({"host": "a.example", "action": "enforce"}) == HostEntry("a.example", "enforce")
    plain = Draft("acme", "shop", 30, None, "allow", (), ())
    assert draft_of({"organization": "acme", "project": "shop"}) == plain


BAD: dict[str, tuple[str, Any]] = {
    "hosts[1].action": ("hosts", [{"host": "a.example", "action": "off"}, {"host": "b.example", "action": "on"}]),
    "hosts[0].rolout": ("hosts", [{"host": "a.example", "action": "off", "rolout": 3}]),
    "hosts[0].rollout": ("hosts", [{"host": "a.example", "action": "off", "rollout": True}]),
    "hosts[0].host": ("hosts", [{"host": "A.example", "action": "off"}]),
    "hosts[0].pins[0]": ("hosts", [{"host": "a.example", "action": "off", "pins": [{"position": "leaf"}]}]),
    "hosts[0].pins[0].from": (
        "hosts",
        [{"host": "a.example", "action": "off", "pins": [{"spki_sha256": DIGEST, "from": "2027-01-01"}]}],
    ),
    "hosts[0].ct.policy": ("hosts", [{"host": "a.example", "action": "off", "ct": {"policy": "mine"}}]),
    "hosts": ("hosts", [{"host": "a.example", "action": "off"}] * 2),
    "life_days": ("life_days", 0),
    "refresh_after": ("refresh_after", 86_401),
    "unlisted": ("unlisted", "maybe"),
    "deny": ("deny", "all"),
    "organisation": ("organisation", "acme"),
}


@pytest.mark.parametrize("where", BAD)
def test_what_is_wrong_is_told_with_its_place(where: str) -> None:
    name, value = BAD[where]
    with pytest.raises(ValueInvalid) as caught:
        draft_of({"organization": "acme", "project": "shop", name: value})
    assert caught.value.where == where


def test_a_pin_holds_one_digest() -> None:
    with pytest.raises(ValueInvalid):
        pin_entry({"spki_sha256": DIGEST, "cert_sha256": DIGEST})
