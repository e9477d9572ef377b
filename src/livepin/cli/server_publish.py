"""Publishing on a server, followed from here: asked for once, told step by step, and signed here where it has to be.

The threat in signing here: a server that somebody else owns asks one's own key for something that nobody wanted. So
what it hands out is read before the key is touched: it has to be a document of this project, of the content that was
asked for, with a life and a number that are within reason; and what it changes is shown.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livepin.author import staging
from livepin.author.files import write_atomically
from livepin.author.signers import opening
from livepin.author.signers.detached import SigningInput, sign_input
from livepin.author.signers.places import parse_place
from livepin.author.staging import Change
from livepin.cli.exits import Exit
from livepin.cli.findings import changes_text, published_members, settlement_members, settlement_text, sign_again_by
from livepin.cli.output import Output, moment
from livepin.cli.passphrase import secret_of
from livepin.cli.project import Wishes
from livepin.cli.release import GuardRefused, Published
from livepin.core.base64s import b64url
from livepin.core.document import Document
from livepin.core.guard import MAX_LIFE_OWN_KEYS, Finding, Overridden, Rule, Settlement
from livepin.core.trust import Revision, verify_held
from livepin.errors import (
    CommandFailed,
    DocumentRefused,
    KeyUnusable,
    LivepinError,
    OriginFailed,
    ProjectInvalid,
    PublishRefused,
    ServerFailed,
)

if TYPE_CHECKING:
    from livepin.cli.project_server import ServerProject

#: Seconds that one question about a publish waits for an answer: as often something is told.
_STEP = 2
#: How long a publish is followed, in seconds; it goes on on the server all the same.
_PATIENCE = 900.0
#: Signatures over one publish: each time somebody else was faster, another number has to be signed.
_SIGNATURES = 5
#: A number this far above the published one is no race between two machines.
_LEAP = 1000
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for. `path`: where; `content`: what the document has to say, asked where it is signed here.

    `if_match`: the draft's version, empty where it is not about the draft; `members`: more to say to the server;
    `afterwards`: what happens then, where the server does not sign it again.
    """

    path: str
    content: Callable[[], Mapping[str, Any]]
    if_match: str = ""
    members: Mapping[str, Any] = field(default_factory=dict)
    afterwards: str = ""


def run(out: Output, project: ServerProject, wishes: Wishes, order: Order) -> int:
    """Ask for a publish, follow it to its end, and tell what came of it; the exit status.

    Raises `GuardRefused`, `KeyUnusable`, what the server refuses with, and what the publish failed for.
    """
    one, publish, told = _asked(out, project, wishes, order)
    for _ in range(_SIGNATURES):
        if publish["state"] != "unsigned":
            break
        _sign(out, project, wishes, order, one)
        publish = _followed(out, project, one, told)
    return _outcome(out, project, publish, signed_here=bool(wishes.signer), afterwards=order.afterwards)


def export(out: Output, project: ServerProject, wishes: Wishes, path: Path) -> int:
    """Ask for a publish, and write what the key on another machine has to sign for it; the exit status."""
    order = project.order()
    one, publish, _ = _asked(out, project, wishes, order)
    if publish["state"] != "unsigned":
        return _outcome(out, project, publish, signed_here=False)
    wanted = _wanted(out, project, order, one)
    write_atomically(path, f"{wanted.data.decode('ascii')}\n")
    lines = [
        f"to be signed elsewhere: {path} ({wanted.summary})",
        f"there: `livepin keys sign-input {path.name} --signer KEY`; back here: `livepin sign --import FILE`",
    ]
    members = {"export": str(path), "serial": wanted.payload["serial"], "publish": publish["id"]}
    out.result({**members, "server": project.api.url}, "\n".join(lines))
    return Exit.OK


def follow(out: Output, project: ServerProject, one: str) -> int:
    """Follow a publish that is there, by its path, to its end; the exit status. Raises what it failed for."""
    return _outcome(out, project, _followed(out, project, one, set()), signed_here=False)


def bring(out: Output, project: ServerProject, answer: bytes) -> int:
    """Bring what another machine signed to the publish that waits for it, and follow that; the exit status."""
    listed = project.api.get(f"{project.path}/publishes", limit=50).members["items"]
    waiting = next((one for one in listed if one["state"] == "unsigned"), None)
    if waiting is None:
        message, hint = "no publish of this project waits for a signature", "`livepin sign --export FILE` asks for one."
        raise ProjectInvalid("state_wrong", message, where=project.name, hint=hint)
    one = f"{project.path}/publishes/{waiting['id']}"
    # Bytes that are no text are a signature alone, which the server takes in base64url.
    text = answer.decode("ascii").strip() if answer.isascii() else b64url(answer)
    project.api.ask("PUT", f"{one}/signature", {"signature": text})
    return _outcome(out, project, _followed(out, project, one, set()), signed_here=True)


