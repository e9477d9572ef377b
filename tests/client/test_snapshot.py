"""Judging under one document: what may be remembered of it, for how long, and what there is without any document."""

from __future__ import annotations

import pytest

from livepin.client import snapshot as snapshots
from livepin.client.snapshot import Snapshot, WithoutDocument
from livepin.core.jws import PublicKey
from livepin.core.trust import Trust, verify_held
from livepin.core.verdict import Likely, Outcome
from livepin.testing import Cast, DocumentAuthority, HandTurnedClock, ServerCertificate, policy
from livepin.testing.clock import DEFAULT_NOW

NOW = DEFAULT_NOW


class Shown:
    """A peer that counts how often its chain was asked for: that is the slow part of a real one."""

    def __init__(
        self,
        certificate: ServerCertificate,
        host: str | None = "localhost",
        *,
        known: bool = True,
        validated: bool = True,
    ) -> None:
        self.host = host
        self.leaf = certificate.der
        self.validated = validated
        self.delivered = ()
        self.asked = 0
        self._chain = certificate.chain_der if validated else (certificate.der,)
        self._known = known

    def chain(self) -> tuple[bytes, ...] | None:
        self.asked += 1
        return self._chain if self._known else None


def under(*hosts: dict[str, object], seeded: bool = False, **members: object) -> Snapshot:
    """A snapshot of a document with these policies, signed at `NOW`."""
    documents = DocumentAuthority(clock=HandTurnedClock(NOW))
    text = documents.sign(hosts, **members)
    trust = Trust("acme", "shop", (PublicKey.from_text(documents.public_key),))
    return Snapshot(verify_held(text, trust), seeded, "0" * 32, WithoutDocument())


# ---------------------------------------------------------------- what is remembered


def test_a_leaf_that_was_seen_before_is_judged_without_its_chain(cast: Cast) -> None:
    snapshot = under(policy("localhost", cast.genuine))
    first, again = Shown(cast.genuine), Shown(cast.genuine)
    assert snapshot.judge(first, NOW).code == "matched"
    assert snapshot.judge(again, NOW) == snapshot.judge(first, NOW)
    assert (first.asked, again.asked) == (1, 0)


@pytest.mark.parametrize("member", ["ca pin", "deny", "document's deny"])
def test_where_the_chain_matters_it_is_always_asked_for(cast: Cast, member: str) -> None:
    intermediate, other = cast.genuine.chain_spki_sha256[1], cast.backup.spki_sha256
    snapshot = {
        "ca pin": lambda: under(policy("localhost", {"spki_sha256": intermediate, "position": "ca"})),
        "deny": lambda: under(policy("localhost", cast.genuine, deny=[other])),
        "document's deny": lambda: under(policy("localhost", cast.genuine), deny=[other]),
    }[member]()
    known, unknown = Shown(cast.genuine), Shown(cast.genuine, known=False)
    assert [snapshot.judge(known, NOW).code for _ in range(2)] == ["matched"] * 2
    assert known.asked == 2
    assert snapshot.judge(unknown, NOW).outcome is Outcome.BLOCKED, "a chain seen before is not this one's"


def test_a_match_at_one_host_is_not_remembered_for_another(cast: Cast) -> None:
    snapshot = under(policy("localhost", cast.genuine), policy("127.0.0.1", cast.backup))
    verdicts = [snapshot.judge(Shown(cast.genuine, host), NOW).code for host in ("localhost", "127.0.0.1") * 2]
    assert verdicts == ["matched", "pin_mismatch"] * 2


def test_a_verdict_on_a_validated_peer_is_not_remembered_for_another(cast: Cast) -> None:
    intermediate = {"spki_sha256": cast.genuine.chain_spki_sha256[1], "position": "any"}
    snapshot = under(policy("localhost", intermediate))
    peers = [Shown(cast.genuine, validated=validated) for validated in (True, False, True)]
    assert [snapshot.judge(peer, NOW).code for peer in peers] == ["matched", "pin_mismatch", "matched"]


def test_a_verdict_says_of_each_peer_whether_it_was_validated(cast: Cast) -> None:
    snapshot = under(policy("localhost", cast.genuine))
    peers = [Shown(cast.genuine, validated=validated) for validated in (True, False, True)]
    assert [snapshot.judge(peer, NOW).unvalidated for peer in peers] == [False, True, False]


def test_nothing_is_remembered_for_peers_without_a_name(cast: Cast) -> None:
    snapshot = under(policy("localhost", cast.genuine))
    nameless = Shown(cast.genuine, None)
    for _ in range(2):
        assert snapshot.judge(nameless, NOW).outcome is Outcome.ALLOWED
    assert nameless.asked == 2


def test_another_revision_remembers_nothing_of_the_one_before(cast: Cast) -> None:
    old, new = under(policy("localhost", cast.genuine)), under(policy("localhost", cast.backup))
    assert old.judge(Shown(cast.genuine), NOW).code == "matched"
    assert new.revision is not None
    after = old.with_revision(new.revision, seeded=False)
    assert after.judge(Shown(cast.genuine), NOW).code == "pin_mismatch"
    assert old.judge(Shown(cast.genuine), NOW).code == "matched", "a snapshot never changes"


