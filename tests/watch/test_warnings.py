"""What people hear of before it ends: certificates of every life, documents, key sets, pins, CT."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from livepin.core.guard import DAY
from livepin.core.jws import PublicKey
from livepin.core.keyset import KeySet
from livepin.core.trust import Revision, Trust, verify_held
from livepin.testing.publisher import DocumentAuthority
from livepin.watch.warnings import Evidence, Kind, Seen, Stage, Warning, warnings

NOW = 1_800_000_000
HOUR = 3600
KEYS = ["A" * 42 + "A=", "B" * 42 + "A=", "C" * 42 + "A="]


def published(
    hosts: list[dict[str, Any]] | None = None, *, age: int = 0, life: int = 30 * DAY, **more: Any
) -> Revision:
    authority = DocumentAuthority("acme", "shop")
    given = {"hosts": hosts or [], "issued_at": NOW - age, "expires_at": NOW - age + life, **more}
    text = authority.sign(**given)
    return verify_held(text, Trust("acme", "shop", (PublicKey.from_text(authority.public_key),)))


def host(*pins: dict[str, Any], action: str = "enforce") -> dict[str, Any]:
    return {"host": "api.example.com", "action": action, "pins": list(pins)}


def pin(key: str = KEYS[0], **more: Any) -> dict[str, Any]:
    return {"spki_sha256": key, **more}


def certificate(left: int, life: int, key: str = KEYS[0]) -> dict[str, Any]:
    digests = {"spki_sha256": key, "cert_sha256": f"of {key}"}
    return {
        "subject": "CN=api",
        "names": [],
        "not_before": NOW + left - life,
        "not_after": NOW + left,
        "digests": digests,
    }


def seen(*chain: dict[str, Any], **more: Any) -> Seen:
    look = Seen("api.example.com", "api.example.com:443", "192.0.2.1:443", True, "", chain)
    return replace(look, **more)


def told(evidence: Evidence) -> list[tuple[Kind, Stage]]:
    return [(one.kind, one.stage) for one in warnings(evidence)]


def only(evidence: Evidence) -> Warning:
    (found,) = warnings(evidence)
    return found


#: Life of a certificate, and what is left of it when each stage begins (seconds).
LIVES = [
    (6 * DAY, 36 * HOUR, int(14.4 * HOUR)),
    (47 * DAY, 47 * DAY // 4, 47 * DAY // 10),
    (90 * DAY, 90 * DAY // 4, 7 * DAY),
    (398 * DAY, 30 * DAY, 7 * DAY),
]


@pytest.mark.parametrize(("life", "soon", "urgent"), LIVES)
def test_a_certificate_is_told_of_in_the_last_part_of_its_life(life: int, soon: int, urgent: int) -> None:
    def stage(left: int) -> Stage | None:
        found = warnings(Evidence(NOW, looks=(seen(certificate(left, life)),)))
        return found[0].stage if found else None

    assert stage(life) is None
    assert stage(soon + 1) is None
    assert stage(soon) is Stage.SOON
    assert stage(urgent + 1) is Stage.SOON
    assert stage(urgent) is Stage.URGENT
    assert stage(1) is Stage.URGENT
    assert stage(0) is Stage.OVER
    assert stage(-DAY) is Stage.OVER


@pytest.mark.parametrize("life", [life for life, *_ in LIVES])
def test_whoever_renews_in_time_hears_nothing(life: int) -> None:
    """Machines renew when a third is left, and short ones at half of their life."""
    assert told(Evidence(NOW, looks=(seen(certificate(life // 3, life)),))) == []


def test_a_warning_keeps_its_name_until_its_next_stage_or_another_certificate() -> None:
    def name(left: int, key: str = KEYS[0], **more: Any) -> str:
        return only(Evidence(NOW, looks=(seen(certificate(left, 90 * DAY, key), **more),))).id

    assert name(20 * DAY) == name(19 * DAY) == name(20 * DAY, address="192.0.2.2:443")
    assert len({name(20 * DAY), name(5 * DAY), name(-1), name(20 * DAY, KEYS[1])}) == 4


def test_many_addresses_with_one_certificate_are_one_warning() -> None:
    looks = tuple(seen(certificate(DAY, 90 * DAY), address=f"192.0.2.{number}:443") for number in range(9))
    assert told(Evidence(NOW, looks=looks)) == [(Kind.CERTIFICATE, Stage.URGENT)]


def test_a_certificate_that_nobody_could_read_is_no_warning() -> None:
    strange = certificate(1, DAY) | {"not_before": None, "not_after": None}
    assert told(Evidence(NOW, looks=(seen(strange),))) == []


@pytest.mark.parametrize(
    ("age", "managed", "own"),
    [
        (14, None, None),
        (15, None, Stage.SOON),
        (19, None, Stage.SOON),
        (20, Stage.SOON, Stage.SOON),
        (25, Stage.URGENT, Stage.URGENT),
        (30, Stage.OVER, Stage.OVER),
    ],
)
def test_a_document_that_was_not_signed_again(age: int, managed: Stage | None, own: Stage | None) -> None:
    for own_key, expected in ((False, managed), (True, own)):
        found = told(Evidence(NOW, published(age=age * DAY), own_key=own_key))
        assert found == ([] if expected is None else [(Kind.DOCUMENT, expected)])


@pytest.mark.parametrize(("age", "stage"), [(119, None), (120, Stage.SOON), (150, Stage.URGENT), (180, Stage.OVER)])
def test_a_key_set_is_told_of_from_two_thirds_of_its_life_on(age: int, stage: Stage | None) -> None:
    start = NOW - age * DAY
    keyset = KeySet("acme", "shop", 3, start, start + 180 * DAY, {}, {}, frozenset(), "digest")
    assert told(Evidence(NOW, keyset=keyset)) == ([] if stage is None else [(Kind.KEY_SET, stage)])


@pytest.mark.parametrize(
    ("until", "stage"), [(31 * DAY, None), (29 * DAY, Stage.SOON), (7 * DAY, Stage.URGENT), (0, Stage.OVER)]
)
def test_a_host_that_will_have_no_active_pin(until: int, stage: Stage | None) -> None:
    pins = (pin(until=NOW + until), pin(KEYS[1], until=NOW - 1))
    found = told(Evidence(NOW, published([host(*pins)])))
    assert found == ([] if stage is None else [(Kind.PINS, stage)])
    assert told(Evidence(NOW, published([host(*pins, pin(KEYS[2], **{"from": NOW + until}))]))) == []
    reported = told(Evidence(NOW, published([host(*pins, action="report")])))
    assert reported == ([] if stage is None else [(Kind.PINS, Stage.SOON)])


FINE = certificate(80 * DAY, 90 * DAY)


def test_a_key_that_no_pin_matches() -> None:
    for action, stage in (("enforce", Stage.OVER), ("report", Stage.SOON)):
        revision = published([host(pin(KEYS[1]), action=action)])
        assert told(Evidence(NOW, revision, looks=(seen(FINE),))) == [(Kind.MISMATCH, stage)]
    assert told(Evidence(NOW, published([host(pin(KEYS[1]), action="off")]), looks=(seen(FINE),))) == []
    assert told(Evidence(NOW, published([host(pin())]), looks=(seen(FINE),))) == []


def test_pins_match_at_their_position_as_they_do_for_applications() -> None:
    chain = seen(FINE, certificate(900 * DAY, 1000 * DAY, KEYS[1]))

    def matches(key: str, position: str, look: Seen = chain) -> bool:
        found = told(Evidence(NOW, published([host(pin(key, position=position))]), looks=(look,)))
        return (Kind.MISMATCH, Stage.OVER) not in found

    assert matches(KEYS[0], "leaf")
    assert matches(KEYS[1], "ca")
    assert matches(KEYS[1], "any")
    assert not matches(KEYS[1], "leaf")
    assert not matches(KEYS[0], "ca")
    unvalidated = replace(chain, validated=False, problem="expired")
    assert matches(KEYS[0], "leaf", unvalidated)
    assert not matches(KEYS[1], "ca", unvalidated)
    assert not matches(KEYS[1], "any", unvalidated)


def test_a_pin_whose_window_is_not_open_does_not_match() -> None:
    later = {"spki_sha256": KEYS[0], "from": NOW + DAY}
    revision = published([host(later, pin(KEYS[1]))])
    assert told(Evidence(NOW, revision, looks=(seen(FINE),))) == [(Kind.MISMATCH, Stage.OVER)]


def test_what_was_not_reached_and_what_does_not_validate() -> None:
    revision = published([host(pin())])
    nothing = seen(address="-", problem="timed out", validated=False)
    assert told(Evidence(NOW, revision, looks=(nothing,))) == [(Kind.UNREACHABLE, Stage.SOON)]
    untrusted = seen(FINE, validated=False, problem="unable to get local issuer certificate")
    assert told(Evidence(NOW, revision, looks=(untrusted,))) == [(Kind.INVALID, Stage.SOON)]
    # Of what is not published, only certificates are told of.
    assert told(Evidence(NOW, looks=(nothing, untrusted))) == []


def logs(age: int) -> dict[str, Any]:
    return {"ct_logs": {"issued_at": NOW - age * DAY, "logs": []}}


@pytest.mark.parametrize(("age", "stage"), [(49, None), (50, Stage.SOON), (63, Stage.URGENT), (71, Stage.OVER)])
def test_a_list_of_logs_grows_old(age: int, stage: Stage | None) -> None:
    asking = host(pin()) | {"ct": {"action": "report"}}
    found = told(Evidence(NOW, published([asking], **logs(age))))
    assert found == ([] if stage is None else [(Kind.CT, stage)])
    assert told(Evidence(NOW, published([host(pin())], **logs(age)))) == [], "nobody asks for CT"


def test_a_rule_that_will_break_keeps_its_name_from_day_to_day() -> None:
    def name(date: str) -> str:
        return only(Evidence(NOW, rules=(("a.example", f"if they end on {date}, find no log", "Do."),))).id

    assert name("2027-01-01") == name("2027-01-02")


def test_the_most_pressing_comes_first() -> None:
    looks = (
        seen(certificate(20 * DAY, 90 * DAY), name="a:443"),
        seen(certificate(-1, 90 * DAY), name="b:443"),
        seen(certificate(3 * DAY, 90 * DAY), name="c:443"),
        seen(certificate(2 * DAY, 90 * DAY), name="d:443"),
    )
    found = warnings(Evidence(NOW, looks=looks))
    assert [one.message.split(":")[0] for one in found] == ["b", "d", "c", "a"]
    assert "2 days" in found[1].message
