"""Whether a certificate's SCTs are enough: rule J7, with the policies `chrome`, `apple` and `any`.

    which SCTs count    verified, not from the future, from a log whose state and interval allow it, declared
    chrome              one log current; two logs, three for a life of more than 180 days; two operators
    apple               one log current; as many logs, no operator for all of them; one log as in RFC 6962
    any                 one log

What does not count is shown and ignored. Every refusal is a `CtReason` with a code, so that nobody has to read it out
of a sentence. The clock is an argument.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from livepin.core.document import CtRule
from livepin.core.logs import Kind, Log, LogList, Standing
from livepin.core.pins import Certificate
from livepin.core.sct import Checked, CheckedSct, Delivered, Delivery, Sct, SctVerdict, check, known_from
from livepin.core.trust import CLOCK_TOLERANCE
from livepin.core.verdict import SctEvidence
from livepin.errors import CertificateInvalid

_DAY = 86_400
#: Up to this life, in days, two logs are enough for both published policies.
_SHORT_LIFE = 180


class CtCode(StrEnum):
    """Why CT is not met, or not evaluated."""

    LIST_ABSENT = "list_absent"
    LIST_TOO_OLD = "list_too_old"
    LIST_FROM_THE_FUTURE = "list_from_the_future"
    ISSUER_UNKNOWN = "issuer_unknown"
    CERTIFICATE_INVALID = "certificate_invalid"
    PRECERTIFICATE = "precertificate"
    NO_SCT = "no_sct"
    NO_CURRENT_LOG = "no_current_log"
    TOO_FEW_LOGS = "too_few_logs"
    TOO_FEW_OPERATORS = "too_few_operators"
    NO_RFC6962_LOG = "no_rfc6962_log"


class Ignored(StrEnum):
    """Why an SCT that verified does not count."""

    LOG_STATE = "log_state"
    AFTER_RETIREMENT = "after_retirement"
    INTERVAL = "interval"
    NOT_DECLARED = "not_declared"
    DELIVERY = "delivery"


@dataclass(frozen=True, slots=True)
class CtReason:
    """A code for programs and a sentence for people."""

    code: CtCode
    text: str


@dataclass(frozen=True, slots=True)
class CtResult:
    """Whether the rule is met, why not, and on what evidence. Not evaluated: nothing was proven either way."""

    evaluated: bool
    reasons: tuple[CtReason, ...] = ()
    scts: tuple[SctEvidence, ...] = ()

    @property
    def satisfied(self) -> bool:
        """Whether it was evaluated and is met."""
        return self.evaluated and not self.reasons


def evaluate(
    rule: CtRule,
    logs: LogList | None,
    chain: Sequence[Certificate],
    now: float,
    delivered: tuple[Delivered, ...] = (),
) -> CtResult:
    """Apply a CT rule, whatever its `action`, at `now` (Unix seconds).

    `chain`: what is known of the validated chain, leaf first. Without the issuer no embedded SCT can be verified.
    """
    if logs is None:
        return CtResult(False, (CtReason(CtCode.LIST_ABSENT, "CT was not evaluated: the document lists no logs"),))
    if outdated := _outdated(logs, now):
        return CtResult(False, (outdated,))
    if not chain:
        return CtResult(True, (CtReason(CtCode.NO_SCT, "the peer showed no certificate"),))
    issuer = chain[1] if len(chain) > 1 else None
    try:
        checked = check(chain[0], issuer, logs, delivered)
    except CertificateInvalid as error:
        return CtResult(True, (CtReason(CtCode.CERTIFICATE_INVALID, error.message),))
    return _apply(rule, checked, now, issuer_known=issuer is not None)


def _outdated(logs: LogList, now: float) -> CtReason | None:
    if now >= logs.usable_until:
        days = int(now - logs.issued_at) // _DAY
        return CtReason(CtCode.LIST_TOO_OLD, f"CT was not evaluated: the list of logs is {days} days old")
    if now < logs.issued_at - CLOCK_TOLERANCE:
        return CtReason(CtCode.LIST_FROM_THE_FUTURE, "CT was not evaluated: the list of logs is from the future")
    return None


def moments(logs: LogList | None, scts: Iterable[SctEvidence]) -> list[float]:
    """The moments (Unix seconds) at which time alone may change the result for a certificate with these SCTs."""
    if logs is None:
        return []
    found: list[float] = [logs.issued_at - CLOCK_TOLERANCE, logs.usable_until]
    for sct in scts:
        log = logs.find(sct.log_id or "")
        found += [known_from(sct.timestamp)] if sct.timestamp is not None else []
        found += [log.retired_at] if log is not None and log.retired_at is not None else []
    return found


class _Weighed(NamedTuple):
    """An SCT with its log, and why it does not count: an empty reason if it does."""

    sct: Sct
    log: Log | None
    verdict: SctVerdict
    ignored: str
    current: bool = False

    @property
    def operator(self) -> str:
        return self.log.operator if self.log is not None else ""

    def evidence(self) -> SctEvidence:
        sct = self.sct
        return SctEvidence(
            sct.log_id, sct.timestamp, sct.leaf_index, self.verdict, self.operator, sct.delivery, self.ignored
        )


def _apply(rule: CtRule, checked: Checked, now: float, *, issuer_known: bool) -> CtResult:
    weighed = [_weigh(rule, one, checked.not_after, now) for one in checked.scts]
    if rule.policy == "chrome":
        weighed = _as_chrome_counts(weighed)
    reasons = _POLICIES[rule.policy]([one for one in weighed if not one.ignored], checked)
    if checked.poisoned:
        reasons = [CtReason(CtCode.PRECERTIFICATE, "a precertificate is no certificate")]
    elif reasons and not issuer_known:
        text = "the issuer is not known, so no embedded SCT can be verified"
        reasons = [CtReason(CtCode.ISSUER_UNKNOWN, text), *reasons]
    return CtResult(True, tuple(reasons), tuple(one.evidence() for one in weighed))


def _weigh(rule: CtRule, one: CheckedSct, not_after: int, now: float) -> _Weighed:
    sct, log, verdict = one.sct, one.log, one.at(now)
    if verdict is not SctVerdict.OK or log is None or sct.timestamp is None:
        return _Weighed(sct, log, verdict, verdict)
    standing = log.standing(now)
    ignored = ""
    if standing is Standing.NEVER:
        ignored = Ignored.LOG_STATE
    elif not log.issued_before_retirement(sct.timestamp):
        ignored = Ignored.AFTER_RETIREMENT
    elif not log.covers(not_after):
        ignored = Ignored.INTERVAL
    elif not _declared(rule, log.id, log.operator):
        ignored = Ignored.NOT_DECLARED
    return _Weighed(sct, log, verdict, ignored, standing is Standing.CURRENT)


def _declared(rule: CtRule, log_id: str, operator: str) -> bool:
    """Whether the rule lets a log count: neither `logs` nor `operators` means any."""
    if rule.logs is None and rule.operators is None:
        return True
    return log_id in (rule.logs or ()) or operator in (rule.operators or ())


_Reasons = list[CtReason]


def _any(counted: list[_Weighed], checked: Checked) -> _Reasons:
    """One SCT: for private logs, where numbers and operators mean nothing."""
    return [] if counted else [_no_sct(checked)]


def _no_sct(checked: Checked) -> CtReason:
    number = len(checked.scts)
    text = f"none of its SCTs counts, of {number}" if number else "the certificate came with no SCT"
    return CtReason(CtCode.NO_SCT, text)


def _as_chrome_counts(weighed: list[_Weighed]) -> list[_Weighed]:
    """What Chrome leaves out besides.

    A log that retired before the earliest SCT of a log that is current had retired before the certificate was issued.
    Handed over by TLS, an SCT counts only while its log is current, since a server can renew it; by OCSP, never.
    """
    issued = min((one.sct.timestamp or 0 for one in weighed if not one.ignored and one.current), default=0)
    return [one if one.ignored else one._replace(ignored=_chrome_ignores(one, issued)) for one in weighed]


def _chrome_ignores(one: _Weighed, issued: int) -> str:
    """Why Chrome leaves out an SCT that counts; `issued`: the earliest current one's time (milliseconds)."""
    if one.sct.delivery is Delivery.OCSP:
        return Ignored.DELIVERY
    if one.current or one.log is None:
        return ""
    if one.sct.delivery is Delivery.TLS:
        return Ignored.LOG_STATE
    return "" if one.log.issued_before_retirement(issued) else Ignored.AFTER_RETIREMENT


