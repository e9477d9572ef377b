"""The source serves a text that is not the document it should be."""

from __future__ import annotations

import json
import time
from typing import Any

from livepin.client.events import EventName
from livepin.core import jws
from livepin.core.base64s import b64
from livepin.testing import DocumentAuthority, SigningKey, policy, sign_jws
from tests.faults.faults import HIGHEST, DrivesSerialUp, Publishes, PublishesTaken
from tests.faults.table import DAY, Held, Row
from tests.faults.world import World

TITLE = "The source serves a wrong document"

REFUSED = EventName.DOCUMENT_REFUSED


def epoch_one() -> DocumentAuthority:
    """A project with a key set."""
    authority = DocumentAuthority()
    authority.new_epoch()
    return authority


def first_anchor_revoked() -> DocumentAuthority:
    """A project of two anchors, the first of which has been stolen and revoked."""
    authority = DocumentAuthority(anchors=[SigningKey.generate(), SigningKey.generate()])
    authority.new_epoch(revoked=authority.anchors[:1])
    return authority


def _payload(world: World, **members: object) -> dict[str, Any]:
    last: dict[str, Any] = json.loads(jws.split(world.last_text).payload)
    return {**last, "serial": last["serial"] + 1, "issued_at": int(time.time()), **members}


def _signed(world: World, **members: object) -> str:
    """The successor, signed as it should be, with other members."""
    return sign_jws(_payload(world, **members), world.authority.signing_key)


def _with_header(world: World, **header: object) -> str:
    return sign_jws(_payload(world), world.authority.signing_key, header=header)


def _by_thief_of_first_anchor(world: World) -> str:
    """The first anchor alone signs a key set of its own, and with that a document."""
    thief = DocumentAuthority(anchors=world.authority.anchors[:1])
    thief.new_epoch(epoch=world.authority.epoch + 1)
    return thief.sign(world.hosts(), serial=HIGHEST)


def _keys_from_the_future(world: World) -> str:
    other = DocumentAuthority(anchors=world.authority.anchors)
    other.new_epoch(issued_at=int(time.time()) + DAY, epoch=9)
    return other.sign(world.hosts(), serial=9)


def _too_many(world: World) -> str:
    patterns = [policy(f"h{number}.example", action="off") for number in range(10_001)]
    return _signed(world, hosts=patterns)


def _largest(world: World) -> str:
    """10,000 patterns, and pins until 8 MiB of text are full."""
    pins = [{"spki_sha256": b64(number.to_bytes(32, "big"))} for number in range(9)]
    patterns = [policy(f"h{number}.example", *pins) for number in range(9_999)]
    return _signed(world, serial=9, hosts=[*world.hosts(), *patterns])


def _duplicate_member(world: World) -> str:
    payload = json.dumps(_payload(world)).replace('"serial"', '"serial": 9, "serial"', 1)
    return sign_jws(payload.encode(), world.authority.signing_key)


def _with_highest_serial(world: World) -> str:
    """Under the key set that is held."""
    keys = json.loads(jws.split(world.last_text).header)["keys"]
    return sign_jws(_payload(world, serial=HIGHEST), world.authority.signing_key, header={"keys": keys})


def _swapped(world: World) -> str:
    """A newer document with the attacker's key, under an honest signature of an older one."""
    return world.authority.tampered([policy("localhost", world.cast.evil)])


def _row(key: str, fault: str, code: str, text: Any, **more: Any) -> Row:
    return Row(key=key, fault=fault, does=Publishes(text), event=REFUSED, code=code, **more)


