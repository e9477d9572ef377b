"""From what was published back to a draft: for a project whose documents were made elsewhere for a while.

A document says everything that applications obey. What it does not say was for people (notes, reasons, where to look,
how long documents live), and is kept from the draft that was there before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from livepin.author.draft import Draft, HostEntry, PinEntry
from livepin.core.document import DEFAULT_REFRESH_AFTER
from livepin.core.pins import DIGEST_MEMBERS


def draft_from(payload: Mapping[str, Any], before: Draft, number: str) -> Draft:
    """The draft that says what `payload` says; `number`: its revision, for the notes of what is new.

    Pins of no known kind match nothing, and are left out.
    """
    refresh_after = payload.get("refresh_after", DEFAULT_REFRESH_AFTER)
    return replace(
        before,
        refresh_after=None if refresh_after == DEFAULT_REFRESH_AFTER else refresh_after,
        unlisted=payload.get("unlisted", "allow"),
        deny=tuple(payload.get("deny", ())),
        hosts=tuple(_host(host, before.host(host["host"]), number) for host in payload["hosts"]),
    )


def _host(host: Mapping[str, Any], before: HostEntry | None, number: str) -> HostEntry:
    known = before or HostEntry(host["host"], host["action"])
    pins = [entry for pin in host.get("pins", ()) if (entry := _pin(pin, known, number)) is not None]
    when_expired = host.get("when_expired", "enforce")
    return replace(
        known,
        action=host["action"],
        pins=tuple(pins) if "pins" in host else None,
        deny=tuple(host.get("deny", ())),
        rollout=host.get("rollout", 100),
        when_expired=when_expired,
        # G7; whoever knows better edits it.
        reason=known.reason or (_note(number) if when_expired == "allow" else ""),
        ct=_rule(host.get("ct", {}), known),
    )


def _rule(ct: Mapping[str, Any], before: HostEntry) -> Mapping[str, Any] | None:
    """The CT rule; one that is off is not in a document, and stays as it is."""
    if ct.get("action", "off") == "off":
        return before.ct if before.ct is not None and before.ct["action"] == "off" else None
    known = {name: ct[name] for name in ("action", "operators", "logs") if name in ct}
    return {**known, "policy": ct.get("policy", "any")}


def _pin(pin: Mapping[str, Any], before: HostEntry, number: str) -> PinEntry | None:
    member = next((one for one in DIGEST_MEMBERS if one in pin), None)
    if member is None:
        return None
    made = PinEntry(member, pin[member], pin.get("position", "leaf"), pin.get("from"), pin.get("until"))
    same = (one for one in before.pins or () if replace(one, start=None, end=None, note="", source="") == _bare(made))
    known = next(same, replace(made, note=_note(number)))
    return replace(known, start=made.start, end=made.end)


def _bare(pin: PinEntry) -> PinEntry:
    return replace(pin, start=None, end=None)


def _note(number: str) -> str:
    return f"as published in {number}"
