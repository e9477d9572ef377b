from __future__ import annotations

import gzip
import http.client
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator

import pytest

from livepin.testing import Cast, Origin
from livepin.testing.failures import (
    CaptivePortal,
    Delay,
    Drip,
    Endless,
    Garbage,
    GzipBomb,
    Hang,
    Headers,
    Redirect,
    Reset,
    Stale,
    Status,
    Truncated,
)
from tests.testing.plain_clients import get

PATH = "acme/shop/pins.jws"
BODY = b"0123456789" * 10


@pytest.fixture
def origin() -> Iterator[Origin]:
    """A running origin with one document."""
    with Origin() as origin:
        origin.put(PATH, BODY)
        yield origin


def healthy(origin: Origin) -> bool:
    return get(origin, PATH)[::2] == (200, BODY)


# ---------------------------------------------------------------- the switch


def test_a_switch_is_thrown_and_put_back_at_run_time(origin: Origin) -> None:
    assert healthy(origin)
    origin.fail(Status(503))
    assert get(origin, PATH)[0] == 503
    assert get(origin, PATH)[0] == 503
    origin.heal()
    assert healthy(origin)


def test_a_failure_passes_by_itself_after_a_number_of_requests(origin: Origin) -> None:
    origin.fail(Status(500), times=2)
    assert [get(origin, PATH)[0] for _ in range(3)] == [500, 500, 200]


def test_a_failure_concerns_one_path_alone(origin: Origin) -> None:
    origin.put("other.jws", b"fine")
    origin.fail(Status(500), path=PATH, times=1)
    assert [get(origin, path)[0] for path in ("other.jws", PATH, PATH)] == [200, 500, 200]


def test_failures_are_combined(origin: Origin) -> None:
    origin.fail(Status(502), Delay(0.1))
    begun = time.monotonic()
    assert get(origin, PATH)[0] == 502
    assert time.monotonic() - begun >= 0.1


def test_a_request_counts_even_if_it_is_not_answered(origin: Origin) -> None:
    origin.fail(Reset())
    with pytest.raises(ConnectionResetError):
        get(origin, PATH)
    assert origin.count == 1


# ---------------------------------------------------------------- each failure


@pytest.mark.parametrize("status", [400, 404, 410, 429, 500, 503, 599])
def test_status(origin: Origin, status: int) -> None:
    origin.fail(Status(status, {"Retry-After": "3600"}))
    found, headers, body = get(origin, PATH)
    assert (found, headers["Retry-After"], body) == (status, "3600", b"status %d\n" % status)


def test_headers_that_lie(origin: Origin) -> None:
    origin.fail(Headers({"Content-Type": "text/html", "Cache-Control": "no-store"}))
    status, headers, body = get(origin, PATH)
    assert (status, body) == (200, BODY)
    assert (headers["Content-Type"], headers["Cache-Control"]) == ("text/html", "no-store")


def test_a_delay_comes_before_the_first_byte(origin: Origin) -> None:
    origin.fail(Delay(0.3))
    with pytest.raises(TimeoutError):
        get(origin, PATH, timeout=0.05)


def test_a_drip_keeps_every_single_read_fast_and_the_whole_slow(origin: Origin) -> None:
    origin.fail(Drip(piece=10, interval=0.02))
    begun = time.monotonic()
    status, _, body = get(origin, PATH)
    assert (status, body) == (200, BODY)
    assert time.monotonic() - begun >= 9 * 0.02  # ten pieces


def test_a_truncated_body_is_shorter_than_announced(origin: Origin) -> None:
    origin.fail(Truncated(short=7))
    with pytest.raises(http.client.IncompleteRead) as caught:
        get(origin, PATH)
    assert (caught.value.partial, caught.value.expected) == (BODY[:-7], 7)


def test_a_gzip_bomb_is_small_on_the_wire(origin: Origin) -> None:
    origin.fail(GzipBomb(5_000_000))
    status, headers, body = get(origin, PATH)
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert len(body) < 50_000
    assert gzip.decompress(body) == bytes(5_000_000)


def test_an_endless_body_goes_on_until_the_client_has_enough(origin: Origin) -> None:
    origin.fail(Endless())
    with urllib.request.urlopen(origin.url(PATH), timeout=5) as response:
        assert response.headers["Content-Length"] is None
        assert len(response.read(3_000_000)) == 3_000_000
    origin.wait_until_idle()


