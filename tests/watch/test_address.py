"""Addresses and proxies as people type them."""

from __future__ import annotations

import pytest

from livepin.errors import HostInvalid
from livepin.watch.address import Address, parse_address, parse_proxy


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("api.example.com", "api.example.com", 443),
        ("API.example.com.:8443", "api.example.com", 8443),
        ("192.0.2.1:1", "192.0.2.1", 1),
        ("2001:DB8::1", "2001:db8::1", 443),
        ("[2001:db8::1]", "2001:db8::1", 443),
        ("[2001:db8::1]:65535", "2001:db8::1", 65535),
    ],
)
def test_what_is_an_address(text: str, host: str, port: int) -> None:
    found = parse_address(text)
    assert found == Address(host, port)
    assert parse_address(str(found), 1) == found


@pytest.mark.parametrize(
    "text", ["", ":443", "api.example.com:", "a:0", "a:65536", "a:99999999999", "a:https", "[::1]443", "[::1", "a:+1"]
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(HostInvalid):
        parse_address(text)


@pytest.mark.parametrize(
    "text", ["a b", "a\r\nX", "a\tb", "a\x00b", "a/b", "a@b", "a%0d", "ä\r\nb", "*.a", "a\r\n\r\nGET http:443"]
)
def test_a_name_that_would_be_more_than_a_name_in_a_request_is_none(text: str) -> None:
    with pytest.raises(HostInvalid):
        parse_address(text)


def test_a_proxy() -> None:
    assert str(parse_proxy("http://proxy.example:3128/")) == "http://proxy.example:3128"
    assert str(parse_proxy("proxy.example")) == "http://proxy.example:8080"
    assert str(parse_proxy("HTTP://[::1]:3128")) == "http://[::1]:3128"


@pytest.mark.parametrize("text", ["https://proxy.example:3128", "socks5://p:1080", "http://p:1/path", "http://p:1?q"])
def test_what_is_no_proxy(text: str) -> None:
    with pytest.raises(HostInvalid):
        parse_proxy(text)


def test_a_password_in_a_proxy_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(HostInvalid) as raised:
        parse_proxy("http://user:hunter2@proxy.example:3128")
    assert "hunter2" not in str(raised.value)
