"""`livepin ct logs import` and `compare`: published lists, and what they would change in the log table."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click

from livepin.author import ct_import, ct_lists
from livepin.author.ct_import import Identity, LogChange, Plan
from livepin.author.ct_lists import ForeignList
from livepin.author.ct_logs import FILE_NAME, LogTable, LogTableFile, Review, Source
from livepin.author.draft import is_identifier
from livepin.author.files import read_bytes
from livepin.cli.ct_log import confirm, members_of, need_table, said_of
from livepin.cli.exits import Exit
from livepin.cli.options import MomentType, directory_option, dry_run_option, json_option, yes_option
from livepin.cli.output import Output, moment, table
from livepin.errors import InputInvalid

date_option = click.option(
    "--date", "dated", type=MomentType(), help="As of when the list is, where it does not say so itself."
)
_PATH = click.Path(dir_okay=False, path_type=Path)
_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


class IdentityType(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on only
    """`NAME=ID`, such as `IPng GmbH=ipng`."""

    name = "NAME=ID"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """The name in the list, and the identity of ours."""
        if isinstance(value, tuple):
            return value
        name, separator, wanted = str(value).rpartition("=")
        if not separator or not name.strip():
            self.fail(f"{value!r} is not NAME=ID", param, ctx)
        return name.strip(), wanted.strip()


@dataclass(frozen=True, slots=True)
class _Wish:
    """How a list is to be imported."""

    file: Path
    signature: Path | None
    public_key: Path | None
    unsigned: bool
    dated: int | None
    given: dict[str, str]
    remove_missing: bool


@click.command("import")
@click.argument("file", type=_PATH)
@click.option("--signature", type=_PATH, help="The list's signature: RSA, PKCS#1 v1.5, SHA-256, over its bytes.")
@click.option("--public-key", type=_PATH, help="The key of whoever signs the list, in PEM or DER.")
@click.option("--unsigned", is_flag=True, help="Take the list without a signature: you trust the way it came.")
@date_option
@click.option(
    "--operator",
    "given",
    type=IdentityType(),
    multiple=True,
    help="Who an operator of the list is to us. Repeatable.",
)
@click.option(
    "--remove-missing", is_flag=True, help="Also remove logs of operators that the list does not name at all."
)
@yes_option
@directory_option
@dry_run_option
@json_option
def import_(
    file: Path,
    signature: Path | None,
    public_key: Path | None,
    unsigned: bool,
    dated: int | None,
    given: tuple[tuple[str, str], ...],
    remove_missing: bool,
    yes: bool,
    directory: Path,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Bring the log table up to date from a list that somebody publishes: Chrome's (version 3) or Apple's."""
    out = Output(as_json)
    wish = _Wish(file, signature, public_key, unsigned, dated, dict(given), remove_missing)
    asks = not (yes or dry_run or as_json)
    data = read_bytes(file)
    signed_by = _signed_by(data, wish)
    foreign = ct_lists.parse(data)
    target = LogTableFile.open(directory)
    before, now = target.read(), time.time()
    review = Review(foreign.source, _issued_at(foreign, dated), foreign.version, signed_by)
    ct_import.check_date(before, foreign, review, now)
    foreign = ct_import.of_use(before, foreign, now)
    names = _names(ct_import.identities(before, foreign, wish.given), asks=asks)
    plan = ct_import.plan(before, foreign, review, names, now, remove_missing=remove_missing)
    for note in plan.notes:
        out.note(note)
    text = f"{_head(review)}\n{_changes_text(plan, before)}"
    if not dry_run and not plan.empty:
        if not yes:
            confirm(text, asks=asks)
            text = _head(review)
        plan.apply(target)
        target.save()
    verb = "nothing changes" if plan.empty else f"{FILE_NAME} {'would be ' if dry_run else ''}brought up to date"
    members = {**asdict(review), "dry_run": dry_run, "changed": not plan.empty, **_plan_members(plan)}
    out.result(members, f"{text}\n{verb}")
    return Exit.OK