def _asked(
    out: Output, project: ServerProject, wishes: Wishes, order: Order
) -> tuple[str, dict[str, Any], set[tuple[str, str]]]:
    """Where the publish is that was asked for, the publish once it is at rest, and which steps were told."""
    body = {"overrides": {str(rule): reason for rule, reason in wishes.overrides}, **order.members}
    out.progress(f"asking {project.name}")
    # The key is made once: an answer that got lost on its way does not make two publishes of one wish.
    asked = project.api.ask("POST", order.path, body, if_match=order.if_match, key=f"cli-{secrets.token_hex(16)}")
    one = f"{project.path}/publishes/{asked.members['id']}"
    told: set[tuple[str, str]] = set()
    return one, _followed(out, project, one, told), told


def _followed(out: Output, project: ServerProject, one: str, told: set[tuple[str, str]]) -> dict[str, Any]:
    """The publish once it is at rest; every step is told when it is done."""
    end = time.monotonic() + _PATIENCE
    while True:
        publish = project.api.get(one, wait=_STEP).members
        if _moves_on(publish):
            time.sleep(0.2)  # the server answers at once in that state
        for step in publish["steps"]:
            if (found := (str(step["step"]), str(step["where"]))) not in told:
                told.add(found)
                out.progress(": ".join(part for part in found if part))
        if publish["state"] not in ("checking", "publishing") and not _moves_on(publish):
            return publish
        if time.monotonic() > end:
            message = f"it is still {publish['state']} there, and goes on without this command"
            raise ServerFailed("server_failed", message, where=project.name)


def _moves_on(publish: Mapping[str, Any]) -> bool:
    """Whether a publish that waits does so for its worker alone."""
    return publish["state"] == "waiting" and _missing(publish) <= 0 and "scheduled_for" not in publish


def standing(publish: Mapping[str, Any]) -> str:
    """The state of a publish in a few words, with whom or what it waits for."""
    if publish["state"] != "waiting":
        return str(publish["state"])
    missing = _missing(publish)
    what = f"{missing} more approvals" if missing > 1 else "another member's approval" if missing == 1 else "its hour"
    return f"waits for {what}"


def _missing(publish: Mapping[str, Any]) -> int:
    """Other members' approvals that are still to come."""
    return int(publish["approvals_required"]) - 1 - len(publish["approvals"])


# ---------------------------------------------------------------- signing here


def _sign(out: Output, project: ServerProject, wishes: Wishes, order: Order, one: str) -> None:
    """Bring a signature of one's own key. Where that fails, the publish is called off: nothing waits for nobody."""
    wanted = _wanted(out, project, order, one)
    try:
        if not wishes.signer:
            message = "this project's documents are signed with your own key, which the server has not got"
            raise KeyUnusable("signature_elsewhere", message, where=project.name, hint="Name it with --signer PLACE.")
        place, secret = parse_place(wishes.signer), secret_of(wishes.passphrase_file)
        jws = sign_input(wanted, opening.open_signer(place, project.directory, None, secret))
    except LivepinError:
        project.api.ask("POST", f"{one}/cancel")
        raise
    project.api.ask("PUT", f"{one}/signature", {"signature": jws})


def _wanted(out: Output, project: ServerProject, order: Order, one: str) -> SigningInput:
    """What the server asks to have signed, if it is what was asked for; what it changes is shown."""
    try:
        wanted = SigningInput.parse(project.api.get(f"{one}/signing-input").members["signing_input"].encode())
        published = project.published()
        _check(project, order, wanted, published)
    except LivepinError:
        project.api.ask("POST", f"{one}/cancel")
        raise
    before = None if published is None else published.document.payload
    changes = changes_text(staging.diff(before, wanted.payload)) or "nothing but the dates"
    for line in (f"to sign: {wanted.summary}, which changes", *changes.splitlines()):
        out.progress(line)
    return wanted


def _check(project: ServerProject, order: Order, wanted: SigningInput, published: Revision | None) -> None:
    """Raise `KeyUnusable` (`signature_refused`) for anything but what was asked for."""
    why = _fault(project, order, wanted, (0, 0) if published is None else published.number)
    if why:
        raise KeyUnusable("signature_refused", f"the server asks to sign something else: {why}", where=project.name)


def _fault(project: ServerProject, order: Order, wanted: SigningInput, number: tuple[int, int]) -> str:
    """What is wrong with a signing input; empty where nothing is."""
    if wanted.kind != "document":
        return "it is no document"
    try:
        said = Document.from_payload(dict(wanted.payload)).payload
    except DocumentRefused as error:
        return f"applications would refuse it: {error.message}"
    expected = order.content()
    faults = {
        "it is another project's": [said["organization"], said["project"]] != [project.organization, project.project],
        "it says something else than what was to be published": not staging.same_content(
            _without_logs(said), _without_logs(expected)
        ),
        "it lives longer than a document may": not 0 < said["expires_at"] - said["issued_at"] <= MAX_LIFE_OWN_KEYS,
        "statements may prolong it further": _prolonged(said) > _prolonged(expected),
        "its dates are not those of today": abs(said["issued_at"] - time.time()) > _HOUR,
        "its number is far above the published one": said["serial"] > number[1] + _LEAP,
    }
    return next((why for why, found in faults.items() if found), "")


