"""`livepin host`: the hosts of a project and their policies."""

from __future__ import annotations

from typing import Any

import click

from livepin.author.draft import ACTIONS, WHEN_EXPIRED, HostEntry
from livepin.author.names import readable, typed_pattern
from livepin.cli import ct_rule
from livepin.cli.ct_rule import CtWish, ct_options
from livepin.cli.options import AddressType, address_option, dry_run_option, json_option, timeout_option
from livepin.cli.output import Output, table
from livepin.cli.projects import open_project
from livepin.cli.where import Where, project_options
from livepin.watch.address import Address


@click.group()
def host() -> None:
    """Hosts: one pattern each (name, *.name, **.name) with its policy."""


@host.command("set")
@click.argument("pattern")
@click.option("--action", type=click.Choice(ACTIONS), help="What a failure does; enforce for a new host.")
@click.option("--rollout", type=click.IntRange(0, 100), help="Percentage of installations that enforce.")
@click.option("--when-expired", type=click.Choice(WHEN_EXPIRED), help="What a failure means in an expired document.")
@click.option("--reason", help="Why when_expired is allow.")
@click.option("--look-at", type=AddressType(), multiple=True, help="A host that a wildcard covers, to be looked at.")
@address_option
@ct_options
@timeout_option
@project_options
@dry_run_option
@json_option
def set_(
    pattern: str,
    action: str | None,
    rollout: int | None,
    when_expired: str | None,
    reason: str | None,
    look_at: tuple[Address, ...],
    address: Address | None,
    where: Where,
    dry_run: bool,
    as_json: bool,
    **ct: Any,
) -> None:
    """Add PATTERN, or change its policy. International names may be typed as they are."""
    out = Output(as_json)
    typed = typed_pattern(pattern)
    given: dict[str, Any] = {"action": action, "rollout": rollout, "when_expired": when_expired, "reason": reason}
    given["look_at"] = [str(one) for one in look_at] or None
    given["address"] = str(address) if address else None
    members = {name: value for name, value in given.items() if value is not None}
    wish = CtWish(**ct)
    wish.check()
    project = open_project(where)
    is_new = project.set_host(typed.text, members)
    if not wish.empty:
        project.set_host(typed.text, {"ct": ct_rule.changed_rule(wish, project, typed.text, out)})
    entry = project.draft().host(typed.text)
    if not dry_run:
        project.save()
    if typed.other:
        out.note(
            f"some clients ask for {typed.other} (IDNA 2003) instead: `livepin host set '{typed.other}'` covers it"
        )
    if entry is not None and not wish.empty:
        ct_rule.tell(entry, project, out)
    if entry is not None and entry.action != "off" and not entry.pins and not entry.deny:
        out.note(f"it has no pins yet: `livepin pin add '{typed.text}' --live`")
    verb = f"{'would be ' if dry_run else ''}{'added' if is_new else 'changed'}"
    rule = entry.ct if entry is not None and not wish.empty else None
    shown = f" ({ct_rule.rule_text(rule, project)})" if rule else ""
    out.result({"host": typed.text, "new": is_new, "ct": rule, "dry_run": dry_run}, f"{typed.text} {verb}{shown}")


@host.command()
@click.argument("pattern")
@project_options
@dry_run_option
@json_option
def remove(pattern: str, where: Where, dry_run: bool, as_json: bool) -> None:
    """Remove PATTERN with its pins from the project."""
    project, text = open_project(where), typed_pattern(pattern).text
    project.remove_host(text)
    if not dry_run:
        project.save()
    verb = "would be removed" if dry_run else "removed"
    Output(as_json).result({"host": text, "dry_run": dry_run}, f"{text} {verb}")


@host.command("list")
@project_options
@json_option
def list_(where: Where, as_json: bool) -> None:
    """List the hosts of the project."""
    entries = open_project(where).draft().hosts
    heads = ("HOST", "ACTION", "PINS", "DENIED", "ROLLOUT", "WHEN EXPIRED")
    text = table([_row(entry) for entry in entries], heads) or "no hosts"
    Output(as_json).result({"hosts": [_members(entry) for entry in entries]}, text)


def _row(entry: HostEntry) -> tuple[str, ...]:
    pins = "-" if entry.pins is None else str(len(entry.pins))
    return readable(entry.host), entry.action, pins, str(len(entry.deny)), f"{entry.rollout} %", entry.when_expired


def _members(entry: HostEntry) -> dict[str, Any]:
    return {
        "host": entry.host,
        "action": entry.action,
        "pins": None if entry.pins is None else len(entry.pins),
        "deny": len(entry.deny),
        "rollout": entry.rollout,
        "when_expired": entry.when_expired,
        "reason": entry.reason,
        "ct": entry.ct,
        "look_at": list(entry.look_at),
        "address": entry.address,
    }