def _signed_by(data: bytes, wish: _Wish) -> str:
    """SPKI SHA-256 of the key that signed the list; empty where a person does without. Raises `InputInvalid`."""
    if wish.signature is None and wish.public_key is None:
        if not wish.unsigned:
            raise InputInvalid("ct_list_unsigned", "nobody vouches for this list", where=str(wish.file))
        return ""
    if wish.signature is None or wish.public_key is None or wish.unsigned:
        raise click.UsageError("--signature and --public-key belong together, and exclude --unsigned")
    return ct_lists.check_signature(data, read_bytes(wish.signature), read_bytes(wish.public_key))


def _issued_at(foreign: ForeignList, dated: int | None) -> int:
    """As of when the list is. Raises `InputInvalid` where nobody says it."""
    if foreign.issued_at is not None:
        if dated is not None:
            raise click.UsageError(f"--date: the list says itself that it is of {moment(foreign.issued_at)}")
        return foreign.issued_at
    if dated is None:
        hint = "Say with --date when you fetched it: from then on it ages."
        raise InputInvalid("ct_list_invalid", "this list carries no date", where=foreign.source, hint=hint)
    return dated


def _names(found: tuple[Identity, ...], *, asks: bool) -> dict[str, str]:
    """IDs of operators by name; a person is asked for new ones."""
    names = {}
    for one in found:
        names[one.name] = one.id
        while one.new and asks and sys.stdin.isatty():
            names[one.name] = click.prompt(f"Our ID for the operator {one.name!r}", default=one.id, err=True)
            if is_identifier(names[one.name]):
                break
    return names


def _head(review: Review) -> str:
    signed = f"signed by {review.signed_by}" if review.signed_by else "NOT SIGNED"
    version = f" {review.version}" if review.version else ""
    return f"{review.source}{version} of {moment(review.issued_at)}, {signed}"


def _changes_text(plan: Plan, before: LogTable) -> str:
    """A line for every log and every operator."""
    known = {one.id for one in before.operators}
    lines = [f"  {'~' if one.id in known else '+'} operator {one.id}: {', '.join(one.names)}" for one in plan.operators]
    rows = [
        (f"  {_SIGNS[one.what]} {one.log.name}", one.log.operator, one.why or said_of(one.log), one.log.id)
        for one in plan.changes
    ]
    return "\n".join([*lines, table(rows)]).rstrip()


def _plan_members(plan: Plan) -> dict[str, Any]:
    return {
        "changes": [_change_members(one) for one in plan.changes],
        "operators": [asdict(one) for one in plan.operators],
    }


def _change_members(change: LogChange) -> dict[str, Any]:
    return {"what": change.what, "why": change.why, "log": members_of(change.log)}


@click.command()
@click.argument("file", type=_PATH)
@date_option
@directory_option
@json_option
def compare(file: Path, dated: int | None, directory: Path, as_json: bool) -> int:
    """Hold the log table against a published list, and change nothing; exit status 1 where they differ."""
    out = Output(as_json)
    ours, now = need_table(directory), time.time()
    foreign = ct_import.of_use(ours, ct_lists.parse(read_bytes(file)), now)
    names = {one.name: one.id for one in ct_import.identities(ours, foreign, {})}
    issued_at = foreign.issued_at if foreign.issued_at is not None else dated or foreign.known_at
    review = Review(foreign.source, issued_at, foreign.version)
    # Of everything, whoever answers for it: this is a second opinion. Logs of one's own no list names.
    listed = {one.id for one in foreign.logs}
    public = [one for one in ours.logs if one.source != Source.HAND or one.id in listed]
    whole = replace(ours, logs=tuple(replace(one, source=foreign.source) for one in public))
    plan = ct_import.plan(whole, foreign, review, names, now, remove_missing=True)
    for note in foreign.notes:
        out.note(note)
    version = f" {review.version}" if review.version else ""
    head = f"{review.source}{version} of {moment(issued_at)}, against {FILE_NAME}"
    text = _changes_text(plan, ours) or "  nothing differs"
    members = {"source": review.source, "version": review.version, "issued_at": issued_at, **_plan_members(plan)}
    out.result({**members, "same": not plan.changes}, f"{head}\n{text}")
    return Exit.NO if plan.changes else Exit.OK
