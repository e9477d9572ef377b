"""Freshness statements (`fresh.jws`): another key says “this revision is still the newest”, and so prolongs its life.

    F1  text       three canonical segments, 16 KiB at most    jws.split
    F2  header     exactly alg, kid, typ                       jws.read_header
    F3  key        a refresh key of the revision's key set     _refresh_key
    F4  signature  over the exact bytes received               jws.check_signature
    F5  payload    strict JSON, exactly the eight members      _parse
    F6  fit        audience, epoch, serial, digest             _check_fit
    F7  time       neither from the future nor over            _check_time

The numbers run beside V1 to V7. The first step that fails gives the answer, and then the statement is ignored: no
statement refuses, shortens, replaces or reorders anything. What passes moves the effective expiry (V7) to

    min( expires_at of the key set,
         max( expires_at of the document,
              min( expires_at of the statement, extendable_until ) ) )

So whoever steals a refresh key can keep a current document alive, until `extendable_until` or the end of the key set;
whoever steals the CDN can withhold statements, and make none. A document that an anchor signed directly (epoch 0) has
no key set and so no refresh keys: nothing prolongs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from livepin.core import jws, strictjson
from livepin.core.document import FORMAT, SHA256
from livepin.core.jws import PublicKey
from livepin.core.keyset import IDENTIFIER, TIME
from livepin.core.schema import Fault, integer, run, structure
from livepin.core.trust import CLOCK_TOLERANCE, Arrival, Revision
from livepin.errors import DocumentRefused, JsonInvalid, StatementIgnored

TYP = "livepin-fresh+jws"
#: Characters of a statement's text (F1). It says little, and whoever may answer the fetch may answer anything.
MAX_TEXT = 16 * 1024

_MEMBERS = {
    "format": integer(FORMAT, FORMAT),
    "organization": IDENTIFIER,
    "project": IDENTIFIER,
    "epoch": integer(1),
    "serial": integer(1),
    "digest": SHA256,
    "issued_at": TIME,
    "expires_at": TIME,
}
_STATEMENT = structure(_MEMBERS, required=tuple(_MEMBERS))


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that passed F1 to F7 for one revision, with the exact text that proves it.

    Times in Unix seconds. `until`: the effective expiry that the revision has by it; never earlier than without.
    """

    text: str = field(repr=False)
    issued_at: int
    expires_at: int
    until: int


def limit(revision: Revision) -> int:
    """How far statements can move the expiry of a revision; its own expiry where they cannot move it."""
    return _until(revision, revision.document.extendable_until)


def _until(revision: Revision, moment: int) -> int:
    """The effective expiry if statements are good until `moment`, which `extendable_until` has bounded already."""
    if revision.keyset is None or not revision.keyset.refresh_keys:
        return revision.expires_at
    return min(revision.keyset.expires_at, max(revision.document.expires_at, moment))


def verify(text: str | bytes, revision: Revision, now: float) -> Statement:
    """F1 to F7 of a statement about `revision`, at `now` (Unix seconds, no earlier than the held document's
    `issued_at`; see `trust.effective_now`). Raises `StatementIgnored`."""
    try:
        payload = _signed_payload(text, revision)
        members = _parse(payload)
    except DocumentRefused as error:
        raise StatementIgnored(error.code, error.step.replace("V", "F"), error.message) from None
    _check_fit(members, revision)
    _check_time(members, now)
    until = _until(revision, min(members["expires_at"], revision.document.extendable_until))
    plain = text if isinstance(text, str) else text.decode("ascii")
    return Statement(plain, members["issued_at"], members["expires_at"], until)


def prolong(arrival: Arrival, statement: Statement, now: float) -> Arrival:
    """An arrived document beside a statement that was verified for it: one that it keeps fresh is adopted."""
    fresh = now < statement.until
    return replace(arrival, fresh=fresh, adopted=arrival.adopted or fresh)


def payload_of(revision: Revision, issued_at: int, expires_at: int) -> dict[str, Any]:
    """What a statement about `revision` says. Times in Unix seconds."""
    return {
        "format": FORMAT,
        "organization": revision.document.organization,
        "project": revision.document.project,
        "epoch": revision.epoch,
        "serial": revision.serial,
        "digest": revision.digest,
        "issued_at": issued_at,
        "expires_at": expires_at,
    }


def _signed_payload(text: str | bytes, revision: Revision) -> bytes:
    """F1 to F4. What is the same as in a document is refused with the document's number, which `verify` renames."""
    if len(text) > MAX_TEXT:
        raise DocumentRefused("too_large", "V1", f"more than {MAX_TEXT} bytes of JWS text")
    compact = jws.split(text)
    header = jws.read_header(compact.header, TYP)
    jws.check_signature(compact, header.alg, _refresh_key(header.kid, revision))
    return compact.payload


def _refresh_key(kid: str, revision: Revision) -> PublicKey:
    keys = revision.keyset
    if keys is None:
        raise DocumentRefused("unknown_key", "V3", "an anchor signed the document directly: it has no refresh keys")
    if kid in keys.revoked:
        raise DocumentRefused("key_revoked", "V3", "the refresh key is revoked by the key set")
    if kid not in keys.refresh_keys:
        raise DocumentRefused("unknown_key", "V3", "no refresh key of the key set has this kid")
    return keys.refresh_keys[kid]


def _parse(payload: bytes) -> Mapping[str, Any]:
    try:
        value = strictjson.loads(payload)
        if type(value) is dict and type(value.get("format")) is int and value["format"] != FORMAT:
            raise DocumentRefused("unsupported_format", "V5", f"it has format {value['format']}")
        run(_STATEMENT, value)
    except JsonInvalid as error:
        raise _payload_invalid(error.message) from None
    except Fault as fault:
        raise _payload_invalid(f"{fault.where} {fault.why}".strip()) from None
    if value.keys() != _MEMBERS.keys():
        raise _payload_invalid(f"it has other members than {', '.join(_MEMBERS)}")
    members: Mapping[str, Any] = value
    return members


def _payload_invalid(why: str) -> DocumentRefused:
    return DocumentRefused("payload_invalid", "V5", f"the statement is refused: {why}")


def _check_fit(members: Mapping[str, Any], revision: Revision) -> None:
    """F6: it speaks of exactly this revision."""
    audience = members["organization"], members["project"]
    if audience != (revision.document.organization, revision.document.project):
        raise StatementIgnored("wrong_audience", "F6", f"the statement is for {'/'.join(audience)}")
    number = members["epoch"], members["serial"]
    if number != revision.number:
        message = f"it is about {number[0]}.{number[1]}, not about {revision.epoch}.{revision.serial}"
        raise StatementIgnored("other_revision", "F6", message)
    if members["digest"] != revision.digest:
        message = f"it is about another document of the number {revision.epoch}.{revision.serial}"
        raise StatementIgnored("other_revision", "F6", message)


def _check_time(members: Mapping[str, Any], now: float) -> None:
    if members["issued_at"] > now + CLOCK_TOLERANCE:
        raise StatementIgnored("not_yet_valid", "F7", "the statement is from the future")
    if members["expires_at"] <= now:
        raise StatementIgnored("expired", "F7", "the statement is out of date")
