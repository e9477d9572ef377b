"""Host patterns as people type them, in the form in which documents carry them (J1: authoring accepts Unicode).

Clients disagree about a few letters: `faß.example` is `xn--fa-hia.example` by IDNA 2008 and `fass.example` by
IDNA 2003, which the standard library still uses. Both forms are offered, because a pattern covers only one.
"""

from __future__ import annotations

from dataclasses import dataclass

import idna

from livepin.core.hosts import Wildcard, normalize, parse_pattern
from livepin.errors import HostInvalid, PatternInvalid


@dataclass(frozen=True, slots=True)
class TypedPattern:
    """A pattern in normal form. `other`: the IDNA 2003 form where it differs, else empty."""

    text: str
    other: str = ""


def typed_pattern(text: str) -> TypedPattern:
    """Pattern of what a person typed: any case, Unicode, a trailing dot, brackets. Raises `PatternInvalid`."""
    name, wildcard = text.strip(), Wildcard.NONE
    for candidate in (Wildcard.ANY_DEPTH, Wildcard.ONE_LABEL):
        if name.startswith(candidate.value):
            name, wildcard = name[len(candidate.value) :], candidate
            break
    pattern = parse_pattern(wildcard + _a_labels(name, text)).text
    if name.isascii():
        return TypedPattern(pattern)
    other = _idna_2003(name)
    return TypedPattern(pattern, wildcard + other if other and wildcard + other != pattern else "")


def _a_labels(name: str, text: str) -> str:
    try:
        if name.isascii():
            return normalize(name)
        mapped = idna.uts46_remap(name, std3_rules=False, transitional=False).removesuffix(".")
        # ASCII labels stay as they are: underscores and double hyphens are names in the DNS, if not in IDNA.
        return ".".join(one if one.isascii() else idna.alabel(one).decode("ascii") for one in mapped.split("."))
    except (HostInvalid, idna.IDNAError) as error:
        why = error.message if isinstance(error, HostInvalid) else str(error)
        raise PatternInvalid("pattern_invalid", f"not a name: {why}", where=repr(text[:80])) from None


def _idna_2003(name: str) -> str:
    try:
        return name.removesuffix(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""  # letters that IDNA 2003 never knew have one form only


def readable(pattern: str) -> str:
    """A pattern for people: A-labels as Unicode where they decode."""
    try:
        return ".".join(idna.ulabel(one) if one.startswith("xn--") else one for one in pattern.split("."))
    except idna.IDNAError:
        return pattern
