"""Bringing one signed revision to its readers (design section 7).

    write      the immutable object, on every origin; on the first one this is the lock between machines
    read back  and verify it as a client would
    point      move the pointer, which is what applications fetch
    confirm    through the public URL (public.py)

Every step may fail, or fail after it happened, and is safe to repeat with the same bytes. The pointer never moves to
a lower number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from livepin.core.trust import Revision, Trust, verify, verify_held
from livepin.errors import DocumentRefused, OriginFailed, PublishRefused
from livepin.publish.origins.origin import Origin
from livepin.publish.places import pointer_key, revision_key


class Step(StrEnum):
    """The steps, in order: for progress and for the journal."""

    WRITE = "write"
    READ_BACK = "read back"
    POINT = "point"
    CONFIRM = "confirm"


class SerialTaken(PublishRefused):
    """Another document lies under this number: start again with the next serial."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is brought where. `now` in Unix seconds; `told` hears of every step before it is done."""

    revision: Revision
    trust: Trust
    origins: Sequence[Origin]
    now: float
    told: Callable[[Step, str], None] = lambda step, where: None

    @property
    def revoked(self) -> frozenset[str]:
        """What the key set of the revision revokes."""
        return frozenset() if self.revision.keyset is None else self.revision.keyset.revoked


def deliver(delivery: Delivery) -> None:
    """Write, read back and point. Raises `SerialTaken`, `PublishRefused`, `OriginFailed`."""
    for origin in delivery.origins:
        delivery.told(Step.WRITE, origin.name)
        _write(delivery, origin)
        delivery.told(Step.READ_BACK, origin.name)
        _read_back(delivery, origin)
    for origin in delivery.origins:
        delivery.told(Step.POINT, origin.name)
        _point(delivery, origin)


def _key(trust: Trust, revision: Revision) -> str:
    return revision_key(trust.organization, trust.project, revision.epoch, revision.serial)


def _write(delivery: Delivery, origin: Origin) -> None:
    key = _key(delivery.trust, delivery.revision)
    if origin.create(key, delivery.revision.text.encode("ascii")):
        return
    present = _open(origin.read(key), delivery.trust, delivery.revoked)
    # Ours from an earlier try, perhaps: the digest says so, the signature need not be the same bytes (V4).
    if present is None or present.digest != delivery.revision.digest:
        message = f"another document lies at {key}"
        raise SerialTaken("serial_taken", message, where=origin.name)


def _read_back(delivery: Delivery, origin: Origin) -> None:
    trust, revision = delivery.trust, delivery.revision
    data = origin.read(_key(trust, revision))
    held = _open(origin.read(pointer_key(trust.organization, trust.project)), trust, delivery.revoked)
    try:
        arrival = verify(data or b"", trust, delivery.now, held if held and held.number <= revision.number else None)
    except DocumentRefused as error:
        raise _read_back_failed(f"a client would refuse it ({error.step}): {error.message}", origin) from None
    if arrival.revision.digest != revision.digest or not arrival.adopted:
        raise _read_back_failed("a client would not adopt it", origin)


def _read_back_failed(why: str, origin: Origin) -> OriginFailed:
    return OriginFailed("read_back_failed", f"what was written came back wrong: {why}", where=origin.name)


def _point(delivery: Delivery, origin: Origin) -> None:
    trust, revision = delivery.trust, delivery.revision

    def may_replace(data: bytes | None) -> None:
        present = _open(data, trust, delivery.revoked)
        if present is None or present.is_copy_of(revision):
            return
        if present.number >= revision.number:
            message = f"the origin is at {present.epoch}.{present.serial} already"
            raise PublishRefused("origin_ahead", message, where=origin.name)

    origin.replace(pointer_key(trust.organization, trust.project), revision.text.encode("ascii"), may_replace)


def _open(data: bytes | None, trust: Trust, revoked: frozenset[str]) -> Revision | None:
    """What lies on an origin, if this project's key signed it; anything else counts as nothing, and is overwritten.

    So does what an anchor in `revoked` vouches for, which applications that hold the key set refuse.
    """
    if data is None:
        return None
    try:
        return verify_held(data, trust, revoked)
    except DocumentRefused:
        return None


def published(
    origin: Origin, trust: Trust, revoked: frozenset[str] = frozenset(), known: Revision | None = None
) -> Revision | None:
    """What an origin's pointer holds, if it verifies; `revoked` as in `verify_held`. Raises `OriginFailed`.

    `known` verified under the same trust: where the very same text lies there, it is not verified once more.
    """
    data = origin.read(pointer_key(trust.organization, trust.project))
    if known is not None and data == known.text.encode("ascii"):
        return known
    return _open(data, trust, revoked)