@pytest.mark.parametrize(
    ("moment", "code"),
    [(-1, "pin_mismatch"), (0, "pin_mismatch"), (100, "matched"), (199, "matched"), (200, "pin_mismatch")],
)
def test_a_window_opens_and_closes_in_whatever_order_it_is_asked(cast: Cast, moment: int, code: str) -> None:
    window = {**cast.genuine.pin(), "from": int(NOW) + 100, "until": int(NOW) + 200}
    snapshot = under(policy("localhost", window))
    for before in (0, 150, 250):
        snapshot.judge(Shown(cast.genuine), NOW + before)
        assert snapshot.judge(Shown(cast.genuine), NOW + moment).code == code


def test_a_remembered_verdict_ends_with_the_document(cast: Cast) -> None:
    snapshot = under(policy("localhost", cast.genuine, when_expired="allow"), expires_at=int(NOW) + 100)
    verdicts = [snapshot.judge(Shown(cast.evil), NOW + seconds) for seconds in (0, 99, 100, 101)]
    assert [(verdict.outcome, verdict.code) for verdict in verdicts] == [
        *[(Outcome.BLOCKED, "pin_mismatch")] * 2,
        *[(Outcome.ALLOWED, "expired")] * 2,
    ]


def test_a_clock_behind_the_document_counts_as_the_documents_time(cast: Cast) -> None:
    ended = {**cast.genuine.pin(), "until": int(NOW) - 10}
    assert under(policy("localhost", ended)).judge(Shown(cast.genuine), 0).code == "pin_mismatch"


def test_an_application_that_meets_very_many_hosts_remembers_a_bounded_number(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "MAX_REMEMBERED", 16)
    snapshot = under(policy("localhost", cast.genuine))
    for number in range(100):
        snapshot.judge(Shown(cast.genuine, f"host{number}.example"), NOW)
        assert len(snapshot._memory) <= 16
    assert snapshot.judge(Shown(cast.evil), NOW).code == "pin_mismatch"


def test_a_seed_is_judged_as_if_an_expired_document_were_enforced(cast: Cast) -> None:
    seeded = under(policy("localhost", cast.genuine, when_expired="allow"), seeded=True, expires_at=int(NOW) + 1)
    assert seeded.judge(Shown(cast.evil), NOW + 10).outcome is Outcome.BLOCKED


def test_what_cannot_be_read_as_a_certificate_is_blocked_and_raises_nothing(cast: Cast) -> None:
    broken = Shown(cast.genuine)
    broken.leaf, broken._chain = b"\x30\x03abc", (b"\x30\x03abc",)
    verdict = under(policy("localhost", cast.genuine)).judge(broken, NOW)
    assert (verdict.outcome, verdict.code) == (Outcome.BLOCKED, "pin_mismatch")
    assert verdict.reasons


def test_a_peer_that_shows_no_certificate_is_blocked(cast: Cast) -> None:
    bare = Shown(cast.genuine)
    bare.leaf, bare._chain = b"", ()
    assert under(policy("localhost", cast.genuine)).judge(bare, NOW).outcome is Outcome.BLOCKED


def test_a_mismatch_says_whether_it_looks_like_a_rotation_or_an_interception(cast: Cast) -> None:
    snapshot = under(policy("localhost", cast.genuine))
    assert snapshot.judge(Shown(cast.rogue.issue()), NOW).likely is Likely.UNKNOWN
    snapshot.judge(Shown(cast.genuine), NOW)
    assert snapshot.judge(Shown(cast.evil), NOW).likely is Likely.ROTATION
    assert snapshot.judge(Shown(cast.untrusted), NOW).likely is Likely.INTERCEPTION


# ---------------------------------------------------------------- no document at all


HOSTS = ["localhost", "LOCALHOST.", "api.example.com", "deep.api.example.com", "other.example"]
PATTERNS = frozenset({"localhost", "**.example.com"})


@pytest.mark.parametrize("blocks", [True, False])
@pytest.mark.parametrize("host", HOSTS)
def test_without_a_document_the_chosen_hosts_are_blocked_or_reported(host: str, blocks: bool) -> None:
    verdict = WithoutDocument(PATTERNS, blocks).judge(host, "nothing fetched")
    if host == "other.example":
        assert (verdict.outcome, verdict.code) == (Outcome.ALLOWED, "unlisted")
        return
    assert verdict.outcome is (Outcome.BLOCKED if blocks else Outcome.REPORTED)
    assert (verdict.code, verdict.reasons) == ("no_document", ("nothing fetched",))


@pytest.mark.parametrize("host", [None, "", "a..b", "x" * 64])
def test_without_a_document_a_peer_whose_name_is_unclear_is_not_let_through(host: str | None) -> None:
    assert WithoutDocument(PATTERNS).judge(host, "").outcome is Outcome.BLOCKED


def test_without_a_document_and_without_a_choice_every_host_is_blocked() -> None:
    assert WithoutDocument().judge("other.example", "").outcome is Outcome.BLOCKED
