"""Where to look for the hosts of a draft."""

from __future__ import annotations

from livepin.author.draft import Draft
from livepin.core.document import Action, Document
from livepin.core.hosts import Wildcard, parse_pattern
from livepin.watch.address import parse_address
from livepin.watch.survey import Sight


def sights_of(draft: Draft, document: Document, published: Document | None) -> list[Sight]:
    """What to look at before `document`, staged from `draft`, replaces `published`.

    That is every pattern that judges, and those that are no longer there (G3).
    """
    patterns = [policy.host for policy in document.policies() if policy.action is not Action.OFF]
    if published is not None:
        patterns += [one for one in published.hosts if one not in document.hosts]
    return [sight for pattern in patterns for sight in sights_of_host(draft, pattern)]


def sights_of_host(draft: Draft, pattern: str) -> list[Sight]:
    """Where to look for a pattern; nothing for `*.name` unless the draft names a host to look at.

    Raises `HostInvalid` for a place that is none.
    """
    entry = draft.host(pattern)
    address = parse_address(entry.address) if entry is not None and entry.address else None
    if entry is not None and entry.look_at:
        places = [parse_address(text) for text in entry.look_at]
        return [Sight(pattern, place.host, place.port, address) for place in places]
    parsed = parse_pattern(pattern)
    # `*.name` does not cover the name itself, and nobody can say which hosts are below it but the person.
    return [] if parsed.wildcard is Wildcard.ONE_LABEL else [Sight(pattern, parsed.name, 443, address)]
