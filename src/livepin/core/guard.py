"""The guard: what must hold before a document is signed (design section 7).

    G1  an enforced pattern has two or more pins, one of them not in the served chain
    G2  every reachable address serves a chain that matches
    G3  a pin that is being served is not removed
    G4  nothing expires before the document does, as far as freshness statements may prolong it
    G5  the document does not live too long, and cannot be prolonged for too long
    G6  CT is satisfied where it is enforced, and its list is fresh
    G7  `when_expired: allow` is explained
    G8  no wildcard stands on a public suffix
    J6  a policy has pins, denied keys or a CT rule; nothing overrides this one

Everything that was observed is an argument, the clock too. A finding is overridden by a reason, which is recorded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from livepin.core.ct_policy import CtReason, evaluate
from livepin.core.document import Action, Document, Policy, WhenExpired
from livepin.core.hosts import parse_pattern
from livepin.core.judge import Peer, judge, matching_pin
from livepin.core.pins import Certificate, Pin
from livepin.core.verdict import Outcome

DAY = 86_400
#: The longest life of a document in seconds (G5): of one signed by a server, and of one signed with one's own key.
MAX_LIFE = 30 * DAY
MAX_LIFE_OWN_KEYS = 90 * DAY
#: From this age on, in seconds, a list of logs is warned about (G6): there are 20 days left to bring a newer one.
OLD_LIST = 50 * DAY


class Rule(StrEnum):
    """The number of a rule, as it stands at the top of this file."""

    G1 = "G1"
    G2 = "G2"
    G3 = "G3"
    G4 = "G4"
    G5 = "G5"
    G6 = "G6"
    G7 = "G7"
    G8 = "G8"
    J6 = "J6"

    @property
    def overridable(self) -> bool:
        """Whether a reason may override it: a policy that judges nothing is a mistake, never a decision (J6)."""
        return self is not Rule.J6


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that is broken. `host` is the pattern's text, empty where the whole document is meant."""

    rule: Rule
    host: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Served:
    """What one address of one host served when it was looked at, for the pattern that covers the host.

    `chain`: certificates that can be read, leaf first; the validated chain where `validated`, else the chain as
    sent. Empty where nothing could be had. `problem`: why not, or why ordinary TLS validation refuses it.
    """

    pattern: str
    host: str
    address: str
    chain: tuple[Certificate, ...] = ()
    validated: bool = True
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a draft is held against.

    `now` in Unix seconds; `served` for the patterns of the draft and of what is published; `reasons`: why a pattern
    says `when_expired: allow`, by pattern; `max_life` in seconds; `public_suffixes`: plain names (J2).
    """

    now: float
    served: tuple[Served, ...] = ()
    published: Document | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    public_suffixes: Collection[str] = ()
    max_life: int = MAX_LIFE
    keyset_expires_at: int | None = None


def check(draft: Document, circumstances: Circumstances) -> tuple[Finding, ...]:
    """Everything that speaks against publishing `draft`, in the order of its patterns."""
    found = [*_life(draft, circumstances)]
    for policy in draft.policies():
        found += _pattern(policy, circumstances)
        if policy.action is Action.OFF:
            continue
        found += _substance(policy)
        found += _windows(policy, draft, circumstances)
        if policy.action is Action.ENFORCE:
            found += _enforced(policy, draft, circumstances)
    found += _removed(draft, circumstances)
    return tuple(found)


def _life(draft: Document, given: Circumstances) -> Iterator[Finding]:
    """G5, and G4 for the document itself and for the key set above it."""
    life = draft.expires_at - draft.issued_at
    if life > given.max_life:
        message = f"the document lives {_days(life)}, more than {_days(given.max_life)}"
        yield Finding(Rule.G5, "", message, "Set a smaller life_days.")
    extent = draft.extendable_until - draft.issued_at
    if extent > given.max_life >= life:
        message = f"the document can be prolonged to {_days(extent)}, more than {_days(given.max_life)}"
        yield Finding(Rule.G5, "", message, "Set a smaller extendable_days.")
    if draft.expires_at <= given.now:
        yield Finding(Rule.G4, "", "the document expires before it is published", "Stage it again.")
    if given.keyset_expires_at is not None and given.keyset_expires_at < _end(draft):
        yield Finding(Rule.G4, "", "the key set expires before the document does", "Make a new key set first.")


def _end(draft: Document) -> int:
    """The last moment at which the document may be in force as a fresh one."""
    return max(draft.expires_at, draft.extendable_until)


def _days(seconds: int) -> str:
    return f"{seconds / DAY:.3g} days"


def _pattern(policy: Policy, given: Circumstances) -> Iterator[Finding]:
    """G7 and G8: what the pattern itself says, switched off or not."""
    pattern = parse_pattern(policy.host)
    if pattern.wildcard and pattern.name in given.public_suffixes:
        message = f"the wildcard covers every site under the public suffix {pattern.name}"
        yield Finding(Rule.G8, policy.host, message, "Name the domain that is yours.")
    if policy.when_expired is WhenExpired.ALLOW and not given.reasons.get(policy.host, "").strip():
        message = "when_expired is allow: whoever blocks the fetch for long enough switches this pattern off"
        yield Finding(Rule.G7, policy.host, message, "Say why in `reason`, or set when_expired to enforce.")


def _substance(policy: Policy) -> Iterator[Finding]:
    """J6: pins, denied keys or a CT rule; a policy with none of them looks like protection and is none."""
    if policy.pins is None and not policy.deny and policy.ct.action is Action.OFF:
        message = "the policy has neither pins nor denied keys nor a CT rule, so it judges nothing"
        yield Finding(Rule.J6, policy.host, message, "Add a pin, or set the action to off.")


def _windows(policy: Policy, draft: Document, given: Circumstances) -> Iterator[Finding]:
    """G4 for pins. One that ended already is no surprise to come: it does not count (G1 does not count it either)."""
    for pin in policy.pins or ():
        if pin.end is not None and given.now < pin.end < _end(draft):
            message = f"the pin {_short(pin)} ends before the document expires"
            yield Finding(Rule.G4, policy.host, message, "Let the pin end later, or the document live shorter.")


def _enforced(policy: Policy, draft: Document, given: Circumstances) -> Iterator[Finding]:
    """G1, G2 and G6: what matters only where a failure blocks."""
    served = [one for one in given.served if one.pattern == policy.host]
    if policy.pins is not None:
        yield from _backup(policy, served, given.now)
    yield from _everywhere(policy, draft, served, given.now)
    if policy.ct.action is Action.ENFORCE:
        yield from _ct(policy, draft, served, given.now)


def _backup(policy: Policy, served: list[Served], now: float) -> Iterator[Finding]:
    """G1: after the loss of the key that is served, another one must be pinned already."""
    active = {(pin.member, pin.digest): pin for pin in policy.pins or () if pin.active(now)}
    hint = "Pin a backup key that is kept elsewhere: `livepin pin add HOST --backup`."
    if len(active) < 2:
        yield Finding(Rule.G1, policy.host, f"active pins: {len(active)}, needed: 2", hint)
        return
    chains = [one.chain for one in served if one.chain]
    spare = [pin for pin in active.values() if not any(_in_chain(pin, chain) for chain in chains)]
    if chains and not spare:
        yield Finding(Rule.G1, policy.host, "every pin is in the served chain: none is a backup", hint)


def _in_chain(pin: Pin, chain: tuple[Certificate, ...]) -> bool:
    return any(certificate.digest(pin.member) == pin.digest for certificate in chain)


def _everywhere(policy: Policy, draft: Document, served: list[Served], now: float) -> Iterator[Finding]:
    """G2. An address that does not answer proves nothing; a host none of whose addresses answers is a finding."""
    if not any(one.chain for one in served):
        what = "; ".join(f"{one.host} {one.address}: {one.problem}" for one in served)
        message = f"nothing that it covers could be looked at{': ' if what else ''}{what}"
        yield Finding(Rule.G2, policy.host, message, "Name a host and an address in `look_at`.")
    for one in served:
        if one.chain:
            yield from _fits(policy, draft, one, now)


def _fits(policy: Policy, draft: Document, one: Served, now: float) -> Iterator[Finding]:
    """G2 for one address: judged as an application will judge it."""
    where = f"{one.host} at {one.address}"
    if not one.validated:
        hint = (
            "Applications refuse it before they look at pins. Is the CA private? Pass --ca, or set `ca` under [look]."
        )
        yield Finding(Rule.G2, policy.host, f"{where}: ordinary TLS validation fails: {one.problem}", hint)
    verdict = judge(draft, Peer(one.host, one.chain, one.validated), now)
    # G6 speaks of CT; without this exception one fault would be told twice.
    if verdict.outcome is not Outcome.ALLOWED and verdict.code != "ct_failed":
        message = f"{where} would be refused: {verdict.code}"
        yield Finding(Rule.G2, policy.host, message, "Pin what it serves: `livepin pin add HOST --live`.")


_NEWER_LIST = "Bring the log table up to date: `livepin ct logs import`, `add` or `review`; see docs/ct.md."


def _list_problem(policy: Policy, draft: Document, now: float) -> CtReason | None:
    """Why CT is not evaluated under this draft, whoever the peer is."""
    result = evaluate(policy.ct, draft.ct_logs, (), now)
    return None if result.evaluated else result.reasons[0]


def _ct(policy: Policy, draft: Document, served: list[Served], now: float) -> Iterator[Finding]:
    """G6 for a policy that enforces CT, and G4 for its list: without pins, an old list blocks everybody (J7)."""
    if problem := _list_problem(policy, draft, now):
        yield Finding(Rule.G6, policy.host, problem.text, _NEWER_LIST)
        return
    assert draft.ct_logs is not None
    if policy.pins is None and draft.ct_logs.usable_until < _end(draft):
        message = "without pins CT is all there is, and the list of logs becomes too old before the document expires"
        yield Finding(Rule.G4, policy.host, message, _NEWER_LIST)
    for one in served:
        # What ordinary validation refuses is G2's: of such a chain nobody knows the issuer.
        if not one.chain or not one.validated:
            continue
        result = evaluate(policy.ct, draft.ct_logs, one.chain, now)
        if result.reasons:
            why = "; ".join(reason.text for reason in result.reasons)
            message = f"{one.host} at {one.address} would be refused: {why}"
            hint = f"`livepin ct check {one.host}` shows its SCTs. Declare other logs, or set ct.action to report."
            yield Finding(Rule.G6, policy.host, message, hint)


def warnings(draft: Document, now: float) -> tuple[Finding, ...]:
    """What speaks for doing something soon, and against nothing now: a list of logs that grows old (G6)."""
    rules = [one for one in draft.policies() if Action.OFF not in (one.action, one.ct.action)]
    if not rules:
        return ()
    if problem := _list_problem(rules[0], draft, now):
        # Where CT is enforced this is a finding already.
        told = not all(_enforces_ct(one) for one in rules)
        return (Finding(Rule.G6, "", problem.text, _NEWER_LIST),) if told else ()
    assert draft.ct_logs is not None
    age = now - draft.ct_logs.issued_at
    if age < OLD_LIST:
        return ()
    left = max(0, int(draft.ct_logs.usable_until - now)) // DAY
    message = f"the list of logs is {int(age) // DAY} days old; in {left} days CT is not evaluated any more"
    return (Finding(Rule.G6, "", message, _NEWER_LIST),)


def _enforces_ct(policy: Policy) -> bool:
    return policy.action is Action.ENFORCE and policy.ct.action is Action.ENFORCE


def _removed(draft: Document, given: Circumstances) -> Iterator[Finding]:
    """G3: a certificate that a published pin matches is still matched by some pin of the draft."""
    if given.published is None:
        return
    for one in given.served:
        before, after = given.published.lookup(one.host), draft.lookup(one.host)
        if before is None or before.action is Action.OFF or (after is not None and after.action is Action.OFF):
            continue
        peer = Peer(one.host, one.chain, one.validated)
        pin = matching_pin(before.pins or (), peer, given.now)
        kept = after.pins or () if after is not None else ()
        if pin is not None and matching_pin(kept, peer, given.now) is None:
            message = f"the pin {_short(pin)} is removed while {one.host} at {one.address} serves it"
            yield Finding(Rule.G3, before.host, message, "Keep the pin until the service has another key.")


def _short(pin: Pin) -> str:
    return f"{pin.member} {pin.digest[:12]}…"


@dataclass(frozen=True, slots=True)
class Overridden:
    """A finding that a person decided to live with, and why."""

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """What is left of the findings after the overrides. Publishing goes on only if `open` is empty.

    `warned`: what a person should hear of that stops nothing.
    """

    open: tuple[Finding, ...]
    overridden: tuple[Overridden, ...]
    warned: tuple[Finding, ...] = ()


def settle(findings: Iterable[Finding], overrides: Mapping[Rule, str], warned: Iterable[Finding] = ()) -> Settlement:
    """Apply overrides: a reason by rule. An empty reason overrides nothing."""
    left, overridden = [], []
    for finding in findings:
        reason = overrides.get(finding.rule, "").strip()
        if reason and finding.rule.overridable:
            overridden.append(Overridden(finding, reason))
        else:
            left.append(finding)
    return Settlement(tuple(left), tuple(overridden), tuple(warned))