def _chrome(counted: list[_Weighed], checked: Checked) -> _Reasons:
    """Embedded SCTs are enough, or those handed over by TLS are; they are not mixed. Lives are compared exactly."""
    needed = 2 if checked.not_after - checked.not_before <= _SHORT_LIFE * _DAY else 3
    answers = []
    for delivery, logs in ((Delivery.EMBEDDED, needed), (Delivery.TLS, 2)):
        group = [one for one in counted if one.sct.delivery is delivery]
        if group:
            answers.append(_few(group, logs))
    return min(answers, key=len, default=[_no_sct(checked)])


def _apple(counted: list[_Weighed], checked: Checked) -> _Reasons:
    """A life is inclusive, and a second over a day is a day more: 180 days exactly are 181 here."""
    if not counted:
        return [_no_sct(checked)]
    days = -(-(checked.not_after - checked.not_before + 1) // _DAY)
    embedded = [one for one in counted if one.sct.delivery is Delivery.EMBEDDED]
    reasons = [] if _handed_over(counted) else _few(embedded, 2 if days <= _SHORT_LIFE else 3)
    if not any(one.log is not None and one.log.kind is Kind.RFC6962 for one in counted):
        reasons.append(CtReason(CtCode.NO_RFC6962_LOG, "no SCT of an rfc6962 log counts"))
    return reasons


def _handed_over(counted: list[_Weighed]) -> bool:
    """Apple's other way: two logs that are current, one of them by TLS or OCSP."""
    current = [one for one in counted if one.current]
    by_hand = any(one.sct.delivery is not Delivery.EMBEDDED for one in current)
    return by_hand and len({one.sct.log_id for one in current}) >= 2


def _few(group: list[_Weighed], needed: int) -> _Reasons:
    """What is missing: a log that is current, `needed` distinct logs, two operators.

    Apple lets one operator stand for one of two logs, or for two of three: that is two operators, said differently.
    """
    logs = len({one.sct.log_id for one in group})
    operators = len({one.operator for one in group})
    reasons = []
    if not any(one.current for one in group):
        reasons.append(CtReason(CtCode.NO_CURRENT_LOG, "no SCT that counts is of a log that is current now"))
    if logs < needed:
        reasons.append(CtReason(CtCode.TOO_FEW_LOGS, f"logs whose SCTs count: {logs}, needed: {needed}"))
    if operators < 2:
        reasons.append(CtReason(CtCode.TOO_FEW_OPERATORS, f"operators of these logs: {operators}, needed: 2"))
    return reasons


_POLICIES: dict[str, Callable[[list[_Weighed], Checked], _Reasons]] = {
    "any": _any,
    "chrome": _chrome,
    "apple": _apple,
}
