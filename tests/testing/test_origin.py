from __future__ import annotations

import gzip
import http.client
import socket
import threading
import urllib.request
from pathlib import Path

import pytest

from livepin.testing import Cast, DocumentAuthority, Origin
from tests.testing.plain_clients import get

PATH = "acme/shop/pins.jws"


@pytest.fixture
def origin() -> Origin:
    """An origin, not yet started, with one document."""
    origin = Origin()
    origin.put(PATH, "a.b.c")
    return origin


# ---------------------------------------------------------------- honest


def test_the_pointer_is_served_as_the_design_says(origin: Origin) -> None:
    with origin:
        status, headers, body = get(origin, PATH)
    assert (status, body, headers["Content-Type"], headers["Content-Length"]) == (
        200,
        b"a.b.c",
        "application/jose",
        "5",
    )
    assert headers["Cache-Control"].startswith("public, max-age=60, stale-while-revalidate=")
    assert "stale-if-error=" in headers["Cache-Control"]
    assert headers["ETag"].startswith('"')


def test_what_carries_a_number_is_immutable_and_other_files_are_bytes(origin: Origin) -> None:
    origin.put("acme/shop/2.17.jws", b"a.b.c")
    origin.put("index.bin", b"\x00")
    with origin:
        assert get(origin, "acme/shop/2.17.jws")[1]["Cache-Control"] == "public, max-age=31536000, immutable"
        assert get(origin, "index.bin")[1]["Content-Type"] == "application/octet-stream"


def test_what_is_published_anew_has_another_etag_and_what_is_not_is_not_sent_again(origin: Origin) -> None:
    with origin:
        _, headers, _ = get(origin, PATH)
        for tag in (headers["ETag"], "W/" + headers["ETag"], f'"other", {headers["ETag"]}', "*"):
            status, again, body = get(origin, PATH, {"If-None-Match": tag})
            assert (status, body) == (304, b"")
            assert again["ETag"] == headers["ETag"]
            assert "Content-Length" not in again
        origin.put(PATH, "d.e.f")  # the same size, within the same second
        status, again, body = get(origin, PATH, {"If-None-Match": headers["ETag"]})
        assert (status, body) == (200, b"d.e.f")
        assert again["ETag"] != headers["ETag"]


def test_missing_removed_and_forbidden_things_are_said_to_be_so(origin: Origin) -> None:
    with origin:
        assert get(origin, "acme/other/pins.jws")[0] == 404
        assert get(origin, PATH, method="PUT")[0] == 405
        origin.remove(PATH)
        assert get(origin, PATH)[0] == 404
    with pytest.raises(KeyError):
        origin.remove(PATH)


def test_head_tells_the_length_without_the_body(origin: Origin) -> None:
    with origin, socket.create_connection((origin.address, origin.port), timeout=5) as client:
        client.sendall(f"HEAD /{PATH} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
        received = b"".join(iter(lambda: client.recv(1024), b""))
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nContent-Length: 5\r\n" in received
    assert received.endswith(b"\r\n\r\n")


def test_a_folder_is_served_as_it_is_at_the_moment(tmp_path: Path) -> None:
    (tmp_path / "public" / "acme").mkdir(parents=True)
    (tmp_path / "secret").write_text("not for you")
    file = tmp_path / "public" / "acme" / "pins.jws"
    file.write_text("one")
    with Origin(tmp_path / "public") as origin:
        assert get(origin, "acme/pins.jws")[2] == b"one"
        new = tmp_path / "new"
        new.write_text("two")
        new.replace(file)
        assert get(origin, "acme/pins.jws")[2] == b"two"
        assert get(origin, "acme")[0] == 404
        assert get(origin, "../secret")[0] == 404
        origin.put("acme/pins.jws", "three")
        assert get(origin, "acme/pins.jws")[2] == b"three"


def test_a_packed_copy_is_sent_to_those_who_take_it(origin: Origin) -> None:
    origin.put(PATH + ".gz", gzip.compress(b"a.b.c"))
    with origin:
        _, plain, body = get(origin, PATH)
        _, packed, packed_body = get(origin, PATH, {"Accept-Encoding": "br, gzip"})
    assert (body, "Content-Encoding" in plain) == (b"a.b.c", False)
    assert (gzip.decompress(packed_body), packed["Content-Encoding"], packed["Vary"]) == (
        b"a.b.c",
        "gzip",
        "Accept-Encoding",
    )
    assert packed["Content-Type"] == "application/jose"
    assert packed["ETag"] != plain["ETag"]


def test_an_origin_speaks_https(cast: Cast) -> None:
    with Origin(certificate=cast.genuine) as origin:
        origin.put(PATH, "a.b.c")
        assert origin.base_url == f"https://127.0.0.1:{origin.port}/"
        with urllib.request.urlopen(origin.url(PATH), timeout=5, context=cast.authority.client_context()) as response:
            assert response.read() == b"a.b.c"


def test_an_origin_listens_on_ipv6_where_the_machine_has_it() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 loopback here")
    with Origin(address="::1") as origin:
        origin.put(PATH, "a.b.c")
        with urllib.request.urlopen(origin.url(PATH), timeout=5) as response:
            assert response.read() == b"a.b.c"


def test_a_signed_document_is_served_where_an_application_looks_for_it() -> None:
    authority = DocumentAuthority("acme", "shop")
    with Origin() as origin:
        origin.put(authority.pointer, authority.sign())
        with urllib.request.urlopen(origin.url("acme/shop/pins.jws"), timeout=5) as response:
            assert response.read().decode() == authority.current


# ---------------------------------------------------------------- what is recorded


def test_requests_are_recorded_as_they_came(origin: Origin) -> None:
    with origin:
        get(origin, PATH + "?id=7", {"User-Agent": "one/1", "Cookie": "a=b"})
        get(origin, PATH)
        first, second = origin.requests
        assert (first.method, first.target, first.path, first.query) == ("GET", f"/{PATH}?id=7", f"/{PATH}", "id=7")
        assert (first.header("user-agent"), first.header("Cookie")) == ("one/1", "a=b")
        assert (second.query, second.header("User-Agent"), second.header("Cookie")) == ("", None, None)
        assert ("Host", f"127.0.0.1:{origin.port}") in second.headers
        assert (origin.count, origin.connection_count) == (2, 2)
        origin.forget()
        assert (origin.count, origin.connection_count, origin.requests) == (0, 0, ())


def test_a_connection_is_kept_for_several_requests(origin: Origin) -> None:
    with origin:
        client = http.client.HTTPConnection(origin.address, origin.port, timeout=5)
        for _ in range(3):
            client.request("GET", "/" + PATH)
            assert client.getresponse().read() == b"a.b.c"
        client.request("GET", "/" + PATH, headers={"Connection": "close"})
        response = client.getresponse()
        assert (response.getheader("Connection"), response.read()) == ("close", b"a.b.c")
        client.close()
        assert (origin.count, origin.connection_count) == (4, 1)
        origin.wait_until_idle()


def test_a_test_can_wait_for_a_request_that_comes_in_the_background(origin: Origin) -> None:
    with origin:
        background = threading.Timer(0.05, get, args=(origin, PATH))
        background.start()
        origin.wait_for_requests(1)
        assert origin.count == 1
        background.join()
        with pytest.raises(TimeoutError):
            origin.wait_for_requests(2, timeout=0.05)
