"""The SCTs of a chain as people and programs see them: whose they are, what they are worth, and for which policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from livepin.author.ct_logs import LogTable
from livepin.cli.output import moment, table
from livepin.core.ct_policy import CtResult, Ignored, evaluate
from livepin.core.document import Action, CtRule
from livepin.core.logs import LogList
from livepin.core.pins import Certificate
from livepin.core.sct import SctVerdict
from livepin.core.verdict import SctEvidence

POLICIES = ("chrome", "apple", "any")

_VERDICTS: dict[str, str] = {
    SctVerdict.OK: "verified",
    SctVerdict.BAD_SIGNATURE: "NOT VERIFIED: the log did not sign this certificate (or its issuer is another one)",
    SctVerdict.UNKNOWN_LOG: "not verified: the log table does not know this log",
    SctVerdict.MALFORMED: "NOT VERIFIED: malformed",
    SctVerdict.FUTURE: "NOT VERIFIED: it is from the future",
}
_IGNORED: dict[str, str] = {
    Ignored.LOG_STATE: "does not count: its log is in no state in which it may",
    Ignored.AFTER_RETIREMENT: "does not count: its log had retired",
    Ignored.INTERVAL: "does not count: the certificate ends outside the log's interval",
    Ignored.NOT_DECLARED: "does not count: the rule declares other logs",
    Ignored.DELIVERY: "does not count: the policy does not take SCTs that came this way",
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a chain proves under a log table. `scts` are weighed by `rule`; `policies` without what it declares."""

    table: LogTable
    scts: tuple[SctEvidence, ...]
    rule: CtResult
    policies: dict[str, CtResult]

    def members(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "list_issued_at": self.table.issued_at(),
            "scts": [self._sct_members(one) for one in self.scts],
            "policies": {name: result_members(one) for name, one in self.policies.items()},
        }

    def _sct_members(self, one: SctEvidence) -> dict[str, Any]:
        return {
            "log_id": one.log_id,
            "log": self._name(one),
            "operator": one.operator,
            "timestamp": one.timestamp,
            "leaf_index": one.leaf_index,
            "delivery": one.delivery,
            "verdict": one.verdict,
            "counts": one.counts,
            "ignored": one.ignored,
        }

    def _name(self, one: SctEvidence) -> str:
        found = self.table.log(one.log_id or "")
        return found.name if found is not None else ""

    def lines(self) -> list[str]:
        """For people: a line for every SCT, and one for every policy."""
        rows = [
            (self._name(one) or one.log_id or "?", one.operator or "?", _time(one.timestamp), _worth(one))
            for one in self.scts
        ]
        lines = table(rows).splitlines() or ["the certificate carries no SCT"]
        return [*lines, *(f"{name:<7} {result_text(one)}" for name, one in self.policies.items())]


def examine(chain: tuple[Certificate, ...], known: LogTable, now: float, rule: CtRule | None = None) -> Evidence:
    """Weigh the SCTs of a chain, leaf first, at `now` (Unix seconds) by a rule (default: any log will do)."""
    rule = rule or CtRule(Action.ENFORCE, "any", None, None)
    logs = known.log_list()
    # As if the list were of now: what an old one says is shown, and that it is old is said by the policies.
    fresh = LogList(int(now), logs.logs)
    results = {name: evaluate(CtRule(Action.ENFORCE, name, None, None), logs, chain, now) for name in POLICIES}
    return Evidence(known, evaluate(rule, fresh, chain, now).scts, evaluate(rule, logs, chain, now), results)


def rule_text(rule: CtRule) -> str:
    """A rule in a few words, whatever its action."""
    declared = [f"{len(rule.logs)} declared log{'s'[: len(rule.logs) != 1]}"] if rule.logs is not None else []
    declared += [f"operators {', '.join(sorted(rule.operators))}"] if rule.operators is not None else []
    return f"policy {rule.policy}{', ' if declared else ''}{' and '.join(declared)}"


def result_text(result: CtResult) -> str:
    """Whether a policy is met, and why not."""
    if not result.evaluated:
        return "; ".join(one.text for one in result.reasons)
    return "met" if result.satisfied else f"NOT MET: {'; '.join(one.text for one in result.reasons)}"


def result_members(result: CtResult) -> dict[str, Any]:
    """Whether a policy is met, for JSON."""
    reasons = [{"code": one.code, "text": one.text} for one in result.reasons]
    return {"satisfied": result.satisfied, "evaluated": result.evaluated, "reasons": reasons}


def _time(milliseconds: int | None) -> str:
    """The time of an SCT; a number that is no date is shown as it is."""
    if milliseconds is None:
        return "?"
    try:
        return moment(milliseconds // 1000)
    except (ValueError, OverflowError, OSError):
        return f"{milliseconds} ms"


def _worth(one: SctEvidence) -> str:
    verdict = _VERDICTS[one.verdict]
    if one.verdict is not SctVerdict.OK or one.counts:
        return verdict
    return f"{verdict}; {_IGNORED.get(one.ignored, one.ignored)}"
