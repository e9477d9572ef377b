"""`livepin ct`: Certificate Transparency. The log table is in `ct_logs`; here a chain is held against it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from livepin.author.ct_logs import LogTable
from livepin.author.files import read_text
from livepin.author.names import typed_pattern
from livepin.author.project import FILE_NAME
from livepin.cli.ct_log import need_table
from livepin.cli.ct_logs import logs
from livepin.cli.ct_rule import no_table
from livepin.cli.exits import Exit
from livepin.cli.look import ca_option, proxy_option
from livepin.cli.options import MomentType, address_option, json_option, timeout_option
from livepin.cli.output import Output
from livepin.cli.project import OpenProject
from livepin.cli.projects import open_project
from livepin.cli.scts import POLICIES, examine, result_members, result_text, rule_text
from livepin.cli.where import Where, profile_of, project_options
from livepin.core.document import Action, CtRule
from livepin.core.hosts import candidates
from livepin.core.pins import Certificate, certificates_of_pem
from livepin.errors import CertificateInvalid, InputInvalid, LookFailed, ProjectInvalid
from livepin.watch import probe
from livepin.watch.address import Address, parse_address, parse_proxy


@click.group()
def ct() -> None:
    """Certificate Transparency: the log table, and what certificates prove by it."""


ct.add_command(logs)


@dataclass(frozen=True, slots=True)
class _Chain:
    """A chain to be judged. `problem`: why ordinary TLS validation refuses it, which then is all that matters."""

    where: str
    certificates: tuple[Certificate, ...]
    problem: str = ""


@ct.command()
@click.argument("source", metavar="FILE|HOST[:PORT]")
@click.option("--policy", type=click.Choice(POLICIES), help="The policy; chrome unless a host's rule is applied.")
@click.option("--host", "pattern", help="Apply the CT rule that the project has for this pattern.")
@click.option("--at", type=MomentType(), help="Judge as of this time instead of now.")
@address_option
@proxy_option
@ca_option
@timeout_option
@project_options
@json_option
def check(
    source: str,
    policy: str | None,
    pattern: str | None,
    at: int | None,
    address: Address | None,
    proxy: str | None,
    ca: Path | None,
    timeout: float,
    where: Where,
    as_json: bool,
) -> int:
    """Verify the SCTs of a chain (a PEM file, leaf first, or what HOST serves); exit status 1 where CT is not met.

    Of a HOST of the project, its own CT rule is applied, unless --policy says otherwise. Of a server's project the log
    table is the operator's; it is this machine that looks.
    """
    out, now = Output(as_json), time.time() if at is None else float(at)
    project = _project(where)
    known = _table(where, project)
    if _is_file(source):
        chains = [_Chain(source, _of_file(Path(source)))]
        rule = _rule(project, policy, pattern, None)
    else:
        place = parse_address(source)
        out.progress(f"looking at {place}")
        rule = _rule(project, policy, pattern, place.host)
        chains = _live(place, address, proxy, ca, timeout)
    judged = [_judged(one, known, now, rule) for one in chains]
    satisfied = all(members["satisfied"] for members, _ in judged)
    evaluated = all(members["evaluated"] for members, _ in judged)
    verdict = "CT is met" if satisfied else "CT IS NOT MET" if evaluated else "CT WAS NOT EVALUATED"
    asked = {"policy": rule.policy, "operators": _sorted(rule.operators), "logs": _sorted(rule.logs)}
    members = {"satisfied": satisfied, "rule": asked, "chains": [members for members, _ in judged]}
    text = "\n\n".join(text for _, text in judged)
    out.result(members, f"{text}\n\n{verdict} ({rule_text(rule)})")
    return Exit.OK if satisfied else Exit.NO


def _is_file(source: str) -> bool:
    return Path(source).exists() or "/" in source or source.endswith((".pem", ".crt", ".cer"))


def _of_file(path: Path) -> tuple[Certificate, ...]:
    """The leaf, and behind it its issuer: files keep them in any order. Raises `InputInvalid`."""
    try:
        leaf, *others = certificates_of_pem(read_text(path))
    except CertificateInvalid as error:
        raise InputInvalid(error.code, error.message, where=str(path)) from None
    others.sort(key=lambda one: not _issued(one, leaf))
    return (leaf, *others)


def _issued(issuer: Certificate, leaf: Certificate) -> bool:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        above, below = (x509.load_der_x509_certificate(one.der) for one in (issuer, leaf))
        below.verify_directly_issued_by(above)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _live(place: Address, address: Address | None, proxy: str | None, ca: Path | None, timeout: float) -> list[_Chain]:
    """What every address serves. Raises `LookFailed` where none answers."""
    seen = probe.look(
        place.host,
        place.port,
        address=address,
        proxy=parse_proxy(proxy) if proxy else None,
        ca_file=str(ca) if ca else None,
        timeout=timeout,
    )
    found = [
        _Chain(f"{place.host} at {one.address}", one.verified or one.served, "" if one.verified else one.invalid)
        for one in seen.answers
        if one.reachable
    ]
    if not found:
        why = "; ".join(f"{one.address}: {one.error}" for one in seen.answers) or seen.error
        raise LookFailed("look_failed", f"nothing to look at: {why}", where=str(place))
    return found


def _project(where: Where) -> OpenProject | None:
    """The project whose rules are meant; None where a folder has a log table and no project file."""
    is_file = profile_of(where) is None
    return None if is_file and not (where.directory / FILE_NAME).exists() else open_project(where)


def _table(where: Where, project: OpenProject | None) -> LogTable:
    """The log table. Raises `ProjectInvalid` (`ct_logs_missing`)."""
    if project is None or not project.on_server:
        return need_table(where.directory)
    if (found := project.log_table) is None:
        raise no_table(project, "to verify SCTs by")
    return found


def _rule(project: OpenProject | None, policy: str | None, pattern: str | None, host: str | None) -> CtRule:
    """The rule to apply: of the host that was named or is covered, else the policy alone. Raises `ProjectInvalid`."""
    plain = CtRule(Action.ENFORCE, policy or "chrome", None, None)
    if pattern is None and (host is None or policy is not None or project is None):
        return plain
    if project is None:
        raise ProjectInvalid("project_missing", f"there is no {FILE_NAME} with a rule for {pattern}", where="--host")
    draft = project.draft()
    names = [typed_pattern(pattern).text] if pattern is not None else list(candidates(host or ""))
    entry = next((found for name in names if (found := draft.host(name)) is not None), None)
    if entry is None or entry.ct is None or entry.ct["action"] == "off":
        if pattern is None:
            return plain
        message = f"the project has no CT rule for {names[0]}"
        hint = f"`livepin host set '{names[0]}' --ct report` adds one."
        raise ProjectInvalid("entry_missing", message, where=FILE_NAME, hint=hint)
    operators, only = (frozenset(entry.ct[name]) if name in entry.ct else None for name in ("operators", "logs"))
    return CtRule(Action.ENFORCE, policy or entry.ct["policy"], operators, only)


def _judged(chain: _Chain, known: LogTable, now: float, rule: CtRule) -> tuple[dict[str, Any], str]:
    """One chain, for JSON and for people."""
    evidence = examine(chain.certificates, known, now, rule)
    result = evidence.rule
    satisfied = result.satisfied and not chain.problem
    members = {
        "where": chain.where,
        "invalid": chain.problem,
        "satisfied": satisfied,
        "evaluated": result.evaluated,
        "reasons": result_members(result)["reasons"],
        **evidence.members(),
    }
    lines = [chain.where]
    if chain.problem:
        lines.append(f"  NOT VALID: {chain.problem}: applications refuse it before they look at SCTs")
    lines += [f"  {line}" for line in evidence.lines()]
    if rule.operators is not None or rule.logs is not None:
        lines.append(f"  {'rule':<7} {result_text(result)}")
    return members, "\n".join(lines)


def _sorted(names: frozenset[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)