@pytest.mark.parametrize(
    "url", ["https://elsewhere.example/pins.jws", "http://elsewhere.example/", "file:///etc/passwd"]
)
@pytest.mark.parametrize("status", [301, 307])
def test_a_redirect_leads_anywhere(origin: Origin, url: str, status: int) -> None:
    origin.fail(Redirect(url, status))
    found, headers, _ = get(origin, PATH)
    assert (found, headers["Location"]) == (status, url)


def test_a_captive_portal_answers_everything_with_its_page(origin: Origin) -> None:
    origin.fail(CaptivePortal())
    for path in (PATH, "anything/else"):
        status, headers, body = get(origin, path)
        assert (status, headers["Content-Type"]) == (200, "text/html")
        assert body.startswith(b"<!doctype html>")


def test_garbage_is_no_http(origin: Origin) -> None:
    origin.fail(Garbage())
    with pytest.raises(http.client.BadStatusLine):
        get(origin, PATH)


def test_a_reset_comes_at_once_or_in_the_middle(origin: Origin) -> None:
    origin.fail(Reset())
    with pytest.raises(ConnectionResetError):
        get(origin, PATH)
    origin.fail(Reset(after=30), Drip(piece=10, interval=0.01))
    with socket.create_connection((origin.address, origin.port), timeout=5) as client:
        client.sendall(f"GET /{PATH} HTTP/1.1\r\n\r\n".encode())
        received = b""
        with pytest.raises(ConnectionResetError):
            while data := client.recv(1024):
                received += data
    assert received.endswith(b"\r\n\r\n" + BODY[:30])


def test_who_is_left_hanging_hangs_until_it_leaves(origin: Origin) -> None:
    origin.fail(Hang())
    with pytest.raises(TimeoutError):
        get(origin, PATH, timeout=0.05)
    origin.wait_until_idle()
    origin.heal()
    assert healthy(origin)


def test_a_stuck_cache_serves_what_it_served_last(origin: Origin) -> None:
    etag = get(origin, PATH)[1]["ETag"]
    origin.put(PATH, b"newer")
    origin.fail(Stale())
    assert get(origin, PATH)[2] == BODY
    assert get(origin, PATH, {"If-None-Match": etag})[0] == 304
    origin.heal()
    assert get(origin, PATH)[2] == b"newer"
    origin.put("late.jws", b"one")
    origin.fail(Stale())
    assert get(origin, "late.jws")[2] == b"one"  # stuck from here on
    origin.put("late.jws", b"two")
    assert get(origin, "late.jws")[2] == b"one"


@pytest.mark.parametrize("failure", [Delay(3600), Hang(), Drip(piece=1, interval=3600), Endless()])
def test_stopping_does_not_wait_for_a_failure_to_pass(failure: Delay | Hang | Drip | Endless) -> None:
    before, begun = threading.active_count(), time.monotonic()
    with Origin() as origin:
        origin.put(PATH, BODY)
        origin.fail(failure)
        client = socket.create_connection((origin.address, origin.port), timeout=5)
        client.sendall(f"GET /{PATH} HTTP/1.1\r\n\r\n".encode())
        origin.wait_for_requests(1)
    client.close()
    assert time.monotonic() - begun < 5
    assert threading.active_count() == before


@pytest.mark.parametrize("failure", [Truncated(), Reset(), Garbage(), Hang()])
def test_failures_work_over_https_too(cast: Cast, failure: Truncated | Reset | Garbage | Hang) -> None:
    with Origin(certificate=cast.genuine) as origin:
        origin.put(PATH, BODY)
        origin.fail(failure)
        for expected in (False, True):
            context = cast.authority.client_context()
            client = http.client.HTTPSConnection("localhost", origin.port, timeout=5, context=context)
            client.connect()
            client.sock.settimeout(5 if expected or not isinstance(failure, Hang) else 0.1)
            client.request("GET", "/" + PATH)
            if expected:
                assert client.getresponse().read() == BODY
            else:
                with pytest.raises((http.client.HTTPException, OSError)):
                    client.getresponse().read()
                origin.heal()
            client.close()
