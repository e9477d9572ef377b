"""What a project asks of Certificate Transparency (J7): the logs that its document needs, and rules that will not last.

The logs are sharded: each takes certificates that end in one interval, of half a year as a rule, and the CA chooses
among them. So a rule that names single logs has to be changed before every turnover; one that names operators lasts
as long as the table knows their next shards.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from livepin.author.ct_logs import LogEntry, LogTable, date_text
from livepin.core.ct_policy import evaluate
from livepin.core.document import Action, CtRule, Document
from livepin.core.guard import DAY, Finding, Rule
from livepin.core.logs import Kind, LogList
from livepin.core.pins import Certificate
from livepin.core.verdict import SctEvidence

#: How long a certificate lives that somebody will get tomorrow, in seconds.
TYPICAL_LIFE = 90 * DAY
#: Logs that take what is issued next, and count.
_TAKING = ("qualified", "usable")
#: Those, and logs that nobody has accepted yet: to name one does no harm, and it will count once it is accepted.
_TO_COME = ("pending", *_TAKING)


def wants_logs(hosts: Iterable[Mapping[str, Any]]) -> bool:
    """Whether hosts of a payload have a rule that somebody evaluates."""
    return any(True for _ in _rules(hosts))


def _rules(hosts: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for host in hosts:
        rule: Mapping[str, Any] = host.get("ct", {})
        if host["action"] != "off" and rule.get("action", "off") != "off":
            yield rule


def ct_logs(hosts: Sequence[Mapping[str, Any]], table: LogTable, now: float) -> dict[str, Any] | None:
    """The member `ct_logs` for hosts of a payload: no log that no rule asks for. None where nothing asks for any."""
    rules = list(_rules(hosts))
    needed = [one for one in table.logs if one.can_count(now) and any(_asked_for(rule, one) for rule in rules)]
    issued_at = table.issued_at(needed)
    if not rules or issued_at is None:
        return None
    return {"issued_at": issued_at, "logs": [one.member() for one in needed]}


def _asked_for(rule: Mapping[str, Any], log: LogEntry) -> bool:
    if "logs" not in rule and "operators" not in rule:
        return True
    return log.id in rule.get("logs", ()) or log.operator in rule.get("operators", ())


def shards(table: LogTable, logs: Iterable[LogEntry], now: float) -> tuple[LogEntry, ...]:
    """Logs and the later shards of each: what a rule that names single logs has to name."""
    found = {one.id: one for one in logs}
    for log in tuple(found.values()):
        for other in table.logs:
            if log.is_sibling(other) and other.state in _TO_COME and not other.ended(now):
                found.setdefault(other.id, other)
    return tuple(found.values())


def soon(table: LogTable, draft: Document, now: float) -> tuple[Finding, ...]:
    """Rules of a draft that its next shard turnovers will break, as warnings of G6."""
    horizon = int(now) + draft.expires_at - draft.issued_at + TYPICAL_LIFE
    found = []
    for host in draft.payload["hosts"]:
        for rule in _rules([host]):
            found += [Finding(Rule.G6, host["host"], *told) for told in turnovers(rule, table, now, horizon)]
    return tuple(found)


def turnovers(rule: Mapping[str, Any], table: LogTable, now: float, horizon: int) -> Iterator[tuple[str, str]]:
    """What will break a rule for certificates that end by `horizon` (Unix seconds): message and hint, for each."""
    known = {one.operator for one in table.logs} | {one.id for one in table.logs}
    if unknown := [one for one in (*rule.get("operators", ()), *rule.get("logs", ())) if one not in known]:
        hint = "`livepin ct logs list` shows what it knows. Was this mistyped, or has the log's interval ended?"
        yield f"the rule names what the log table does not know: {', '.join(unknown)}", hint
    yield from _ending(rule, table, now, horizon)
    yield from _too_few(rule, table, now, horizon)


def _ending(rule: Mapping[str, Any], table: LogTable, now: float, horizon: int) -> Iterator[tuple[str, str]]:
    """Logs that are named, end too early, and have no heir that the rule lets count."""
    known = [log for log in map(table.log, rule.get("logs", ())) if log is not None]
    for log in known:
        if log.end is None or not now < log.end <= horizon or log.state not in (*_TO_COME, "readonly"):
            continue
        heirs = [one for one in table.logs if log.is_sibling(one) and _covers(one, log.end) and one.state in _TO_COME]
        if any(_asked_for(rule, one) for one in heirs):
            continue
        next_one = f"its next shard is {heirs[0].name}" if heirs else "the log table knows no next shard of it"
        message = f"{log.name} takes no certificate that ends on {date_text(log.end)} or later; {next_one}"
        yield message, "Name it too (`livepin host set HOST --ct-log …`), or name operators instead of logs."


def _too_few(rule: Mapping[str, Any], table: LogTable, now: float, horizon: int) -> Iterator[tuple[str, str]]:
    """Whether the logs that count are enough for every end until the horizon; the first end at which not is told."""
    policy = rule.get("policy", "any")
    counting = [one for one in table.logs if one.state in _TAKING and not one.ended(now) and _asked_for(rule, one)]
    ends = {one.end for one in counting if one.end is not None and one.end <= horizon}
    for end in sorted(ends | {int(now), horizon}):
        taking = [one for one in counting if _covers(one, end)]
        if lack := _lack(policy, taking):
            which = f", if they end on {date_text(end)}," if end > int(now) else ""
            yield f"new certificates{which} {lack}", _DECLARE_MORE
            return


_DECLARE_MORE = "Bring the log table up to date (`livepin ct logs import`), or declare more operators."


def _lack(policy: str, taking: list[LogEntry]) -> str:
    """Why these logs are too few for a policy; empty where they will do."""
    operators = operators_of(taking)
    if not operators:
        return f"find no log that may count; {policy} needs {'one' if policy == 'any' else 'two operators'}"
    if policy != "any" and len(operators) < 2:
        return f"find logs of {operators[0]} alone; {policy} needs two operators"
    if policy == "apple" and all(one.kind != Kind.RFC6962 for one in taking):
        return "find static logs alone; apple needs one of kind rfc6962"
    return ""


def _covers(log: LogEntry, moment: int) -> bool:
    return (log.start is None or log.start <= moment) and (log.end is None or moment < log.end)


def weighed(table: LogTable, chain: Sequence[Certificate], now: float) -> tuple[SctEvidence, ...]:
    """The SCTs of a chain, leaf first, at `now` (Unix seconds): which verify, and count where any log will do.

    As if the table were of now: that it is old is no fault of the certificate's.
    """
    fresh = LogList(int(now), table.log_list().logs)
    return evaluate(CtRule(Action.ENFORCE, "any", None, None), fresh, chain, now).scts


def operators_of(logs: Iterable[LogEntry]) -> list[str]:
    """The operators of logs, each once."""
    return sorted({one.operator for one in logs})


def names_of(table: LogTable, ids: Collection[str]) -> list[str]:
    """The names of logs, for people; an ID that the table does not know stands for itself."""
    return [found.name if (found := table.log(one)) else one for one in ids]
