from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from livepin.core.jws import PublicKey
from livepin.core.trust import Revision, Trust, verify, verify_held
from livepin.errors import DocumentRefused
from livepin.testing import Cast, DocumentAuthority, HandTurnedClock, SigningKey, policy, sign_jws
from livepin.testing.signing_key import Algorithm

HOSTS = [policy("api.example.com", "A" * 43 + "=")]
OTHER_HOSTS = [policy("other.example.com", "A" * 43 + "=")]


@pytest.fixture
def clock() -> HandTurnedClock:
    return HandTurnedClock()


@pytest.fixture(params=[0, 1], ids=["signed-by-anchor", "with-key-set"])
def authority(request: pytest.FixtureRequest, clock: HandTurnedClock) -> DocumentAuthority:
    """An authority that has published twice, with and without a key set."""
    authority = DocumentAuthority(clock=clock)
    if request.param:
        authority.new_epoch()
    authority.sign(HOSTS)
    clock.advance(60)
    authority.next()
    return authority


def trust(authority: DocumentAuthority) -> Trust:
    anchors = tuple(map(PublicKey.from_text, authority.public_keys))
    return Trust(authority.organization, authority.project, anchors, authority.threshold)


def held(authority: DocumentAuthority) -> Revision:
    return verify_held(authority.current, trust(authority))


def segment(text: str, number: int) -> dict[str, Any]:
    encoded = text.split(".")[number]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    return decoded


def header(text: str) -> dict[str, Any]:
    return segment(text, 0)


def payload(text: str) -> dict[str, Any]:
    return segment(text, 1)


def refusal(authority: DocumentAuthority, clock: HandTurnedClock, text: str) -> tuple[str, str]:
    """Step and code with which an installation that holds the current document refuses `text`."""
    with pytest.raises(DocumentRefused) as caught:
        verify(text, trust(authority), clock.now(), held(authority))
    return caught.value.step, caught.value.code


# ---------------------------------------------------------------- honest


@pytest.mark.parametrize("anchor_alg", ["ES256", "EdDSA"])
@pytest.mark.parametrize("signing_alg", [None, "ES256", "EdDSA"])
def test_what_an_authority_signs_is_accepted(anchor_alg: Algorithm, signing_alg: Algorithm | None) -> None:
    clock = HandTurnedClock()
    authority = DocumentAuthority(anchors=[SigningKey.generate(anchor_alg)], clock=clock)
    if signing_alg:
        authority.new_epoch(signing_keys=[SigningKey.generate(signing_alg)])
    arrival = verify(authority.sign(HOSTS), trust(authority), clock.now())
    assert (arrival.fresh, arrival.adopted) == (True, True)
    assert arrival.revision.number == (1 if signing_alg else 0, 1)
    assert list(arrival.revision.document.hosts) == ["api.example.com"]


def test_the_next_document_has_the_next_serial_the_time_now_and_what_was_there_before(clock: HandTurnedClock) -> None:
    authority = DocumentAuthority(clock=clock)
    first = payload(authority.sign(HOSTS, serial=7, unlisted="report", refresh_after=60))
    clock.advance(100)
    second = payload(authority.next())
    assert second == {
        **first,
        "serial": 8,
        "issued_at": first["issued_at"] + 100,
        "expires_at": first["expires_at"] + 100,
    }
    third = payload(authority.next(OTHER_HOSTS, unlisted="block"))
    assert (third["serial"], third["hosts"], third["unlisted"]) == (9, OTHER_HOSTS, "block")
    assert (authority.epoch, authority.serial) == (0, 9)


def test_every_member_can_be_given() -> None:
    text = DocumentAuthority().sign(HOSTS, serial=3, issued_at=1_000, expires_at=2_000, deny=["A" * 43 + "="])
    found = payload(text)
    assert (found["serial"], found["issued_at"], found["expires_at"], found["deny"]) == (
        3,
        1_000,
        2_000,
        ["A" * 43 + "="],
    )


def test_without_a_clock_a_document_is_issued_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1_234_567_890.9)
    assert payload(DocumentAuthority().sign())["issued_at"] == 1_234_567_890