ROWS = (
    Row(
        key="largest",
        fault="As large a document as there can be: 8 MiB, 10,000 patterns",
        does=PublishesTaken(_largest, 9),
        held=Held.SERVED,
        event=None,
    ),
    Row(
        key="serial-driven-up",
        fault="A thief of the signing key publishes the highest serial there is; over once a new epoch is published",
        does=DrivesSerialUp(_with_highest_serial, HIGHEST),
        authority=epoch_one,
        held=Held.SERVED,
        event=None,
    ),
    _row(
        "rolled-back",
        "A roll-back: an older document, honestly signed once",
        "rolled_back",
        lambda world: world.authority.rolled_back(),
        quick=True,
    ),
    _row(
        "forked",
        "A fork: another document with the number that is held",
        "forked",
        lambda world: world.authority.forked(),
    ),
    _row(
        "wrong-project",
        "The document of another project of the same owner",
        "wrong_audience",
        lambda world: world.authority.wrong_audience(),
    ),
    _row(
        "wrong-organization",
        "The document of another organization",
        "wrong_audience",
        lambda world: world.authority.wrong_audience("another", "shop"),
    ),
    _row(
        "unknown-key",
        "A document that a stranger signed",
        "unknown_key",
        lambda world: world.authority.by_unknown_key(),
    ),
    _row(
        "impostor",
        "A document by a stranger who gives the right key's name",
        "bad_signature",
        lambda world: world.authority.by_impostor(),
    ),
    _row(
        "tampered",
        "A document with the attacker's pins put in after it was signed",
        "bad_signature",
        _swapped,
        quick=True,
    ),
    _row(
        "algorithm",
        "A document that says `alg: none`",
        "algorithm_refused",
        lambda world: _with_header(world, alg="none"),
    ),
    _row(
        "header",
        "A header that brings its own key along",
        "header_invalid",
        lambda world: _with_header(world, jwk=world.authority.signing_key.public.jwk()),
    ),
    _row(
        "line-feed",
        "The document with a line feed at its end",
        "malformed",
        lambda world: world.last_text + "\n",
    ),
    _row(
        "two-members",
        "A payload in which one member occurs twice",
        "payload_invalid",
        _duplicate_member,
    ),
    _row(
        "critical",
        "A document that demands something that this version does not know",
        "critical_unknown",
        lambda world: _signed(world, critical=["shape"], shape="round"),
    ),
    _row(
        "format",
        "A document of another format",
        "unsupported_format",
        lambda world: _signed(world, format=2),
    ),
    _row("patterns", "10,001 patterns", "too_large", _too_many),
    _row(
        "expired-arrives",
        "A newer document that is out of date already",
        "expired",
        lambda world: world.authority.expired(),
    ),
    _row(
        "future",
        "A document from tomorrow",
        "not_yet_valid",
        lambda world: world.authority.from_the_future(),
    ),
    _row(
        "keys-revoked",
        "A document by a key that its own key set revokes",
        "key_revoked",
        lambda world: world.authority.by_revoked_key(),
        authority=epoch_one,
    ),
    _row(
        "keys-expired",
        "A document under a key set that is out of date",
        "keyset_expired",
        lambda world: world.authority.under_expired_key_set(),
        authority=epoch_one,
    ),
    _row(
        "keys-future",
        "A document under a key set from tomorrow",
        "keyset_not_yet_valid",
        _keys_from_the_future,
        authority=epoch_one,
    ),
    _row(
        "keys-forked",
        "A document under another key set of the epoch that is held",
        "forked",
        lambda world: world.authority.forked_key_set(),
        authority=epoch_one,
    ),
    _row(
        "keys-older",
        "A document of an earlier epoch, with the highest serial there is",
        "rolled_back",
        lambda world: sign_jws(_payload(world, serial=HIGHEST), world.authority.anchors[0]),
        authority=epoch_one,
    ),
    _row(
        "threshold",
        "A document under a key set that one of two anchors has signed, where two must",
        "threshold_unmet",
        lambda world: world.authority.below_threshold(),
        authority=lambda: DocumentAuthority(threshold=2),
        quick=True,
    ),
    _row(
        "threshold-direct",
        "A document signed directly by an anchor, where two must sign a key set",
        "threshold_unmet",
        lambda world: sign_jws(_payload(world), world.authority.anchors[0]),
        authority=lambda: DocumentAuthority(threshold=2),
    ),
    _row(
        "anchor-revoked",
        "A key set and a document by an anchor that the held key set revokes",
        "threshold_unmet",
        _by_thief_of_first_anchor,
        authority=first_anchor_revoked,
    ),
)
