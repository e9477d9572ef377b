"""J1 and J2: host names and host patterns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tests.vectors.making.cases import Case, Json, any_of

LABEL = "a" * 63
#: 253 characters, and so the longest name.
LONGEST = ".".join([LABEL, LABEL, LABEL, "b" * 61])

# name, what it is about, pattern, host, whether it matches, whether it is a trap
Asked = tuple[str, str, str, str, bool, bool]

_PATTERNS: list[Asked] = [
    # exact
    ("exact", "The name itself", "api.example.com", "api.example.com", True, False),
    ("exact-other", "Another name", "api.example.com", "www.example.com", False, False),
    ("exact-below", "A name below an exact one", "api.example.com", "v1.api.example.com", False, False),
    ("exact-above", "The name above an exact one", "api.example.com", "example.com", False, False),
    ("exact-suffix", "A name that ends with the pattern's text", "example.com", "badexample.com", False, True),
    ("exact-prefix", "A name that begins with the pattern's text",
     "example.com", "example.com.evil.example", False, True),
    ("exact-dot-is-a-dot", "A pattern is no regular expression", "api.example.com", "apixexample.com", False, True),
    ("exact-letter-case", "A host in upper case", "api.example.com", "API.Example.COM", True, False),
    ("exact-trailing-dot", "A host with a trailing dot", "api.example.com", "api.example.com.", True, False),
    ("exact-one-label", "A name of one label", "localhost", "localhost", True, False),
    ("exact-underscore", "Underscores are fine", "_dmarc.example.com", "_dmarc.example.com", True, False),
    ("exact-hyphens", "Hyphens at the edges of a label are fine", "-a-.example.com", "-A-.example.com", True, False),
    ("exact-hyphens-3-4", "Hyphens in the third and fourth place of an ASCII label are fine",
     "ab--cd.example.com", "ab--cd.example.com", True, False),
    # `*.`: exactly one label more
    ("star-one-label", "`*.` and one label more", "*.example.com", "api.example.com", True, False),
    ("star-two-labels", "`*.` and two labels more", "*.example.com", "v1.api.example.com", False, False),
    ("star-itself", "`*.` and the name itself", "*.example.com", "example.com", False, False),
    ("star-suffix", "`*.` and a name that only ends with the same letters",
     "*.example.com", "badexample.com", False, True),
    ("star-other-domain", "`*.` and a longer name in front of another domain",
     "*.example.com", "api.example.com.evil.example", False, True),
    ("star-underscore", "`*.` and a label with an underscore", "*.example.com", "_dmarc.example.com", True, False),
    ("star-case-and-dot", "`*.` and a host in upper case with a trailing dot",
     "*.example.com", "API.EXAMPLE.COM.", True, False),
    # `**.`: the name itself and any depth below
    ("two-stars-itself", "`**.` and the name itself", "**.example.com", "example.com", True, False),
    ("two-stars-one-label", "`**.` and one label more", "**.example.com", "api.example.com", True, False),
    ("two-stars-three-labels", "`**.` and three labels more", "**.example.com", "a.b.c.example.com", True, False),
    ("two-stars-above", "`**.` and the name above", "**.example.com", "com", False, False),
    ("two-stars-suffix", "`**.` and a name that only ends with the same letters",
     "**.example.com", "badexample.com", False, True),
    ("two-stars-one-label-name", "`**.` on a name of one label", "**.internal", "db.internal", True, False),
]  # fmt: skip

_NAMES: list[Asked] = [
    # not names
    ("empty", "No host at all", "**.example.com", "", False, True),
    ("dot-alone", "A dot alone", "**.example.com", ".", False, True),
    ("leading-dot", "A host with a dot first", "**.example.com", ".example.com", False, True),
    ("empty-label", "A host with an empty label", "**.example.com", "api..example.com", False, True),
    ("two-trailing-dots", "Two trailing dots, of which one is removed", "**.example.com", "example.com..", False, True),
    ("label-63", "A label of 63 characters", "*.example.com", f"{LABEL}.example.com", True, False),
    ("label-64", "A label of 64 characters", "*.example.com", f"{LABEL}a.example.com", False, True),
    ("name-253", "A name of 253 characters", LONGEST, LONGEST, True, False),
    ("name-253-trailing-dot", "A name of 253 characters and a trailing dot", LONGEST, f"{LONGEST}.", True, False),
    ("name-254", "A name of 254 characters", f"**.{LABEL}", f"{'b' * 62}.{LABEL}.{LABEL}.{LABEL}", False, True),
    ("port", "A name with a port: a colon, and no IPv6", "api.example.com", "api.example.com:443", False, True),
    ("port-under-wildcard", "A name with a port under a wildcard", "**.example.com", "example.com:443", False, True),
    # beyond ASCII: UTS 46, non-transitional
    ("umlaut", "An international name", "xn--bcher-kva.example", "b\u00fccher.example", True, False),
    ("umlaut-upper-case", "An international name in upper case",
     "xn--bcher-kva.example", "B\u00dcCHER.Example", True, False),
    ("umlaut-composed", "A letter and its accent as two characters",
     "xn--bcher-kva.example", "bu\u0308cher.example", True, False),
    ("sharp-s", "Sharp s stays a letter of its own", "xn--fa-hia.de", "fa\u00df.de", True, True),
    ("sharp-s-transitional", "Sharp s does not become ss", "fass.de", "fa\u00df.de", False, True),
    ("final-sigma", "The final sigma stays a letter of its own",
     "xn--nxasmm1c.com", "\u03b2\u03cc\u03bb\u03bf\u03c2.com", True, True),
    ("final-sigma-transitional", "The final sigma does not become a common one",
     "xn--nxasmq6b.com", "\u03b2\u03cc\u03bb\u03bf\u03c2.com", False, True),
    ("full-width-letters", "Full-width letters are letters",
     "api.example.com", "\uff41\uff50\uff49.example.com", True, True),
    ("full-width-dot", "A full-width dot is a dot", "api.example.com", "api\uff0eexample.com", True, True),
    ("ideographic-dot", "An ideographic full stop is a dot",
     "api.example.com", "api\u3002example\u3002com", True, True),
    ("ideographic-dots-and-star", "An ideographic full stop counts as a dot for `*.` too",
     "*.example.com", "a\u3002b.example.com", False, True),
    ("soft-hyphen", "A soft hyphen is dropped", "api.example.com", "a\u00adpi.example.com", True, True),
    ("kelvin-sign", "The Kelvin sign is the letter k", "kelvin.example", "\u212aelvin.example", True, True),
    ("greek-below-star", "An international label below a wildcard",
     "*.example.com", "\u03b1\u03b2\u03b3.example.com", True, False),
    ("ideographic-dot-last", "An ideographic full stop at the end is the one trailing dot",
     "api.example.com", "api.example.com\u3002", True, True),
    ("emoji", "UTS 46 allows what registries do not", "xn--53h.example", "\u2615.example", True, True),
    ("cyrillic-look-alike", "A Cyrillic letter that looks like a Latin one is another letter",
     "api.example.com", "\u0430pi.example.com", False, True),
    ("a-label-untouched", "An A-label in ASCII is left as it is, whatever it stands for",
     "*.example.com", "xn--a.example.com", True, False),
    ("a-label-upper-case", "An A-label in upper case", "xn--bcher-kva.example", "XN--BCHER-KVA.example", True, False),
    ("a-label-beside-unicode", "An invalid A-label in an international name is an error of UTS 46",
     "**.example", "xn--a.b\u00fccher.example", False, True),
    ("a-label-good-beside-unicode", "A good A-label in an international name is left as it is",
     "xn--bcher-kva.xn--bcher-kva.example", "xn--bcher-kva.b\u00fccher.example", True, False),
    ("joiner-kept", "A joiner is not dropped, as transitional processing did",
     "ab.example", "a\u200db.example", False, True),
    ("joiner-misplaced", "A joiner where none may stand is an error of UTS 46",
     "**.example", "a\u200db.example", False, True),
    ("bidi", "A label that mixes directions is an error of UTS 46", "**.example", "a\u05d0.example", False, True),
    ("replacement-character", "A character that UTS 46 does not allow",
     "**.example", "b\ufffdcher.example", False, True),
    ("combining-mark-first", "A label that begins with a combining mark", "**.example", "\u0301a.example", False, True),
    ("only-ignored", "A label of nothing but a soft hyphen is empty", "**.example", "\u00ad.example", False, True),
    ("label-too-long-as-a-label", "A label that fits as text and not as an A-label",
     "**.example", "\u00fc" + "a" * 62 + ".example", False, True),
    # addresses
    ("ipv4", "An IPv4 address", "192.0.2.1", "192.0.2.1", True, False),
    ("ipv4-trailing-dot", "An IPv4 address with a trailing dot is the address", "192.0.2.1", "192.0.2.1.", True, True),
    ("ipv4-full-width", "Full-width digits make an IPv4 address",
     "192.0.2.1", "\uff11\uff19\uff12.\uff10.\uff12.\uff11", True, True),
    ("ipv4-star", "`*.` does not cover an IPv4 address", "*.0.2.1", "192.0.2.1", False, True),
    ("ipv4-two-stars", "`**.` does not cover an IPv4 address", "**.2.1", "192.0.2.1", False, True),
    ("ipv4-full-width-two-stars", "`**.` does not cover what becomes an IPv4 address",
     "**.2.1", "\uff11\uff19\uff12.\uff10.\uff12.\uff11", False, True),
    ("ipv4-leading-zero", "An octet with a leading zero makes another, ordinary name",
     "192.0.2.1", "192.0.2.01", False, True),
    ("ipv4-short", "127.1 is an ordinary name", "127.0.0.1", "127.1", False, True),
    ("ipv4-hexadecimal", "Hexadecimal octets make an ordinary name", "127.0.0.1", "0x7f.0.0.1", False, True),
    ("ipv4-integer", "An address as one number is an ordinary name", "127.0.0.1", "2130706433", False, True),
    ("ipv4-octet-256", "256 is no octet: an ordinary name, which a wildcard covers",
     "*.0.2.1", "256.0.2.1", True, True),
    ("ipv4-five-numbers", "Five numbers are an ordinary name", "**.0.2.1", "1.192.0.2.1", True, True),
    ("ipv6", "An IPv6 address", "2001:db8::1", "2001:db8::1", True, False),
    ("ipv6-upper-case", "An IPv6 address in upper case", "2001:db8::a", "2001:DB8::A", True, False),
    ("ipv6-long", "An IPv6 address that is not shortened", "2001:db8::1", "2001:0db8:0:0:0:0:0:0001", True, False),
    ("ipv6-first-of-two-gaps", "Of two runs of zeros of one length the first is shortened",
     "2001:db8::1:0:0:1", "2001:db8:0:0:1::1", True, False),
    ("ipv6-one-zero-group", "`::` for one group is written out",
     "2001:db8:0:1:1:1:1:1", "2001:db8::1:1:1:1:1", True, False),
    ("ipv6-loopback", "The loopback address", "::1", "0:0:0:0:0:0:0:1", True, False),
    ("ipv6-mapped", "A mapped IPv6 address is written in the mixed form",
     "::ffff:192.0.2.1", "::ffff:c000:201", True, True),
    ("ipv6-mapped-is-not-ipv4", "A mapped IPv6 address is not the IPv4 address",
     "192.0.2.1", "::ffff:192.0.2.1", False, True),
    ("ipv4-is-not-mapped", "An IPv4 address is not the mapped IPv6 address",
     "::ffff:192.0.2.1", "192.0.2.1", False, True),
    ("ipv6-two-gaps", "`::` twice is no address", "2001:db8::1", "2001::db8::1", False, True),
    ("ipv6-five-digits", "A group of five digits is no address", "2001:db8::1", "2001:0db80::1", False, True),
    ("ipv6-nine-groups", "Nine groups are no address", "2001:db8::1", "2001:db8:0:0:0:0:0:0:1", False, True),
]  # fmt: skip

# name, what it is about, pattern, the host it is asked about
_INVALID_PATTERNS: list[tuple[str, str, str, str]] = [
    ("upper-case", "A pattern in upper case is refused, not repaired", "API.example.com", "api.example.com"),
    ("trailing-dot", "A pattern with a trailing dot", "api.example.com.", "api.example.com"),
    ("not-ascii", "A pattern that is not ASCII: authoring writes A-labels",
     "b\u00fccher.example", "b\u00fccher.example"),
    ("empty", "An empty pattern", "", ""),
    ("empty-label", "A pattern with an empty label", "*..example.com", "a..example.com"),
    ("star-partial", "A star for a part of a label", "api-*.example.com", "api-1.example.com"),
    ("star-within", "A star in the middle", "api.*.example.com", "api.v1.example.com"),
    ("star-last", "A star at the end", "example.*", "example.com"),
    ("stars-mixed", "`*.**.`", "*.**.example.com", "a.b.example.com"),
    ("three-stars", "Three stars", "***.example.com", "a.example.com"),
    ("star-without-dot", "A star without its dot", "*example.com", "badexample.com"),
    ("question-mark", "A question mark", "ap?.example.com", "api.example.com"),
    ("regular-expression", "A regular expression", "(a|b).example.com", "a.example.com"),
    ("port", "A pattern with a port", "api.example.com:443", "api.example.com"),
    ("space", "A space", "api .example.com", "api.example.com"),
    ("newline", "A line feed at the end", "api.example.com\n", "api.example.com"),
    ("long-label", "A label of 64 characters", f"{LABEL}a.example.com", f"{LABEL}a.example.com"),
    ("long-name", "A name of 254 characters", f"{LONGEST}b", f"{LONGEST}b"),
    ("wildcard-on-ipv4", "A wildcard on an IPv4 address", "*.192.0.2.1", "a.192.0.2.1"),
    ("wildcard-on-ipv6", "A wildcard on an IPv6 address", "**.2001:db8::1", "2001:db8::1"),
    ("ipv6-long", "An IPv6 address that is not shortened", "2001:db8:0:0:0:0:0:1", "2001:db8::1"),
    ("ipv6-upper-case", "An IPv6 address in upper case", "2001:DB8::1", "2001:db8::1"),
    ("ipv6-mapped-hex", "A mapped IPv6 address without the mixed form", "::ffff:c000:201", "::ffff:192.0.2.1"),
    ("ipv6-zone", "An IPv6 address with a zone", "fe80::1%eth0", "fe80::1"),
    ("bare-star", "A bare `*`", "*", "localhost"),
    ("bare-two-stars", "A bare `**`", "**", "localhost"),
]  # fmt: skip

_SUFFIXES = ["com", "uk", "co.uk", "github.io"]
# name, what it is about, pattern, host, whether it matches; None: the pattern is refused
_SUFFIX_CASES: list[tuple[str, str, str, str, bool | None]] = [
    ("star-on-suffix", "`*.` on a public suffix", "*.com", "example.com", None),
    ("two-stars-on-suffix", "`**.` on a public suffix", "**.co.uk", "example.co.uk", None),
    ("star-on-private-suffix", "`*.` on a suffix of two labels", "*.github.io", "livepin.github.io", None),
    ("bare-star", "A bare `*`", "*", "com", None),
    ("exact-on-suffix", "The public suffix itself, without a wildcard", "github.io", "github.io", True),
    ("star-below-suffix", "`*.` on a name below a public suffix", "*.example.co.uk", "api.example.co.uk", True),
    ("two-stars-below-suffix", "`**.` on a name below a public suffix", "**.example.com", "example.com", True),
    ("other-name", "`*.` on a name that ends with a suffix's text", "*.notcom", "a.notcom", True),
    ("judging-ignores-them", "A suffix is judged like any name once its pattern is good", "uk", "co.uk", False),
]


def _case(name: str, about: str, rule: str, request: Json, expect: Json, *, hostile: bool) -> Case:
    return Case(f"host-{name}", f"{about}.", rule, expect, hostile, {"do": "host", **request})


def match_cases() -> Iterator[Case]:
    for rule, table in (("J2", _PATTERNS), ("J1", _NAMES)):
        for name, about, pattern, host, matches, hostile in table:
            request = {"pattern": pattern, "host": host}
            yield _case(name, about, rule, request, {"match": matches}, hostile=hostile)


def _refused_pattern(case: str, about: str, pattern: str, host: str, code: Any, suffixes: Sequence[str] = ()) -> Case:
    request: Json = {"pattern": pattern, "host": host}
    if suffixes:
        request["public_suffixes"] = list(suffixes)
    return _case(case, about, "J2", request, {"code": code}, hostile=True)


def pattern_cases() -> Iterator[Case]:
    for name, about, pattern, host in _INVALID_PATTERNS:
        yield _refused_pattern(f"pattern-{name}", about, pattern, host, "pattern_invalid")
    for name, about, pattern, host, matches in _SUFFIX_CASES:
        if matches is None:
            code = any_of("public_suffix", "pattern_invalid")
            yield _refused_pattern(f"suffix-{name}", about, pattern, host, code, _SUFFIXES)
        else:
            request = {"pattern": pattern, "host": host, "public_suffixes": _SUFFIXES}
            yield _case(f"suffix-{name}", about, "J2", request, {"match": matches}, hostile=False)
    about = "Without a set of suffixes a wildcard on one is a pattern like any other"
    request = {"pattern": "*.com", "host": "example.com"}
    yield _case("suffix-set-absent", about, "J2", request, {"match": True}, hostile=False)


def all_cases() -> Iterator[Case]:
    yield from match_cases()
    yield from pattern_cases()
