"""Which names are public suffixes (G8): core takes the answer as an argument and has no list of its own (J2)."""

from __future__ import annotations

from collections.abc import Iterable

from livepin.core.hosts import parse_pattern


def public_suffixes(patterns: Iterable[str]) -> frozenset[str]:
    """Those of the names under wildcards that are public suffixes; top-level names that nobody knows are too."""
    names = {parsed.name for parsed in map(parse_pattern, patterns) if parsed.wildcard}
    if not names:
        return frozenset()
    # Imported here: reading the list costs more than everything else that the command line loads.
    from publicsuffixlist import PublicSuffixList

    known = PublicSuffixList()
    return frozenset(name for name in names if known.is_public(name))
