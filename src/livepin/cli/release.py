"""Stage → check → sign → publish: how author, watch and publish are put together in file mode (design section 7)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from livepin.author import ct_rules, staging
from livepin.author.keyset import texts_of_document
from livepin.author.signers.signer import Signer
from livepin.author.suffixes import public_suffixes
from livepin.cli.desk import Desk, Held
from livepin.cli.output import moment
from livepin.core import guard, jws
from livepin.core.document import TYP, Document, serialize
from livepin.core.guard import Circumstances, Finding, Rule, Settlement
from livepin.core.jws import PublicKey
from livepin.core.trust import Revision, verify_held
from livepin.errors import DocumentRefused, KeyUnusable, OriginFailed, PublishRefused
from livepin.publish import public
from livepin.publish.deliver import Delivery, SerialTaken, Step, deliver
from livepin.watch.sights import sights_of
from livepin.watch.survey import Sight, survey

#: Strange objects under this many numbers in a row are no race between two machines.
_TRIES = 20

Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Release:
    """One run of a command that checks, and perhaps signs and publishes. `timeout` in seconds, for each wait."""

    desk: Desk
    overrides: Mapping[Rule, str]
    timeout: float
    told: Told

    def settle(self, draft: Document, published: Revision | None) -> Settlement:
        """Look at the hosts and ask the guard."""
        project = self.desk.project
        now = time.time()
        before = None if published is None else published.document
        sights = sights_of(project, draft, before)
        seen = survey(sights, self.desk.means(self.timeout), lambda sight: self.told(f"looking at {_named(sight)}"))
        findings = guard.check(
            draft,
            Circumstances(
                now=now,
                served=tuple(one for sight, look in seen for one in look.served_for(sight.pattern)),
                published=before,
                reasons=staging.reasons(project),
                public_suffixes=public_suffixes(draft.hosts),
                max_life=guard.MAX_LIFE_OWN_KEYS,
                keyset_expires_at=self.desk.keyset.keyset.expires_at if self.desk.keyset else None,
            ),
        )
        warned = guard.warnings(draft, now)
        warned += self._keyset_due(now)
        warned += self._not_extendable(draft)
        if ct_rules.wants_logs(draft.payload["hosts"]) and self.desk.log_table is not None:
            warned += ct_rules.soon(self.desk.log_table, draft, now)
        return guard.settle(findings, self.overrides, warned)

    def _keyset_due(self, now: float) -> tuple[Finding, ...]:
        """From two thirds of its life on a key set is due: what it forbids a thief ends with it."""
        signed = self.desk.keyset
        if signed is None or now < signed.warn_at:
            return ()
        message = f"the key set is past two thirds of its life; it expires {moment(signed.keyset.expires_at)}"
        return (Finding(Rule.G4, "", message, "`livepin keyset rotate` makes the next one; fetch the anchor."),)

    def _not_extendable(self, draft: Document) -> tuple[Finding, ...]:
        """Who counts on statements has to have named somebody who signs them."""
        signed = self.desk.keyset
        if draft.extendable_until <= draft.expires_at or (signed is not None and signed.keyset.refresh_keys):
            return ()
        message = "no statement can prolong the document: " + (
            "only a key set names refresh keys" if signed is None else "the key set names no refresh keys"
        )
        return (Finding(Rule.G4, "", message, "`livepin keyset rotate --keep-key --refresh-key KEY`"),)

    def sign(self, payload: Mapping[str, Any], signer: Signer, settlement: Settlement, **journal: Any) -> Revision:
        """Sign a payload, and keep the text before anybody else gets it. Raises `KeyUnusable`, `OriginFailed`."""
        signed = signing_input(self.desk, payload, signer.public_key)
        return self.keep(jws.assemble(signed, signer.sign(signed)), settlement, **journal)

    def read(self, text: str) -> Revision:
        """A text that was signed for the project's next publish. Raises `DocumentRefused`, `PublishRefused`."""
        revision = verify_held(text, self.desk.trust)
        ours = None if self.desk.keyset is None else self.desk.keyset.keyset.digest
        theirs = None if revision.keyset is None else revision.keyset.digest
        if ours != theirs:
            message = f"it was signed under the key set of epoch {revision.epoch}, and epoch {self.desk.epoch} is here"
            raise PublishRefused("keyset_behind", message, where=self.desk.project.keyset_file)
        return revision

    def keep(self, text: str, settlement: Settlement, **journal: Any) -> Revision:
        """Keep a text that was just signed, if applications accept it. Raises `DocumentRefused`, `OriginFailed`."""
        revision = self.read(text)
        self.desk.revisions.keep(revision)
        self.record("signed", revision, overrides=recorded(settlement), **journal)
        return revision

    def record(self, what: str, revision: Revision, **members: Any) -> None:
        """One line of the journal."""
        number = {"epoch": revision.epoch, "serial": revision.serial, "digest": revision.digest}
        self.desk.revisions.record({"at": int(time.time()), "what": what, **number, **members})


def signing_input(desk: Desk, payload: Mapping[str, Any], key: PublicKey) -> bytes:
    """What the key signs for a payload. Raises `KeyUnusable`, `DocumentRefused` where applications would refuse it."""
    header: dict[str, Any] = {"alg": key.alg, "kid": key.thumbprint, "typ": TYP}
    where = desk.project.signer.text
    if desk.keyset is None:
        if desk.trust.threshold > 1:
            message = f"an anchor alone cannot sign: applications ask for {desk.trust.threshold} of them"
            hint = "`livepin keyset new` makes a key set that all of them sign."
            raise DocumentRefused("threshold_unmet", "V3", message, where="livepin.toml", hint=hint)
        if key.thumbprint not in desk.trust.anchors:
            message = "the key is not the one that applications of this project embed"
            raise KeyUnusable("key_mismatch", message, where=where)
        return jws.signing_input(header, serialize(payload))
    named = desk.keyset.keyset
    if named.expires_at <= time.time():
        raise DocumentRefused("keyset_expired", "V3", "the key set is out of date", where=desk.project.keyset_file)
    if key.thumbprint not in named.signing_keys.keys() - named.revoked:
        raise KeyUnusable("key_mismatch", f"the key set of epoch {named.epoch} does not name the key", where=where)
    return jws.signing_input({**header, "keys": desk.keyset.header}, serialize(payload))


