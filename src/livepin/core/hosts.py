"""Host names and host patterns (rules J1 and J2)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv6Address

from livepin.errors import HostInvalid, PatternInvalid

MAX_NAME = 253
MAX_LABEL = 63

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}", re.ASCII)
_LABEL = r"[a-z0-9_-]{1,63}"
# A name of at most 253 characters, alone or after a wildcard; an address has no wildcard.
_PATTERN = re.compile(rf"(?:\*\*?\.(?!{_IPV4.pattern}\Z))?(?!.{{{MAX_NAME + 1}}}){_LABEL}(?:\.{_LABEL})*", re.ASCII)


class Wildcard(StrEnum):
    """What a pattern covers below its name."""

    NONE = ""
    ONE_LABEL = "*."
    ANY_DEPTH = "**."


@dataclass(frozen=True, slots=True)
class Pattern:
    """A host pattern in normal form: `wildcard` + `name`."""

    text: str
    wildcard: Wildcard
    name: str


def normalize(name: str) -> str:
    """The host that is judged for the name a TLS layer verifies (J1). Raises `HostInvalid`."""
    text = name.lower() if name.isascii() else _to_ascii(name)
    text = text.removesuffix(".")
    if ":" in text:
        return _ipv6(text, name)
    if len(text) > MAX_NAME:
        raise _host_invalid(name, f"longer than {MAX_NAME} characters")
    for label in text.split("."):
        if not 1 <= len(label) <= MAX_LABEL:
            raise _host_invalid(name, "a label is empty" if not label else f"a label is over {MAX_LABEL} characters")
    return text


def _host_invalid(name: str, why: str) -> HostInvalid:
    return HostInvalid("host_invalid", f"not a host: {why}", where=repr(name[:80]))


def _to_ascii(name: str) -> str:
    # UTS 46 needs tables that only a non-ASCII name pays for; names from the `ssl` module are ASCII already.
    from livepin.core.international import to_ascii

    return to_ascii(name)


def _ipv6(text: str, name: str) -> str:
    """RFC 5952 text of an IPv6 literal, without brackets and zone."""
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    address, percent, zone = text.partition("%")
    try:
        if percent and not zone:
            raise ValueError
        return ipv6_text(IPv6Address(address))
    except ValueError:
        raise _host_invalid(name, "a colon, and not an IPv6 address") from None


def ipv6_text(address: IPv6Address) -> str:
    """RFC 5952 text; mapped addresses in the mixed form (not every Python version writes them so)."""
    mapped = address.ipv4_mapped
    return f"::ffff:{mapped}" if mapped is not None else str(address).partition("%")[0]


def is_address(host: str) -> bool:
    """Whether a normalized host is an IP address: four decimal octets or IPv6."""
    return ":" in host or _IPV4.fullmatch(host) is not None


def parse_pattern(text: str, public_suffixes: Collection[str] = ()) -> Pattern:
    """A pattern that is in normal form already (others are refused, not repaired).

    `public_suffixes` are plain names on which no wildcard may stand; core has no list of its own (J2).
    Raises `PatternInvalid` (`pattern_invalid`, `public_suffix`).
    """
    if not is_pattern(text):
        raise PatternInvalid("pattern_invalid", f"not {PATTERN_FORM}", where=repr(text[:80]))
    stars, dot, name = text.rpartition("*.")
    wildcard = Wildcard(stars + dot)
    if wildcard and name in public_suffixes:
        raise PatternInvalid("public_suffix", f"{name} is a public suffix", where=repr(text[:80]))
    return Pattern(text, wildcard, name)


#: What a pattern in normal form is, in words.
PATTERN_FORM = f"a name in lower case, at most {MAX_NAME} characters, alone or after `*.` or `**.`, or an IP address"


def is_pattern(text: str) -> bool:
    """Whether `text` is a pattern in normal form. Called for every pattern of a document."""
    return _PATTERN.fullmatch(text) is not None or (":" in text and _is_ipv6_text(text))


def _is_ipv6_text(text: str) -> bool:
    try:
        return text.isascii() and normalize(text) == text
    except HostInvalid:
        return False


def candidates(host: str) -> Iterator[str]:
    """Texts of all patterns that match a normalized host, most specific first (J2).

    There are at most two per label, so a look-up does not depend on how many patterns a document has.
    """
    if "*" in host:
        return  # a star is a character of patterns alone: such a host must not meet a pattern's own text
    yield host
    if is_address(host):
        return
    yield Wildcard.ANY_DEPTH + host
    parent = host.partition(".")[2]
    if parent:
        yield Wildcard.ONE_LABEL + parent
    while parent:
        yield Wildcard.ANY_DEPTH + parent
        parent = parent.partition(".")[2]


def matches(pattern: Pattern, host: str) -> bool:
    """Whether a pattern covers a host; a host that is not a name is covered by none."""
    try:
        return pattern.text in candidates(normalize(host))
    except HostInvalid:
        return False


def wildcards_below(name: str) -> Iterator[str]:
    """Texts of all wildcard patterns that match names of one label more than a normalized name, most specific first."""
    # Asked for a label that no pattern can have, so that no pattern which has the label itself is among the answers.
    return (text for text in candidates(f"+.{name}") if "+" not in text)
