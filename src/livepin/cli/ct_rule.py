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
from livepin.cli.output import Output
from livepin.cli.project import OpenProject
from livepin.cli.scts import POLICIES
from livepin.core.guard import DAY
from livepin.errors import LookFailed, ProjectInvalid

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


def changed_rule(wish: CtWish, project: OpenProject, pattern: str, out: Output) -> dict[str, Any]:
    """The rule of a host as it is to be. The host stands in the draft already; a live look goes where it says.

    Raises `ProjectInvalid`, `InputInvalid`, `LookFailed`.
    """
    entry = project.draft().host(pattern)
    rule: dict[str, Any] = dict((entry.ct if entry is not None else None) or {"action": "report", "policy": "chrome"})
    rule |= {name: value for name, value in (("action", wish.ct_action), ("policy", wish.ct_policy)) if value}
    only_off = wish.ct_action == "off" and not (wish.ct_operators or wish.ct_logs or wish.ct_from_live)
    # Read before anything is written, so that a mistake in it leaves the project as it was.
    known = None if only_off else project.log_table
    if wish.ct_any or wish.ct_from_live:
        rule.pop("operators", None)
        rule.pop("logs", None)
    if wish.ct_from_live:
        rule |= _live(wish, project, known, pattern, out)
    if wish.ct_operators:
        rule["operators"] = [_operator(one, known) for one in wish.ct_operators]
    if wish.ct_logs:
        rule["logs"] = [_log(one, known, project) for one in wish.ct_logs]
    return rule


def _operator(text: str, known: LogTable | None) -> str:
    """Our ID of an operator. Raises `ProjectInvalid`: one that is mistyped would count for nobody."""
    found = None if known is None else known.operator(text)
    if known is not None and found is None:
        ours = ", ".join(one.id for one in known.operators)
        message = f"the log table has no operator {text!r}"
        raise ProjectInvalid("entry_missing", message, where=FILE_NAME, hint=f"It has {ours}.")
    return text if found is None else found.id


def _log(text: str, known: LogTable | None, project: OpenProject) -> str:
    if known is None:
        raise no_table(project, f"to find the log {text!r} in")
    return known.find(text).id


def no_table(project: OpenProject, why: str) -> ProjectInvalid:
    """The error where there is no log table; `why` it is needed."""
    if project.on_server:
        hint = "Its operator makes one in the server's data folder: `livepin ct logs import -C DATA`."
        return ProjectInvalid("ct_logs_missing", f"the server has no {FILE_NAME} {why}", where=FILE_NAME, hint=hint)
    return ProjectInvalid("ct_logs_missing", f"there is no {FILE_NAME} {why}", where=".")


def _live(wish: CtWish, project: OpenProject, known: LogTable | None, pattern: str, out: Output) -> dict[str, Any]:
    """`operators`, or `logs`, of the SCTs that verify at every address."""
    if known is None:
        raise no_table(project, "to verify SCTs by")
    now = time.time()
    ids = project.proven_logs(pattern, known, wish.timeout, out.progress)
    logs: list[LogEntry] = [found for one in dict.fromkeys(ids) if (found := known.log(one)) is not None]
    if not logs:
        message = "none of the SCTs that it serves is of a log in the table, and counts"
        raise LookFailed("look_failed", message, where=pattern, hint=f"`livepin ct check {pattern}` shows them.")
    if wish.ct_exact:
        return {"logs": [one.id for one in ct_rules.shards(known, logs, now)]}
    return {"operators": ct_rules.operators_of(logs)}


def tell(entry: HostEntry, project: OpenProject, out: Output) -> None:
    """Say what is wrong with a rule, or will be when the next certificates are issued."""
    rule: Mapping[str, Any] = entry.ct or {}
    if rule.get("action", "off") == "off":
        return
    known = project.log_table
    if known is None and project.on_server:
        out.note(f"the server has no {FILE_NAME}, so CT is not evaluated: its operator makes one; see docs/ct.md")
        return
    if known is None:
        out.note(f"there is no {FILE_NAME}, so CT is not evaluated: `livepin ct logs import` or `add`; see docs/ct.md")
        return
    now = time.time()
    horizon = int(now) + project.draft().life_days * DAY + ct_rules.TYPICAL_LIFE
    for message, hint in ct_rules.turnovers(rule, known, now, horizon):
        out.note(f"{message}. {hint}")


def rule_text(rule: Mapping[str, Any], project: OpenProject) -> str:
    """A rule in one line. The log table is read only for a rule that names logs: the others stand a broken one."""
    if rule["action"] == "off":
        return "ct off"
    parts = [f"ct {rule['action']}", f"policy {rule['policy']}"]
    parts += [f"operators {', '.join(rule['operators'])}"] if "operators" in rule else []
    if "logs" in rule:
        known = project.log_table
        parts.append(f"logs {', '.join(ct_rules.names_of(known, rule['logs']) if known else rule['logs'])}")
    return "; ".join(parts)
