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
_PATTERN = re.compile(rf"(?:\*\*?\.)?{_LABEL}(?:\.{_LABEL})*", re.ASCII)


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
    check_pattern(text)
    stars, dot, name = text.rpartition("*.")
    wildcard = Wildcard(stars + dot)
    if wildcard and name in public_suffixes:
        raise PatternInvalid("public_suffix", f"{name} is a public suffix", where=repr(text[:80]))
    return Pattern(text, wildcard, name)


def check_pattern(text: str) -> None:
    """Raise `PatternInvalid` unless `text` is a pattern in normal form. Called for every pattern of a document."""
    if _PATTERN.fullmatch(text) is None:
        if ":" not in text or not text.isascii() or not _same_when_normalized(text):
            raise _pattern_invalid(text, "not a name in normal form, alone or after `*.` or `**.`")
    elif len(text) > MAX_NAME and len(text.lstrip("*.")) > MAX_NAME:
        raise _pattern_invalid(text, f"longer than {MAX_NAME} characters")
    elif text[-1].isdigit() and text[0] == "*" and is_address(text.lstrip("*.")):
        raise _pattern_invalid(text, "an address has no wildcard")


def _same_when_normalized(name: str) -> bool:
    try:
        return normalize(name) == name
    except HostInvalid:
        return False


def _pattern_invalid(text: str, why: str) -> PatternInvalid:
    return PatternInvalid("pattern_invalid", why, where=repr(text[:80]))


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


def covered_by_name(pattern: Pattern, certificate_name: str) -> bool:
    """Whether a name in a certificate (perhaps `*.example.com`) can stand for a host that `pattern` covers."""
    starred, _, base = certificate_name.partition("*.")
    if starred or not base:
        return matches(pattern, certificate_name)
    try:
        base = normalize(base)
    except HostInvalid:
        return False
    if pattern.wildcard is Wildcard.NONE:
        return pattern.name.partition(".")[2] == base
    if pattern.wildcard is Wildcard.ONE_LABEL:
        return pattern.name == base
    below = f".{pattern.name}"
    return pattern.name == base or base.endswith(below) or pattern.name.partition(".")[2] == base