def test_an_application_is_told_where_the_document_is() -> None:
    authority = DocumentAuthority("acme", "shop")
    authority.sign(HOSTS, serial=4)
    assert authority.pointer == "acme/shop/pins.jws"
    assert authority.immutable == "acme/shop/0.4.jws"
    assert PublicKey.from_text(authority.public_key) == authority.anchors[0].public


def test_a_new_epoch_goes_on_with_the_serial_and_replaces_the_signing_key(clock: HandTurnedClock) -> None:
    authority = DocumentAuthority(clock=clock)
    authority.sign(HOSTS)
    authority.new_epoch()
    key, first = authority.signing_key, authority.next()
    before = verify_held(first, trust(authority))
    authority.new_epoch(revoked=[key])
    after = verify(authority.next(), trust(authority), clock.now(), before).revision
    assert (before.number, after.number) == ((1, 2), (2, 3))
    assert after.keyset is not None
    assert after.keyset.revoked == {key.thumbprint}
    assert authority.signing_key.thumbprint in after.keyset.signing_keys


def test_applications_that_embed_different_anchors_read_the_same_document(clock: HandTurnedClock) -> None:
    old, new = SigningKey.generate(), SigningKey.generate("EdDSA")
    authority = DocumentAuthority(anchors=[old, new], clock=clock)
    authority.new_epoch()
    text = authority.sign(HOSTS)
    for anchor in (old, new):
        assert verify(text, Trust("acme", "shop", (anchor.public,)), clock.now()).adopted
    authority.new_epoch(revoked=[old])
    text = authority.next()
    assert verify(text, Trust("acme", "shop", (new.public,)), clock.now()).adopted
    with pytest.raises(DocumentRefused):
        verify(text, Trust("acme", "shop", (old.public,)), clock.now())
    assert isinstance(header(text)["keys"], str)  # the revoked anchor does not sign any more
    authority.new_epoch()
    found = verify(authority.next(), Trust("acme", "shop", (new.public,)), clock.now()).revision.keyset
    assert found is not None
    assert found.revoked == {old.thumbprint}  # and stays revoked: a key set replaces its predecessor whole


def test_a_threshold_starts_with_enough_anchors_and_a_key_set(clock: HandTurnedClock) -> None:
    authority = DocumentAuthority(threshold=2, clock=clock)
    assert len(authority.public_keys) == 2
    assert verify(authority.sign(HOSTS), trust(authority), clock.now()).revision.epoch == 1


def test_a_policy_is_written_as_in_a_document(cast: Cast) -> None:
    pin = {"cert_sha256": "A" * 43 + "=", "position": "any"}
    assert policy("api.example.com", cast.genuine, "B" * 43 + "=", pin, rollout=10) == {
        "host": "api.example.com",
        "action": "enforce",
        "rollout": 10,
        "pins": [{"spki_sha256": cast.genuine.spki_sha256, "position": "leaf"}, {"spki_sha256": "B" * 43 + "="}, pin],
    }
    assert policy("*.example.com", action="off") == {"host": "*.example.com", "action": "off"}


# ---------------------------------------------------------------- misbehaving


@pytest.mark.parametrize(
    ("behaviour", "answer"),
    [
        ("forked", ("V8", "forked")),
        ("rolled_back", ("V8", "rolled_back")),
        ("from_the_future", ("V7", "not_yet_valid")),
        ("wrong_audience", ("V6", "wrong_audience")),
        ("by_unknown_key", ("V3", "unknown_key")),
        ("by_impostor", ("V4", "bad_signature")),
        ("tampered", ("V4", "bad_signature")),
        ("by_revoked_key", ("V3", "key_revoked")),
        ("below_threshold", ("V3", "threshold_unmet")),
        ("under_expired_key_set", ("V3", "keyset_expired")),
    ],
)
def test_each_misbehaviour_is_refused_for_its_own_reason_and_leaves_no_trace(
    authority: DocumentAuthority, clock: HandTurnedClock, behaviour: str, answer: tuple[str, str]
) -> None:
    before = (authority.epoch, authority.serial, authority.current)
    assert refusal(authority, clock, getattr(authority, behaviour)()) == answer
    assert (authority.epoch, authority.serial, authority.current) == before
    assert verify(authority.next(), trust(authority), clock.now()).adopted


