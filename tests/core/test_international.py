"""Names that are not ASCII: UTS 46, non-transitional (J1)."""

from __future__ import annotations

import itertools
import sys

import idna
import pytest

from livepin.core.hosts import normalize
from livepin.errors import HostInvalid

NAMES = [
    "bücher.example", "BÜCHER.example", "faß.de", "Σίσυφος.gr", "βόλος.com", "日本語.jp", "中国。中国", "россия.рф",
    "ｆｕｌｌ.com", "ñandú.cl", "a\u0308.com", "ﬁnance.com", "ı.com", "Å.com", "한국.kr", "ไทย.th", "ελλάς.gr",
    "نامهای.com", "نامه\u200cای.com", "ශ්\u200dරී.com", "שלום.com", "xn--bcher-kva.münchen.de", "1é.com",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_the_a_labels_are_those_of_the_idna_package(name: str) -> None:
    assert normalize(name) == idna.encode(name, uts46=True, std3_rules=False, transitional=False).decode("ascii")


def test_single_characters_become_what_the_idna_package_says() -> None:
    """IDNA 2008 is stricter than UTS 46, so only what it allows can be compared."""
    allowed = 0
    for code in itertools.chain(range(0x80, 0x3000), range(0x3000, 0x30000, 37)):
        name = f"a{chr(code)}b.com"
        try:
            expected = idna.encode(name, uts46=True, std3_rules=False, transitional=False).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            continue
        allowed += 1
        assert normalize(name) == expected, hex(code)
    assert allowed > 3000


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("☃.net", "xn--n3h.net"),
        ("i♥ny.com", "xn--iny-zx5a.com"),
        ("a_b.é.com", "a_b.xn--9ca.com"),
        ("é--é.com", "xn-----9iac.com"),
        ("ｅxample.com.", "example.com"),
        ("example.com。", "example.com"),
        ("a\u00adb.com", "ab.com"),
        ("[::１]", "::1"),
        ("שלום.אב", "xn--9dbne9b.xn--4dbc"),
    ],
)
def test_what_uts_46_allows_beyond_idna_2008_is_accepted(name: str, host: str) -> None:
    assert normalize(name) == host


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("xn--é.com", "codec"),
        ("xn--.é.com", "not an A-label"),
        ("xn--ab-.é.com", "not an A-label"),
        ("xn--zzzzzzz9999.é.com", "UTS 46"),
        ("\u0301a.com", "combining mark"),
        ("é.\u0301a.com", "combining mark"),
        ("a\u200cb.com", "joiner"),
        ("a\u200db.com", "joiner"),
        ("\ud800.com", "UTS 46"),
        ("é" * 64 + ".com", "over 63 characters"),
        ("xn--" + "a" * 60 + ".é.com", "over 63 characters"),
        ("é" * 1_000_000, "UTS 46"),
    ],
)
def test_an_error_of_uts_46_is_no_host(name: str, why: str) -> None:
    with pytest.raises(HostInvalid, match=why) as refused:
        normalize(name)
    assert refused.value.code == "host_invalid"


@pytest.mark.parametrize("name", ["1א.com", "אa.com", "1abc.אב", "_dmarc.אב", "a-.אב", "1.xn--4dbc.é"])
def test_one_label_from_right_to_left_binds_all_labels(name: str) -> None:
    with pytest.raises(HostInvalid, match="UTS 46"):
        normalize(name)
    assert normalize(name.translate({ord("א"): "é", ord("ב"): "é"}).replace("xn--4dbc", "xn--9ca"))


def test_a_label_whose_a_label_is_too_long_is_no_host() -> None:
    with pytest.raises(HostInvalid, match="over 63"):
        normalize("é" * 60 + ".com")


def test_a_label_encoded_twice_is_no_second_spelling() -> None:
    once = "xn--" + "bücher".encode("punycode").decode()
    twice = "xn--" + "xn--bücher".encode("punycode").decode()
    assert normalize(f"é.{once}") == f"xn--9ca.{once}"
    with pytest.raises(HostInvalid, match="encoded twice"):
        normalize(f"é.{twice}")


def test_the_mapped_form_cannot_be_left_out_by_writing_an_a_label() -> None:
    unmapped = "xn--" + "Bücher".encode("punycode").decode().lower()
    capital = "xn--" + "Ü".encode("punycode").decode()
    assert normalize(f"é.{unmapped}").endswith(unmapped)
    with pytest.raises(HostInvalid, match="mapped form"):
        normalize(f"é.{capital}")


def test_without_the_idna_package_the_hint_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "idna", None)
    with pytest.raises(HostInvalid, match="xn--") as refused:
        normalize("bücher.example")
    assert "`idna` extra" in refused.value.hint
    assert normalize("xn--bcher-kva.example") == "xn--bcher-kva.example"
