"""Judging a TLS peer under a document: rules J3 to J9 (design section 5).

    J3  no pattern: the document's own `deny`, then `unlisted`
    J5  a denied key anywhere in the chain          -> denied
    J6  one active pin matches at its position      -> pin_mismatch
    J7  Certificate Transparency                    -> ct_failed
    J8  an expired document may turn J6 and J7 into `expired`
    J9  `action` and `rollout` decide what a failure does

The first failure gives the code. Pins are judged on the validated chain alone (J4): the caller says whether it is one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from livepin.core.ct_policy import CtResult, evaluate
from livepin.core.der import san_names
from livepin.core.document import Action, Document, Policy, Unlisted, WhenExpired
from livepin.core.hosts import normalize
from livepin.core.pins import Certificate, Pin, Position
from livepin.core.sct import Delivered
from livepin.core.verdict import Outcome, Verdict
from livepin.errors import HostInvalid

_SPKI_SHA256 = "spki_sha256"


class Peer(NamedTuple):
    """What is known of the other side of a TLS connection.

    `host`: the name that the TLS layer verifies; None where the application named none. `chain`: the validated one,
    leaf first. `validated` False: the application switched validation off. `complete` False: a resumed session whose
    chain is no longer known; only the leaf is. `delivered`: SCTs from elsewhere than the certificate, if the caller
    has any (J7).
    """

    host: str | None
    chain: tuple[Certificate, ...]
    validated: bool = True
    complete: bool = True
    delivered: tuple[Delivered, ...] = ()


class _Failure(NamedTuple):
    """A check that failed. `as_expired`: judged as if the document were out of date."""

    code: str
    reason: str
    as_expired: bool = False


class _Answer(NamedTuple):
    """What judging adds to what was known before it."""

    outcome: Outcome
    code: str
    reason: str = ""
    pin: Pin | None = None
    ct: CtResult | None = None


def judge(
    document: Document,
    peer: Peer,
    now: float,
    *,
    installation: str = "",
    expires_at: int | None = None,
    seeded: bool = False,
    epoch: int = 0,
    digest: str = "",
) -> Verdict:
    """Verdict on a peer at `now` (Unix seconds).

    `installation`: 32 lower-case hex digits, or empty where there are none (J9). `expires_at`: the effective expiry
    where a key set shortens it (V7). `seeded`: the document was bundled, not fetched, and is judged as if
    `when_expired` were `enforce`. `epoch` and `digest` name the revision in the verdict. A peer whose caller gave no
    host must pass all policies that its certificate names, and `unlisted` for names that none covers: such clients
    compare the name themselves, afterwards.
    Raises `CertificateInvalid` for a chain that cannot be read.
    """
    now = max(now, document.issued_at)
    expires_at = document.expires_at if expires_at is None else expires_at
    setting = _Setting(document, now, installation, expires_at, seeded, epoch, digest)
    if peer.host is None:
        return _judge_by_names(setting, peer)
    try:
        host = normalize(peer.host)
    except HostInvalid as error:
        return _verdict(setting, None, peer, _Answer(Outcome.BLOCKED, error.code, error.message))
    return _judge(setting, document.lookup(host), peer)


def _judge_by_names(setting: _Setting, peer: Peer) -> Verdict:
    """The gravest of all verdicts."""
    verdicts = [_judge(setting, policy, peer) for policy in _named_policies(setting.document, peer)]
    return max(verdicts, key=lambda verdict: _GRAVITY[verdict.outcome])


def _named_policies(document: Document, peer: Peer) -> list[Policy | None]:
    """Each once; None where a name, or a certificate without any, is covered by no policy (J3)."""
    names = san_names(peer.chain[0].der) if peer.chain else ()
    per_name = [document.named(name) for name in names]
    listed = {policy.host: policy for policies in per_name for policy in policies}
    return [*listed.values()] if listed and all(per_name) else [*listed.values(), None]


_GRAVITY = {Outcome.ALLOWED: 0, Outcome.REPORTED: 1, Outcome.BLOCKED: 2}


class _Setting(NamedTuple):
    """Everything but policy and peer that a verdict depends on."""

    document: Document
    now: float
    installation: str
    expires_at: int
    seeded: bool
    epoch: int
    digest: str

    @property
    def expired(self) -> bool:
        return self.now >= self.expires_at


def _judge(setting: _Setting, policy: Policy | None, peer: Peer) -> Verdict:
    answer = _unlisted(setting.document, peer) if policy is None else _listed(setting, policy, peer)
    return _verdict(setting, policy, peer, answer)


def _verdict(setting: _Setting, policy: Policy | None, peer: Peer, answer: _Answer) -> Verdict:
    ct = answer.ct
    reasons: tuple[str, ...] = (answer.reason,) if answer.reason else ()
    if ct is not None:
        reasons += tuple(reason.text for reason in ct.reasons)
    return Verdict(
        answer.outcome,
        answer.code,
        peer.host or "",
        policy.host if policy else "",
        answer.pin,
        setting.epoch,
        setting.document.serial,
        setting.digest,
        not peer.validated,
        setting.expired,
        None if ct is None else ct.evaluated,
        reasons=reasons,
        scts=() if ct is None else ct.scts,
    )


def _unlisted(document: Document, peer: Peer) -> _Answer:
    """J3. `unlisted` does not change when the document expires."""
    denied = _denied(document.deny, peer) if document.deny else None
    if denied is not None:
        return _Answer(Outcome.BLOCKED, denied.code, denied.reason)
    return _Answer(_UNLISTED[document.unlisted], "unlisted")


_UNLISTED = {
    Unlisted.ALLOW: Outcome.ALLOWED,
    Unlisted.REPORT: Outcome.REPORTED,
    Unlisted.BLOCK: Outcome.BLOCKED,
}


def _listed(setting: _Setting, policy: Policy, peer: Peer) -> _Answer:
    """J5 to J9, in this order."""
    if policy.action is Action.OFF:
        return _Answer(Outcome.ALLOWED, "off")
    deny = setting.document.deny | policy.deny
    denied = _denied(deny, peer) if deny else None
    if denied is not None:
        # J5: nothing but `action` softens a denied key, the rollout does not.
        return _Answer(_outcome(policy.action is Action.ENFORCE), denied.code, denied.reason)
    pin = matching_pin(policy.pins or (), peer, setting.now)
    ct, ct_failure = _ct(setting, policy, peer) if policy.ct.action is not Action.OFF else (None, None)
    failure = _pin_failure(policy, pin, peer) or ct_failure
    if failure is None:
        return _Answer(Outcome.ALLOWED, "matched", "", pin, ct)
    may_allow = policy.when_expired is WhenExpired.ALLOW and not setting.seeded
    if may_allow and (setting.expired or failure.as_expired):
        return _Answer(Outcome.ALLOWED, "expired", failure.reason, pin, ct)
    blocks = _enforces(policy, setting.installation, failure)
    return _Answer(_outcome(blocks), failure.code, failure.reason, pin, ct)


def _enforces(policy: Policy, installation: str, failure: _Failure) -> bool:
    """J9, and the end of J7: whether this installation blocks on a failure of J6 or J7."""
    if failure.code == "ct_failed" and policy.ct.action is Action.REPORT:
        return False
    return policy.action is Action.ENFORCE and bucket(installation, policy.host) < policy.rollout


def _outcome(blocks: bool) -> Outcome:
    return Outcome.BLOCKED if blocks else Outcome.REPORTED


def _known(peer: Peer) -> tuple[Certificate, ...]:
    """J4: the certificates that may be judged; of an unvalidated chain the leaf alone is proven."""
    return peer.chain if peer.validated and peer.complete else peer.chain[:1]


def _denied(deny: frozenset[str], peer: Peer) -> _Failure | None:
    """J5. Where a key is unknown, a denied one cannot be ruled out: fail closed."""
    if not peer.chain:
        return _Failure("denied", "the peer showed no certificate, a denied key cannot be ruled out")
    if any(certificate.digest(_SPKI_SHA256) in deny for certificate in _known(peer)):
        return _Failure("denied", "a key in the chain is denied")
    if peer.validated and not peer.complete:
        return _Failure("denied", "the chain of the resumed session is unknown, a denied key cannot be ruled out")
    return None


def matching_pin(pins: Iterable[Pin], peer: Peer, now: float) -> Pin | None:
    """The first pin that is active and matches at its position (J6)."""
    chain = _known(peer)
    for pin in pins:
        if pin.active(now):
            for certificate in chain[_PLACES[pin.position]]:
                if certificate.digest(pin.member) == pin.digest:
                    return pin
    return None


_PLACES = {Position.LEAF: slice(1), Position.CA: slice(1, None), Position.ANY: slice(None)}


def _pin_failure(policy: Policy, pin: Pin | None, peer: Peer) -> _Failure | None:
    if policy.pins is None or pin is not None:
        return None
    if not peer.chain:
        return _Failure("pin_mismatch", "the peer showed no certificate")
    leaf = peer.chain[0].digest(_SPKI_SHA256)
    return _Failure("pin_mismatch", f"no active pin matches the chain (leaf {_SPKI_SHA256} {leaf})")


def _ct(setting: _Setting, policy: Policy, peer: Peer) -> tuple[CtResult, _Failure | None]:
    """J7: what was found, and the failure; what is wrong with the SCTs stands in the former."""
    if not peer.validated and policy.ct.action is Action.ENFORCE:
        # J4: however old the list is, so that an old one is no way around.
        return CtResult(False), _Failure("ct_failed", "CT cannot be judged on an unvalidated chain")
    result = evaluate(policy.ct, setting.document.ct_logs, _known(peer), setting.now, peer.delivered)
    if result.evaluated:
        return result, None if result.satisfied else _Failure("ct_failed", "")
    if policy.pins is None:
        return result, _Failure("ct_failed", "CT was not evaluated and the policy has no pins", as_expired=True)
    return result, None


def bucket(installation: str, pattern: str) -> int:
    """0 to 99: the share in which an installation stands for a pattern (J9); 0 without an installation number."""
    if not installation:
        return 0
    digest = hashlib.sha256(f"livepin rollout\n{installation}\n{pattern}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % 100


def needs_chain(document: Document, policy: Policy | None) -> bool:
    """Whether a verdict depends on more of the chain than its leaf."""
    if policy is None or (document.deny and policy.action is not Action.OFF):
        return bool(document.deny)
    return policy.needs_chain


def steady(policy: Policy | None, now: float, expires_at: int, ct_moments: Iterable[float] = ()) -> tuple[float, float]:
    """The half-open interval around `now` (Unix seconds) in which time alone changes no verdict under `policy`.

    `ct_moments`: where time changes what CT says about this peer (`ct_policy.moments`).
    """
    since, until = _ALWAYS
    for moment in (expires_at, *(policy.moments if policy is not None else ()), *ct_moments):
        if moment > now:
            until = min(until, moment)
        else:
            since = max(since, moment)
    return since, until


_ALWAYS: tuple[float, float] = (float("-inf"), float("inf"))
