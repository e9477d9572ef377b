"""Host patterns and digests as people type them; public suffixes."""

from __future__ import annotations

import pytest

from livepin.author.digests import typed_digest
from livepin.author.names import readable, typed_pattern
from livepin.author.suffixes import public_suffixes
from livepin.errors import InputInvalid, PatternInvalid


@pytest.mark.parametrize(
    ("typed", "text", "other"),
    [
        ("API.Example.COM.", "api.example.com", ""),
        (" *.example.com", "*.example.com", ""),
        ("**.Example.com", "**.example.com", ""),
        ("bücher.example", "xn--bcher-kva.example", ""),
        ("*.BÜCHER.example", "*.xn--bcher-kva.example", ""),
        ("faß.example", "xn--fa-hia.example", "fass.example"),
        ("**.faß.example.", "**.xn--fa-hia.example", "**.fass.example"),
        ("_dmarc.bücher.example", "_dmarc.xn--bcher-kva.example", ""),
        ("[2001:DB8::1]", "2001:db8::1", ""),
        ("192.0.2.1", "192.0.2.1", ""),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah", ""),
    ],
)
def test_what_becomes_of_a_typed_pattern(typed: str, text: str, other: str) -> None:
    found = typed_pattern(typed)
    assert (found.text, found.other) == (text, other)


@pytest.mark.parametrize(
    "typed", ["", "*", "*.", "a..b", "*a.example", "a b", "☃\u200d.example", "\u0301x.example", "*.::1"]
)
def test_what_is_no_pattern(typed: str) -> None:
    with pytest.raises(PatternInvalid):
        typed_pattern(typed)


def test_patterns_for_people() -> None:
    assert readable("*.xn--bcher-kva.example") == "*.bücher.example"
    assert readable("xn--zz.example") == "xn--zz.example"


def test_digests_in_base64_and_hexadecimal() -> None:
    text = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    digits = bytes(range(32)).hex()
    assert typed_digest(f" {text}\n", "spki_sha256") == text
    assert typed_digest(digits.upper(), "cert_sha256") == text
    assert typed_digest(bytes(range(32)).hex(":"), "spki_sha256") == text
    assert typed_digest(bytes(64).hex(), "spki_sha512") == "A" * 86 + "=="


@pytest.mark.parametrize("typed", ["", "AAAA", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=", "ab" * 31, "zz" * 32])
def test_what_is_no_digest(typed: str) -> None:
    with pytest.raises(InputInvalid) as raised:
        typed_digest(typed, "spki_sha256")
    assert raised.value.code == "encoding_invalid"


def test_which_wildcards_stand_on_a_public_suffix() -> None:
    patterns = ["co.uk", "*.co.uk", "**.com", "*.example.com", "**.github.io", "*.internal", "api.example.com"]
    assert public_suffixes(patterns) == {"co.uk", "com", "github.io", "internal"}
    assert public_suffixes(["api.example.com"]) == frozenset()
