"""The picture of what a project covers: spans, gaps, overlaps, and the same in characters."""

from __future__ import annotations

from typing import Any

from livepin.core.jws import PublicKey
from livepin.core.trust import Revision, Trust, verify_held
from livepin.testing import DocumentAuthority, HandTurnedClock, policy
from livepin.watch.timeline import DAY, Kind, SeenCertificate, Timeline, endings, text, timeline

NOW = 1_800_000_000
ONE, TWO = ("".join((letter * 42, "A=")) for letter in "AB")


def revision(*pins: dict[str, object], new_epoch: bool = False, **members: Any) -> Revision:
    owner = DocumentAuthority("acme", "shop", clock=HandTurnedClock(NOW))
    if new_epoch:
        owner.new_epoch()
    text = owner.sign([policy("a.example", *pins, **members), policy("off.example", ONE, action="off")])
    return verify_held(text, Trust("acme", "shop", (PublicKey.from_text(owner.public_key),)))


def pin(digest: str, **window: int) -> dict[str, object]:
    return {"spki_sha256": digest, **window}


def picture(published: Revision, *seen: SeenCertificate) -> Timeline:
    return timeline(NOW, published, seen, ["a.example", "off.example"])


def test_a_pin_without_end_leaves_no_gap() -> None:
    lane = picture(revision(pin(ONE))).lanes[-1]
    assert (lane.title, lane.gaps, lane.overlaps) == ("a.example", (), ())


def test_two_pins_overlap_while_both_are_active() -> None:
    lane = picture(revision(pin(ONE, until=NOW + 20 * DAY), pin(TWO, **{"from": NOW + 10 * DAY}))).lanes[-1]
    assert lane.overlaps == ((NOW + 10 * DAY, NOW + 20 * DAY),)
    assert lane.gaps == ()


def test_a_time_that_no_pin_covers_is_a_gap() -> None:
    shown = picture(revision(pin(ONE, until=NOW + 10 * DAY), pin(TWO, **{"from": NOW + 12 * DAY})))
    assert shown.lanes[-1].gaps == ((NOW + 10 * DAY, NOW + 12 * DAY),)


def test_an_empty_list_of_pins_is_one_long_gap() -> None:
    shown = picture(revision(pins=[]))
    assert shown.lanes[-1].gaps == ((shown.start, shown.end),)


def test_a_host_without_pins_has_no_gap_and_one_that_is_off_no_lane() -> None:
    shown = picture(revision(deny=[ONE]))
    assert [(lane.title, lane.gaps) for lane in shown.lanes] == [("Document", ()), ("a.example", ())]


def test_the_certificate_that_is_served_stands_above_its_pin() -> None:
    seen = SeenCertificate("a.example", ONE, "CN=a.example", NOW - 5 * DAY, NOW + 40 * DAY)
    lane = picture(revision(pin(ONE), pin(TWO)), seen, seen).lanes[-1]
    assert [(span.kind, span.note) for span in lane.spans] == [
        (Kind.CERTIFICATE, ""),
        (Kind.PIN, "served now"),
        (Kind.PIN, ""),
    ]


def test_a_key_set_has_a_lane_of_its_own() -> None:
    assert [lane.title for lane in picture(revision(pin(ONE), new_epoch=True)).lanes][:2] == ["Document", "Key set"]


def test_everything_that_ends_soon_is_inside_what_is_shown() -> None:
    far = NOW + 3000 * DAY
    shown = picture(revision(pin(ONE, until=far)))
    assert shown.start < NOW < NOW + 30 * DAY < shown.end < far


def test_the_same_in_characters() -> None:
    shown = picture(revision(pin(ONE, until=NOW + 10 * DAY), pin(TWO, **{"from": NOW + 12 * DAY})))
    lines = text(shown, 40).splitlines()
    assert [line.strip().split(" ")[0] for line in lines] == [
        "Document",
        "serial",
        "a.example",
        "spki_sha256",
        "spki_sha256",
        "no",
    ]
    bars = {line[line.index("|") - 2 :].rstrip() for line in lines if "|" in line}
    assert all("|" in bar for bar in bars)
    assert len({line.index("|") for line in lines if "|" in line}) == 1, "today is one line"
    assert "!" in lines[-1]


def test_what_ends_next_comes_first_and_what_never_ends_not_at_all() -> None:
    seen = SeenCertificate("a.example", ONE, "CN=a.example", NOW - DAY, NOW + 3 * DAY)
    shown = picture(revision(pin(ONE), pin(TWO, until=NOW + 2 * DAY)), seen)
    assert [(lane.title, span.kind, span.end) for lane, span in endings(shown, 2)] == [
        ("a.example", Kind.PIN, NOW + 2 * DAY),
        ("a.example", Kind.CERTIFICATE, NOW + 3 * DAY),
    ]
    assert len(endings(shown, 9)) == 3