class GuardRefused(PublishRefused):
    """Findings are left that nobody overrode."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        lines = [f"{one.rule}{f' {one.host}' if one.host else ''}: {one.message}. {one.hint}" for one in findings]
        super().__init__("guard_refused", "\n    ".join(["the guard refuses:", *lines]))
        self.findings = findings

    def as_json(self) -> dict[str, Any]:
        """What --json adds to the error."""
        return {"findings": [asdict(one) for one in self.findings]}


def refuse_open(settlement: Settlement) -> None:
    """Raise `GuardRefused` unless every finding was overridden."""
    if settlement.open:
        raise GuardRefused(settlement.open)


@dataclass(frozen=True, slots=True)
class Staged:
    """A payload on its way. `pending`: the revision that was signed for this content already, if one was."""

    payload: Mapping[str, Any]
    held: Held
    pending: Revision | None = None

    @property
    def draft(self) -> Document:
        """The payload as a document."""
        return Document.from_payload(dict(self.payload))


def stage(desk: Desk, content: Mapping[str, Any] | None = None) -> Staged:
    """The next revision of the project file's content, or of an older document's `content` (a roll-back)."""
    held, now = desk.held(), int(time.time())
    desk.refuse_behind(held)
    serial = staging.next_serial(desk.under_our_keyset(held), desk.epoch)

    def made(serial: int) -> dict[str, Any]:
        if content is None:
            # A log table that nobody needs is not read: a mistake in it must not hold up an emergency.
            table = desk.log_table if desk.project.asks_for_ct else None
            return staging.payload_of(desk.project, serial, now, table)
        return staging.again(content, desk.project.life_days, serial, now)

    payload = made(serial)
    pending = _pending(desk, held, payload, now)
    return Staged(payload if pending is None else pending.document.payload, held, pending)


def _pending(desk: Desk, held: Held, payload: Mapping[str, Any], now: int) -> Revision | None:
    """A revision that was signed and has not reached everybody: its bytes are used, none are made anew.

    Past half of its life it is signed again, as a published one would be.
    """
    last = held.kept[-1] if held.kept else None
    places = [held.folder, held.public] if desk.url else [held.folder]
    if last is None or last.epoch != desk.epoch or all(one is not None and one.number >= last.number for one in places):
        return None
    if any(one is not None and one.number > last.number for one in places):
        return None
    if desk.keyset is not None and set(texts_of_document(last.text)) != set(desk.keyset.texts):
        return None  # anchors have signed the key set since: everybody gets their signatures, too
    young = now < (last.issued_at + last.expires_at) / 2
    return last if young and staging.same_content(last.document.payload, payload) else None


@dataclass(frozen=True, slots=True)
class Published:
    """What came of it. `confirmed` None: there is no public URL, or nobody wanted to wait for it."""

    revision: Revision
    settlement: Settlement
    confirmed: bool | None
    problem: OriginFailed | None = None


def publish(
    release: Release,
    staged: Staged,
    settlement: Settlement,
    signer: Callable[[], Signer],
    *,
    confirm: bool,
    **journal: Any,
) -> Published:
    """Sign (unless that is done) and deliver; when the number is taken, again with the next one.

    Raises `PublishRefused`, `KeyUnusable`, `OriginFailed`. A public URL that does not follow is told in `problem`:
    the origin is up to date then, and repeating is safe.
    """
    desk, payload = release.desk, staged.payload
    revision = staged.pending
    for _ in range(_TRIES):
        if revision is None:
            release.told("signing")
            revision = release.sign(payload, signer(), settlement, **journal)
        try:
            deliver(Delivery(revision, desk.trust, [desk.origin], time.time(), _telling(release.told)))
        except SerialTaken:
            payload = staging.again(payload, desk.project.life_days, revision.serial + 1, int(time.time()))
            revision = None
            continue
        return _confirmed(release, revision, settlement, confirm=confirm, **journal)
    raise SerialTaken("serial_taken", f"{_TRIES} numbers in a row are taken", where=desk.origin.name)


def _confirmed(
    release: Release, revision: Revision, settlement: Settlement, *, confirm: bool, **journal: Any
) -> Published:
    desk = release.desk
    problem, confirmed = None, None
    if desk.url and confirm:
        release.told(f"{Step.CONFIRM}: {desk.url}")
        try:
            public.confirm(desk.url, revision, desk.trust, ca_file=desk.ca_file, patience=release.timeout)
        except OriginFailed as error:
            problem = error
        confirmed = problem is None
    release.record(
        "published", revision, origin=desk.origin.name, confirmed=confirmed, overrides=recorded(settlement), **journal
    )
    return Published(revision, settlement, confirmed, problem)


def _telling(told: Told) -> Callable[[Step, str], None]:
    return lambda step, where: told(f"{step}: {where}")


def recorded(settlement: Settlement) -> list[dict[str, str]]:
    """What was overridden and why, for the journal."""
    return [
        {"rule": one.finding.rule, "host": one.finding.host, "message": one.finding.message, "reason": one.reason}
        for one in settlement.overridden
    ]


def _named(sight: Sight) -> str:
    at = f" at {sight.address}" if sight.address else ""
    return f"{sight.host}:{sight.port}{at}"
