"""The CT rule of a host (J7), as `livepin host set` changes it: typed, or taken from what the host serves now."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import click

from livepin.author import ct_rules
from livepin.author.ct_logs import FILE_NAME, LogEntry, LogTable
from livepin.author.draft import ACTIONS, HostEntry
from livepin.author.project import ProjectFile
from livepin.cli.desk import Desk
from livepin.cli.output import Output
from livepin.cli.scts import POLICIES, examine
from livepin.core.guard import DAY
from livepin.errors import InputInvalid, LookFailed, ProjectInvalid
from livepin.watch.sights import sights_of_host
from livepin.watch.survey import survey

_OPTIONS = (
    click.option(
        "--ct", "ct_action", type=click.Choice(ACTIONS), help="What a failure of CT does; report for a new rule."
    ),
    click.option("--ct-policy", type=click.Choice(POLICIES), help="What is asked for; chrome for a new rule."),
    click.option("--ct-operator", "ct_operators", multiple=True, help="An operator whose logs count. Repeatable."),
    click.option("--ct-log", "ct_logs", multiple=True, help="A log that counts: its name, or its ID. Repeatable."),
    click.option("--ct-any", is_flag=True, help="Let every log of the table count."),
    click.option("--ct-from-live", is_flag=True, help="Declare the operators of what is served now."),
    click.option("--ct-exact", is_flag=True, help="With --ct-from-live: declare the logs, and their next shards."),
)


@dataclass(frozen=True, slots=True)
class CtWish:
    """The options of `ct_options` by their names; what was not given stays as it is. `timeout` in seconds."""

    ct_action: str | None
    ct_policy: str | None
    ct_operators: tuple[str, ...]
    ct_logs: tuple[str, ...]
    ct_any: bool
    ct_from_live: bool
    ct_exact: bool
    timeout: float

    @property
    def empty(self) -> bool:
        """Whether nothing was asked for."""
        return not (
            self.ct_action or self.ct_policy or self.ct_operators or self.ct_logs or self.ct_any or self.ct_from_live
        )

    def check(self) -> None:
        """Raises `UsageError` for options that contradict each other."""
        ways = (bool(self.ct_operators or self.ct_logs), self.ct_any, self.ct_from_live)
        if sum(ways) > 1:
            raise click.UsageError("--ct-operator and --ct-log, --ct-any, and --ct-from-live exclude each other")
        if self.ct_exact and not self.ct_from_live:
            raise click.UsageError("--ct-exact goes with --ct-from-live")


def ct_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """All options of a CT rule; they reach the command under the names of `CtWish`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def changed_rule(wish: CtWish, file: ProjectFile, pattern: str, out: Output) -> dict[str, Any]:
    """The rule of a host as it is to be. The host stands in `file` already; a live look goes where it says.

    Raises `ProjectInvalid`, `InputInvalid`, `LookFailed`.
    """
    desk = Desk(file.read())
    entry = desk.project.host(pattern)
    rule: dict[str, Any] = dict((entry.ct if entry is not None else None) or {"action": "report", "policy": "chrome"})
    rule |= {name: value for name, value in (("action", wish.ct_action), ("policy", wish.ct_policy)) if value}
    only_off = wish.ct_action == "off" and not (wish.ct_operators or wish.ct_logs or wish.ct_from_live)
    # Read before anything is written, so that a mistake in it leaves the project as it was.
    known = None if only_off else desk.log_table
    if wish.ct_any or wish.ct_from_live:
        rule.pop("operators", None)
        rule.pop("logs", None)
    if wish.ct_from_live:
        rule |= _live(wish, desk, pattern, out)
    if wish.ct_operators:
        rule["operators"] = [_operator(one, known) for one in wish.ct_operators]
    if wish.ct_logs:
        rule["logs"] = [_log(one, known) for one in wish.ct_logs]
    return rule


def _operator(text: str, known: LogTable | None) -> str:
    """Our ID of an operator. Raises `ProjectInvalid`: one that is mistyped would count for nobody."""
    found = None if known is None else known.operator(text)
    if known is not None and found is None:
        ours = ", ".join(one.id for one in known.operators)
        message = f"the log table has no operator {text!r}"
        raise ProjectInvalid("entry_missing", message, where=FILE_NAME, hint=f"It has {ours}.")
    return text if found is None else found.id


def _log(text: str, known: LogTable | None) -> str:
    if known is None:
        raise ProjectInvalid("ct_logs_missing", f"there is no {FILE_NAME} to find the log {text!r} in", where=".")
    return known.find(text).id


def _live(wish: CtWish, desk: Desk, pattern: str, out: Output) -> dict[str, Any]:
    """`operators`, or `logs`, of the SCTs that verify at every address."""
    known = desk.log_table
    if known is None:
        raise ProjectInvalid("ct_logs_missing", f"there is no {FILE_NAME} to verify SCTs by", where=".")
    sights = sights_of_host(desk.project, pattern)
    if not sights:
        message = "a wildcard can be looked at only where the project names a host below it"
        hint = f"`livepin host set '{pattern}' --look-at HOST`"
        raise InputInvalid("usage", message, where=pattern, hint=hint)
    seen = survey(sights, desk.means(wish.timeout), lambda sight: out.progress(f"looking at {sight.host}"))
    chains = [answer.verified for _, look in seen for answer in look.answers if answer.verified]
    if not chains:
        problems = [one.invalid or one.error for _, look in seen for one in look.answers]
        why = "; ".join(dict.fromkeys(problems)) or "no address answered"
        raise LookFailed("look_failed", f"no validated chain to take SCTs from: {why}", where=pattern)
    now = time.time()
    ids = [one.log_id for chain in chains for one in examine(chain, known, now).scts if one.counts]
    logs: list[LogEntry] = [found for one in dict.fromkeys(ids) if one and (found := known.log(one)) is not None]
    if not logs:
        message = "none of the SCTs that it serves is of a log in the table, and counts"
        raise LookFailed("look_failed", message, where=pattern, hint=f"`livepin ct check {pattern}` shows them.")
    if wish.ct_exact:
        return {"logs": [one.id for one in ct_rules.shards(known, logs, now)]}
    return {"operators": ct_rules.operators_of(logs)}


def tell(entry: HostEntry, desk: Desk, out: Output) -> None:
    """Say what is wrong with a rule, or will be when the next certificates are issued."""
    rule: Mapping[str, Any] = entry.ct or {}
    if rule.get("action", "off") == "off":
        return
    if desk.log_table is None:
        out.note(f"there is no {FILE_NAME}, so CT is not evaluated: `livepin ct logs import` or `add`; see docs/ct.md")
        return
    now = time.time()
    horizon = int(now) + desk.project.life_days * DAY + ct_rules.TYPICAL_LIFE
    for message, hint in ct_rules.turnovers(rule, desk.log_table, now, horizon):
        out.note(f"{message}. {hint}")


def rule_text(rule: Mapping[str, Any], desk: Desk) -> str:
    """A rule in one line."""
    if rule["action"] == "off":
        return "ct off"
    parts = [f"ct {rule['action']}", f"policy {rule['policy']}"]
    parts += [f"operators {', '.join(rule['operators'])}"] if "operators" in rule else []
    if "logs" in rule:
        known = desk.log_table
        parts.append(f"logs {', '.join(ct_rules.names_of(known, rule['logs']) if known else rule['logs'])}")
    return "; ".join(parts)