def test_below_threshold_lacks_exactly_one_anchor(clock: HandTurnedClock) -> None:
    authority = DocumentAuthority(threshold=3, clock=clock)
    authority.sign(HOSTS)
    text = authority.below_threshold()
    assert refusal(authority, clock, text) == ("V3", "threshold_unmet")
    lower = Trust("acme", "shop", tuple(anchor.public for anchor in authority.anchors), 2)
    assert verify(text, lower, clock.now()).adopted


def test_an_expired_document_is_genuine_but_not_adopted(authority: DocumentAuthority, clock: HandTurnedClock) -> None:
    arrival = verify(authority.expired(), trust(authority), clock.now(), held(authority))
    assert (arrival.fresh, arrival.adopted) == (False, False)


def test_a_forked_document_may_say_whatever_it_likes(authority: DocumentAuthority, clock: HandTurnedClock) -> None:
    text = authority.forked(OTHER_HOSTS)
    assert payload(text)["hosts"] == OTHER_HOSTS
    assert refusal(authority, clock, text) == ("V8", "forked")


def test_a_key_set_can_be_forked_too(clock: HandTurnedClock) -> None:
    authority = DocumentAuthority(clock=clock)
    authority.sign(HOSTS)
    with pytest.raises(ValueError, match="new_epoch"):
        authority.forked_key_set()
    authority.new_epoch()
    authority.next()
    assert refusal(authority, clock, authority.forked_key_set()) == ("V8", "forked")


def test_a_roll_back_replays_the_very_bytes_of_back_then(clock: HandTurnedClock) -> None:
    authority = DocumentAuthority(clock=clock)
    texts = [authority.sign(HOSTS), authority.next(), authority.next()]
    assert authority.rolled_back() == texts[1]
    assert authority.rolled_back(by=2) == texts[0]
    authority.new_epoch()
    authority.sign(HOSTS, serial=1)
    assert authority.rolled_back() == texts[2]
    assert refusal(authority, clock, texts[2]) == ("V8", "rolled_back")


def test_a_roll_back_is_made_up_where_nothing_lower_was_signed(clock: HandTurnedClock) -> None:
    authority = DocumentAuthority(clock=clock)
    authority.sign(HOSTS, serial=5)
    assert payload(authority.rolled_back(by=3))["serial"] == 2
    assert refusal(authority, clock, authority.rolled_back()) == ("V8", "rolled_back")
    with pytest.raises(ValueError, match=r"next\(\)"):
        authority.rolled_back(by=5)


def test_a_document_for_the_same_project_of_another_organization(clock: HandTurnedClock) -> None:
    authority = DocumentAuthority(clock=clock)
    authority.sign(HOSTS)
    found = payload(authority.wrong_audience("globex", "shop"))
    assert (found["organization"], found["project"]) == ("globex", "shop")


def test_misbehaviour_needs_an_honest_document_first() -> None:
    authority = DocumentAuthority()
    for call in (authority.next, authority.forked, authority.tampered, authority.rolled_back):
        with pytest.raises(ValueError, match="call"):
            call()
    with pytest.raises(ValueError, match="nothing signed"):
        _ = authority.current


# ---------------------------------------------------------------- by hand


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
def test_any_payload_can_be_signed_with_any_header(alg: Algorithm) -> None:
    key = SigningKey.generate(alg)
    anchors = Trust("acme", "shop", (key.public,))
    for text, code in (
        (sign_jws(b"not JSON", key), "payload_invalid"),
        (sign_jws({"format": 1}, key, header={"extra": 1}), "header_invalid"),
        (sign_jws({"format": 1}, key, typ="JWT"), "header_invalid"),
        (sign_jws({"format": 1}, key, header={"alg": "none"}), "algorithm_refused"),
        (sign_jws({"format": 1}, key, kid="somebody"), "unknown_key"),
    ):
        with pytest.raises(DocumentRefused) as caught:
            verify(text, anchors, 0)
        assert caught.value.code == code


def test_a_signing_key_can_be_kept_as_pem_and_does_not_show_itself() -> None:
    key = SigningKey.generate()
    assert key.pem.startswith("-----BEGIN PRIVATE KEY-----")
    assert repr(key) == f"SigningKey(ES256 {key.thumbprint})"
    assert (key.alg, SigningKey.generate("EdDSA").alg) == ("ES256", "EdDSA")
