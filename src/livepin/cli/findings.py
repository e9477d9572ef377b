"""Findings of the guard and outcomes of a publish, as text and as JSON: one form for every command."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from livepin.author.staging import Change
from livepin.cli.output import moment
from livepin.cli.release import Published
from livepin.core.guard import Settlement
from livepin.core.pins import DIGEST_MEMBERS
from livepin.core.trust import Revision


def settlement_members(settlement: Settlement) -> dict[str, Any]:
    """The findings for JSON."""
    return {
        "findings": [asdict(one) for one in settlement.open],
        "overridden": [{**asdict(one.finding), "reason": one.reason} for one in settlement.overridden],
        "warnings": [asdict(one) for one in settlement.warned],
    }


def settlement_text(settlement: Settlement) -> str:
    """The findings for people: rule, host, what, and what to do."""
    lines = []
    for finding in settlement.open:
        lines += [f"{finding.rule}  {finding.host or '(document)'}: {finding.message}", f"    {finding.hint}"]
    for one in settlement.overridden:
        lines.append(f"{one.finding.rule}  {one.finding.host or '(document)'}: {one.finding.message}")
        lines.append(f"    overridden: {one.reason}")
    for finding in settlement.warned:
        lines += [f"{finding.rule}  {finding.host or '(document)'}: warning: {finding.message}", f"    {finding.hint}"]
    return "\n".join(lines)


def revision_members(revision: Revision) -> dict[str, Any]:
    """A revision for JSON."""
    return {
        "epoch": revision.epoch,
        "serial": revision.serial,
        "digest": revision.digest,
        "issued_at": revision.issued_at,
        "expires_at": revision.expires_at,
        "sign_again_by": sign_again_by(revision),
    }


def sign_again_by(revision: Revision) -> int:
    """Half of its life: what a server would do by itself, a person is reminded of (design section 3)."""
    return (revision.issued_at + revision.expires_at) // 2


def published_members(done: Published) -> dict[str, Any]:
    """The outcome of a publish for JSON."""
    members = {**revision_members(done.revision), "confirmed": done.confirmed, **settlement_members(done.settlement)}
    if done.problem is not None:
        members["problem"] = {"code": done.problem.code, "message": done.problem.message, "where": done.problem.where}
    return members


def published_text(done: Published, place: str) -> str:
    """The outcome of a publish for people."""
    revision = done.revision
    number = f"{revision.epoch}.{revision.serial}"
    lines = [settlement_text(done.settlement), f"published {number} to {place}"]
    if done.confirmed:
        lines.append("confirmed through the public URL")
    if done.problem is not None:
        lines += [f"NOT CONFIRMED: {done.problem.message} ({done.problem.where})", f"    {done.problem.hint}"]
    lines.append(f"it expires {moment(revision.expires_at)}; publish again by {moment(sign_again_by(revision))}")
    return "\n".join(line for line in lines if line)


def changes_text(changes: Iterable[Change]) -> str:
    """A diff for people: one line a change."""
    signs = {"added": "+", "removed": "-", "changed": "~"}
    return "\n".join(f"{signs[one.what]} {one.where}: {_values(one)}" for one in changes)


def _values(change: Change) -> str:
    shown = [_value(one) for one in (change.before, change.after) if one is not None]
    return " -> ".join(shown)


def _member(name: str, value: Any) -> str:
    return moment(value) if name in ("from", "until") else _value(value)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        # The digest first: it is what a person compares; a published payload has its members sorted.
        members = sorted(value.items(), key=lambda member: (member[0] not in DIGEST_MEMBERS, member[0]))
        return ", ".join(f"{name} {_member(name, one)}" for name, one in members if name != "host")
    if isinstance(value, list):
        return f"{len(value)} × [{_value(value[0])}]" if len(value) > 1 else "".join(_value(one) for one in value)
    return str(value)
