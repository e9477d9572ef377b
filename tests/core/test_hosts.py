"""Host names and patterns: J1 and J2."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest

from livepin.core.hosts import (
    Pattern,
    Wildcard,
    candidates,
    ipv6_text,
    is_address,
    is_pattern,
    matches,
    normalize,
    parse_pattern,
    wildcards_below,
)
from livepin.errors import HostInvalid, PatternInvalid

LABEL = "a" * 63
LONGEST = ".".join([LABEL, LABEL, LABEL, "a" * 61])


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("api.example.com", "api.example.com"),
        ("API.Example.COM.", "api.example.com"),
        ("localhost", "localhost"),
        ("_dmarc.a-b.-c-", "_dmarc.a-b.-c-"),
        ("a b.example.com", "a b.example.com"),
        ("xn--not-punycode-\x7f.com", "xn--not-punycode-\x7f.com"),
        (LONGEST, LONGEST),
        (LONGEST + ".", LONGEST),
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1.", "192.0.2.1"),
        ("192.0.2.01", "192.0.2.01"),
        ("0x7f.1", "0x7f.1"),
        ("2001:DB8:0:0:1::1", "2001:db8::1:0:0:1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]", "fe80::1"),
        ("::FFFF:c000:0201", "::ffff:192.0.2.1"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("::192.0.2.1", "::c000:201"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("１９２.0.2.1", "192.0.2.1"),
    ],
)
def test_a_name_is_brought_into_normal_form_and_stays_so(name: str, host: str) -> None:
    assert normalize(name) == host
    assert normalize(host) == host


NO_NAMES = (
    "a..b .a a.. a:b ::1:: [::1 ::1] fe80::1% 1.2.3.4:443 ::ffff:192.0.2.256 ::ffff:01.2.3.4 12345:: [[::1]] ::1/128"
)


@pytest.mark.parametrize(
    "name", ["", ".", *NO_NAMES.split(), "a" * 64, LONGEST + "a", "٣::1", "\ud800.com", "a。。b", "é:b"]
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(HostInvalid) as refused:
        normalize(name)
    assert refused.value.code == "host_invalid"


def test_mapped_addresses_are_written_in_the_mixed_form_whatever_python_does() -> None:
    assert ipv6_text(IPv6Address("::ffff:102:304")) == "::ffff:1.2.3.4"
    assert ipv6_text(IPv6Address("fe80::1%eth0")) == "fe80::1"


@pytest.mark.parametrize("host", ["192.0.2.1", "0.0.0.0", "255.255.255.255", "::", "::ffff:1.2.3.4"])
def test_addresses_are_told_from_names(host: str) -> None:
    assert is_address(host)


@pytest.mark.parametrize(
    "host", ["192.0.2", "192.0.2.256", "192.0.2.01", "1.2.3.4.5", "192.0.2.1a", "٣.0.2.1", "1.2.3.4\n"]
)
def test_other_digit_forms_are_ordinary_names(host: str) -> None:
    assert not is_address(host)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("api.example.com", Pattern("api.example.com", Wildcard.NONE, "api.example.com")),
        ("*.example.com", Pattern("*.example.com", Wildcard.ONE_LABEL, "example.com")),
        ("**.example.com", Pattern("**.example.com", Wildcard.ANY_DEPTH, "example.com")),
        ("**.com", Pattern("**.com", Wildcard.ANY_DEPTH, "com")),
        ("*." + LONGEST, Pattern("*." + LONGEST, Wildcard.ONE_LABEL, LONGEST)),
        ("192.0.2.1", Pattern("192.0.2.1", Wildcard.NONE, "192.0.2.1")),
        ("*.192.0.2.01", Pattern("*.192.0.2.01", Wildcard.ONE_LABEL, "192.0.2.01")),
        ("**.192.0.2.1.9", Pattern("**.192.0.2.1.9", Wildcard.ANY_DEPTH, "192.0.2.1.9")),
        ("2001:db8::1", Pattern("2001:db8::1", Wildcard.NONE, "2001:db8::1")),
        ("::ffff:192.0.2.1", Pattern("::ffff:192.0.2.1", Wildcard.NONE, "::ffff:192.0.2.1")),
    ],
)
def test_a_pattern_in_normal_form_is_read(text: str, pattern: Pattern) -> None:
    assert is_pattern(text)
    assert parse_pattern(text) == pattern


NO_PATTERNS = """
    * ** *. **. . ***.a *.*.a **.*.a a.*.b a*.b *a.b **a A.com a.com. a..b .a a+b *.192.0.2.1 **.192.0.2.1 *.::1
    **.2001:db8::1 ::FFFF:1.2.3.4 ::ffff:102:304 0::1 [::1] fe80::1%a a:b bücher.de é::1
"""


@pytest.mark.parametrize(
    "text", ["", *NO_PATTERNS.split(), "a b", "a.com\n", "::1\n", "a" * 64, LONGEST + "a", f"*.{LONGEST}a"]
)
def test_another_pattern_is_refused_and_not_repaired(text: str) -> None:
    assert not is_pattern(text)
    with pytest.raises(PatternInvalid) as refused:
        parse_pattern(text)
    assert refused.value.code == "pattern_invalid"


def test_a_wildcard_on_a_public_suffix_is_refused_when_the_set_is_given() -> None:
    suffixes = frozenset({"com", "co.uk"})
    for text in ("*.com", "**.co.uk"):
        assert parse_pattern(text).text == text
        with pytest.raises(PatternInvalid) as refused:
            parse_pattern(text, suffixes)
        assert refused.value.code == "public_suffix"
    for text in ("com", "*.example.com", "**.uk"):
        assert parse_pattern(text, suffixes).text == text


def test_patterns_are_tried_from_the_most_specific_to_the_least() -> None:
    assert list(candidates("a.b.c")) == ["a.b.c", "**.a.b.c", "*.b.c", "**.b.c", "**.c"]
    assert list(candidates("localhost")) == ["localhost", "**.localhost"]
    assert list(candidates("192.0.2.1")) == ["192.0.2.1"]
    assert list(candidates("::1")) == ["::1"]


def test_a_host_with_a_star_does_not_meet_the_text_of_a_pattern() -> None:
    assert list(candidates("*.example.com")) == []
    assert not matches(parse_pattern("*.example.com"), "*.example.com")
    assert not matches(parse_pattern("**.example.com"), "a.*.example.com")


@pytest.mark.parametrize(
    ("pattern", "covered", "other"),
    [
        ("api.example.com", ["api.example.com", "API.example.com."], ["a.api.example.com", "xapi.example.com"]),
        ("*.example.com", ["a.example.com"], ["example.com", "a.b.example.com", "aexample.com", "a.example.com.evil"]),
        ("**.example.com", ["example.com", "a.example.com", "a.b.c.example.com"], ["aexample.com", "com"]),
        ("192.0.2.1", ["192.0.2.1"], ["::ffff:192.0.2.1", "a.192.0.2.1"]),
        ("::1", ["::1", "[0::1%lo]"], ["::2", ""]),
    ],
)
def test_a_pattern_covers_its_hosts_and_no_others(pattern: str, covered: list[str], other: list[str]) -> None:
    assert [host for host in covered + other if matches(parse_pattern(pattern), host)] == covered


def test_a_wildcard_of_a_certificate_meets_the_wildcards_above_it() -> None:
    assert list(wildcards_below("b.c")) == ["*.b.c", "**.b.c", "**.c"]
    assert list(wildcards_below("2.3.4")) == ["*.2.3.4", "**.2.3.4", "**.3.4", "**.4"]
