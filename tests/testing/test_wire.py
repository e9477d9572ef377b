from __future__ import annotations

import ssl

import pytest

from livepin.testing.wire import ClientHello, Records, parse


def hello(server_name: str | None, alpn: list[str] | None = None) -> bytes:
    """What OpenSSL sends first."""
    context = ssl.create_default_context()
    context.check_hostname = server_name is not None
    if alpn:
        context.set_alpn_protocols(alpn)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname=server_name).do_handshake()
    return outgoing.read()


def test_names_and_protocols_are_read() -> None:
    assert parse(hello("api.example.com", ["h2", "http/1.1"])) == ClientHello("api.example.com", ("h2", "http/1.1"))


@pytest.mark.parametrize("name", [None, "192.0.2.7", "::1"])
def test_there_is_no_name_for_an_address(name: str | None) -> None:
    assert parse(hello(name)) == ClientHello("", ())


def test_a_hello_in_pieces_is_read_when_it_is_complete() -> None:
    data = hello("api.example.com")
    assert [parse(data[:size]) for size in range(len(data))] == [None] * len(data)
    body = data[5:]
    parts = (body[:9], body[9:100], body[100:200], body[200:-2], body[-2:])
    records = b"".join(b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part for part in parts)
    assert parse(records) == ClientHello("api.example.com", ())


@pytest.mark.parametrize(
    "data", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x04\x02\x00\x00\x00", b"\x16" * 99]
)
def test_what_is_no_hello_is_none(data: bytes) -> None:
    assert parse(data) is None


def test_bytes_outside_the_record_layer_are_told_apart_however_they_arrive() -> None:
    records = hello("api.example.com") + b"\x15\x03\x03\x00\x02\x02\x2a"
    whole = Records()
    assert whole.outside(records) == b""
    assert whole.outside(b"Bearer token") == b"Bearer token"
    assert whole.outside(b"\x15\x03\x03\x00\x00") == b"\x15\x03\x03\x00\x00"  # once lost, it stays lost
    piecemeal = Records()
    found = b"".join(piecemeal.outside(bytes([byte])) for byte in records + b"Bearer token")
    assert found == b"Bearer token"
    for no_record in (b"\x47\x03\x03\x00\x00", b"\x16\x45\x03\x00\x00"):
        assert Records().outside(no_record) == no_record