def _prolonged(payload: Mapping[str, Any]) -> int:
    """For how long after its issue freshness statements may prolong a document, in seconds."""
    return max(0, int(payload.get("extendable_until", 0)) - int(payload["issued_at"]))


def _without_logs(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The log list is of the operator's table, which is not here."""
    return {name: value for name, value in payload.items() if name != "ct_logs"}


# ---------------------------------------------------------------- outcomes


def settlement_of(findings: Iterable[Mapping[str, Any]]) -> Settlement:
    """Findings as the server says them."""
    by_state: dict[str, list[Any]] = {"open": [], "overridden": [], "warning": []}
    for one in findings:
        finding = Finding(Rule(one["rule"]), str(one["host"]), str(one["message"]), str(one["hint"]))
        state = str(one["state"])
        by_state[state].append(Overridden(finding, str(one.get("reason", ""))) if state == "overridden" else finding)
    return Settlement(tuple(by_state["open"]), tuple(by_state["overridden"]), tuple(by_state["warning"]))


def _outcome(
    out: Output, project: ServerProject, publish: Mapping[str, Any], *, signed_here: bool, afterwards: str = ""
) -> int:
    state, settlement = publish["state"], settlement_of(publish["findings"])
    if state == "refused":
        raise GuardRefused(settlement.open)
    if state == "failed":
        raise _failure(publish.get("problem", {}), project.name)
    if state == "waiting":
        return _waits(out, project, publish, settlement)
    if state != "published":
        raise PublishRefused("superseded", f"the publish is {state}", where=project.name)
    text = project.text(publish["epoch"], publish["serial"])
    problem = publish.get("problem")
    confirmed = any(step["step"] == "confirm" for step in publish["steps"]) or None
    done = Published(
        verify_held(text, project.trust), settlement, False if problem else confirmed, _problem(problem or {})
    )
    members = {**published_members(done), "publish": publish["id"], "server": project.api.url}
    again = afterwards or ("publish again by " if signed_here else "the server signs it again at ")
    again += "" if afterwards else moment(sign_again_by(done.revision))
    out.result(members, _text(done, project.name, again))
    return Exit.OK if done.problem is None else Exit(done.problem.exit_status)


def _text(done: Published, name: str, again: str) -> str:
    revision = done.revision
    lines = [settlement_text(done.settlement), f"published {revision.epoch}.{revision.serial} of {name}"]
    if done.confirmed:
        lines.append("confirmed through the public URL")
    if done.problem is not None:
        lines += [f"NOT CONFIRMED: {done.problem.message} ({done.problem.where})", f"    {done.problem.hint}"]
    lines.append(f"it expires {moment(revision.expires_at)}; {again}")
    return "\n".join(line for line in lines if line)


def _waits(out: Output, project: ServerProject, publish: Mapping[str, Any], settlement: Settlement) -> int:
    members = {
        "state": "waiting",
        "publish": publish["id"],
        "server": project.api.url,
        **settlement_members(settlement),
    }
    out.result(members, f"{settlement_text(settlement)}\nasked for; it {standing(publish)}".strip())
    return Exit.NO


def _failure(problem: Mapping[str, Any], where: str) -> LivepinError:
    texts = {name: str(problem.get(name, "")) for name in ("code", "message", "where", "hint")}
    place, hint = texts["where"] or where, texts["hint"]
    return CommandFailed(texts["code"] or "server_failed", texts["message"] or "it failed", where=place, hint=hint)


def _problem(problem: Mapping[str, Any]) -> OriginFailed | None:
    if not problem:
        return None
    where, hint = str(problem.get("where", "")), str(problem.get("hint", ""))
    return OriginFailed(str(problem["code"]), str(problem["message"]), where=where, hint=hint)


def tell_preview(out: Output, name: str, preview: Mapping[str, Any], changes: Iterable[Change]) -> int:
    """What publishing the draft would do; the exit status."""
    settlement, differences = settlement_of(preview["findings"]), tuple(changes)
    verb = "would be refused" if settlement.open else "would be published"
    shown = changes_text(differences) or "nothing changes but the dates"
    lines = [settlement_text(settlement), shown, f"the draft of {name} {verb}"]
    members = {"dry_run": True, "changes": [asdict(one) for one in differences], **settlement_members(settlement)}
    out.result(members, "\n".join(line for line in lines if line))
    return Exit.NO if settlement.open else Exit.OK


def tell_content(out: Output, project: ServerProject, content: Mapping[str, Any], verb: str) -> int:
    """What publishing `content` in place of the draft would change; nothing is looked at."""
    published = project.published()
    changes = staging.diff(None if published is None else published.document.payload, content)
    out.note("the guard is asked when it is published")
    text = f"{changes_text(changes) or 'nothing changes but the dates'}\n{verb}"
    out.result({"dry_run": True, "changes": [asdict(one) for one in changes]}, text)
    return Exit.OK
