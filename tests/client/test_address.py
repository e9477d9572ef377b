"""A user writes configuration URLs, right and wrong."""

from __future__ import annotations

import pytest

from livepin.client.address import document_urls, parse_url, shown
from livepin.errors import ConfigurationError


def urls(given: str | list[str]) -> tuple[str, ...]:
    return document_urls(given, "acme", "shop")


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://cdn.example.com/pins/", "https://cdn.example.com/pins/acme/shop/pins.jws"),
        ("https://cdn.example.com/", "https://cdn.example.com/acme/shop/pins.jws"),
        ("https://cdn.example.com", "https://cdn.example.com/acme/shop/pins.jws"),
        ("https://cdn.example.com/my.jws", "https://cdn.example.com/my.jws"),
        ("https://cdn.example.com/a//b/", "https://cdn.example.com/a//b/acme/shop/pins.jws"),
        ("https://cdn.example.com/pins/?v=1", "https://cdn.example.com/pins/acme/shop/pins.jws?v=1"),
        ("https://cdn.example.com/my.jws?v=1/", "https://cdn.example.com/my.jws?v=1/"),
        ("HTTPS://CDN.Example.com:8443/Pins/", "https://cdn.example.com:8443/Pins/acme/shop/pins.jws"),
        ("https://cdn.example.com.:443/x", "https://cdn.example.com/x"),
        ("https://[2001:DB8::1]:8443/", "https://[2001:db8::1]:8443/acme/shop/pins.jws"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/acme/shop/pins.jws"),
        ("http://127.8.9.1/", "http://127.8.9.1/acme/shop/pins.jws"),
        ("http://localhost:8000/p.jws", "http://localhost:8000/p.jws"),
        ("http://[::1]/", "http://[::1]/acme/shop/pins.jws"),
    ],
)
def test_a_url_that_ends_in_a_slash_is_a_base_and_any_other_is_used_as_it_is(given: str, used: str) -> None:
    assert urls(given) == (used,)


def test_several_urls_keep_their_order_and_the_same_url_counts_once() -> None:
    given = ["https://b.example.com/", "https://a.example.com/x", "https://B.example.com"]
    assert urls(given) == ("https://b.example.com/acme/shop/pins.jws", "https://a.example.com/x")


@pytest.mark.parametrize("nothing", ["", [], ()])
def test_without_any_url_the_error_says_how_to_pass_one(nothing: str | list[str]) -> None:
    with pytest.raises(ConfigurationError, match="LIVEPIN_CONFIGURATION_URL") as caught:
        urls(nothing)
    assert caught.value.code == "configuration_url_missing"


@pytest.mark.parametrize(
    "wrong",
    [
        "http://cdn.example.com/",
        "http://10.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://[::ffff:127.0.0.1]/",
        "http://localhost.example.com/",
        "http://127.0.0.1.example.com/",
        "ftp://cdn.example.com/",
        "file:///etc/pins.jws",
        "cdn.example.com/pins.jws",
        "//cdn.example.com/pins.jws",
        "https:///pins.jws",
        "https:cdn.example.com/pins.jws",
        "https://user@cdn.example.com/",
        "https://user:secret@cdn.example.com/",
        "https://cdn.example.com/#part",
        "https://cdn.example.com/pins.jws#",
        "https://cdn.example.com:0/",
        "https://cdn.example.com:99999/",
        "https://cdn.example.com:https/",
        "https://cdn.example.com/a b",
        "https://cdn.example.com/a\nb",
        " https://cdn.example.com/",
        "https://cdn.example.com/\t",
        "https://cdn.example.com\\@evil.example/",
        "https://cdn.example.com/ü",
        "https://cdn..example.com/",
        "https://c%64n.example.com/",
        "https://*.example.com/",
        "https://[fe80::1%25eth0]/",
        "https://[::1/",
    ],
)
def test_a_url_that_cannot_work_or_is_not_safe_is_refused_by_name(wrong: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        urls(["https://fine.example.com/", wrong])
    assert caught.value.code == "configuration_url_invalid"
    assert caught.value.where


@pytest.mark.parametrize("wrong", [None, 7, b"https://cdn.example.com/"])
def test_a_url_that_is_not_text_is_refused(wrong: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        document_urls([wrong], "acme", "shop")  # type: ignore[list-item]
    assert caught.value.code == "configuration_url_invalid"


@pytest.mark.parametrize(
    "secret",
    [
        "https://user:hunter2@cdn.example.com/",
        "https:/user:hunter2@cdn.example.com/",
        "user:hunter2@cdn.example.com",
        "ftp://cdn.example.com/?token=hunter2",
        "https://cdn.example.com/ä?token=hunter2",
        "https://cdn.example.com/#hunter2",
    ],
)
def test_what_may_be_secret_in_a_url_is_not_in_the_error(secret: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        urls(secret)
    assert "hunter2" not in str(caught.value)


def test_a_url_in_a_log_keeps_to_one_line_and_shows_no_query() -> None:
    assert shown("https://cdn.example.com/a\nb?token=1") == "https://cdn.example.com/a�b"
    assert shown(str(parse_url("https://cdn.example.com:8443/p?q"))) == "https://cdn.example.com:8443/p"


def test_an_international_host_is_written_as_it_is_asked_for() -> None:
    pytest.importorskip("idna")
    assert urls("https://bücher.example/") == ("https://xn--bcher-kva.example/acme/shop/pins.jws",)
