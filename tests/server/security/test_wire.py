"""Mallory at the sockets of a server: bodies without an end, names that are not its own, two requests in one."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.server.installation import Installation, installed

pytestmark = pytest.mark.slow
NAME = "livepin.example.com"
FORM = "Content-Type: application/x-www-form-urlencoded\r\nCookie: csrftoken=" + "a" * 32


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installed(tmp_path_factory.mktemp("wire") / "data") as installation:
        installation.serve()
        # The first request loads every page.
        assert installation.ask("/account/login/").status == 200
        yield installation


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One behind a proxy that speaks TLS to the world."""
    settings = {
        "LIVEPIN_SERVER_PUBLIC_URL": f"https://{NAME}",
        "LIVEPIN_SERVER_TRUSTED_PROXIES": "127.0.0.1",
        "LIVEPIN_SERVER_SIGN_UP": "open",
    }
    with installed(tmp_path_factory.mktemp("public") / "data", settings) as installation:
        installation.serve()
        yield installation


def sent(port: int, request: str, seconds: float = 20) -> str:
    """What comes back for bytes that no library would send."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(request.encode("latin-1"))
        answer = b""
        try:
            while piece := connection.recv(65536):
                answer += piece
        except TimeoutError:
            pass
    return answer.decode("latin-1")


def statuses(answer: str) -> list[str]:
    return re.findall(r"^HTTP/1\.1 (\d+)", answer, re.MULTILINE)


@pytest.mark.parametrize(
    "head",
    ["POST /api/v1/sign-ins HTTP/1.1\r\nContent-Type: application/json", f"POST /account/login/ HTTP/1.1\r\n{FORM}"],
)
def test_bodies_that_never_end_do_not_keep_the_server_from_others(server: Installation, head: str) -> None:
    with ExitStack() as kept:
        for _ in range(30):
            slow = kept.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            slow.sendall(f"{head}\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{{".encode())
        time.sleep(1)
        began = time.monotonic()
        assert server.ask("/healthz").status == 200
        assert server.ask("/account/login/").status == 200
        assert time.monotonic() - began < 5
    # And once they are gone, so are their places.
    time.sleep(0.5)
    assert server.ask("/api/v1/sign-ins", "POST", b"{}", Content_Type="application/json").status == 201


def test_a_body_larger_than_any_page_takes_is_not_read(server: Installation) -> None:
    for kind in ("application/json", "multipart/form-data; boundary=x"):
        head = f"POST /account/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n{FORM.splitlines()[1]}"
        answer = sent(server.port, f"{head}\r\nContent-Length: 1000000000\r\n\r\n--x\r\n")
        assert statuses(answer) == ["413"]


@pytest.mark.parametrize(
    "trick",
    [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
        "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "Content-Length : 4\r\n\r\nabcd",
        "Content-Length: +4\r\n\r\nabcd",
        "X-A: b\r\n Content-Length: 4\r\n\r\nabcd",
    ],
)
def test_one_request_is_never_taken_for_two(server: Installation, trick: str) -> None:
    for port in (server.port, server.origin_port):
        answer = sent(port, f"POST /healthz HTTP/1.1\r\nHost: localhost\r\n{trick}", 5)
        assert statuses(answer) in (["400"], ["405"])


def test_only_http_1_is_spoken(server: Installation) -> None:
    for port in (server.port, server.origin_port):
        assert "\x04" not in sent(port, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 3)


def https(
    server: Installation, path: str, host: str = NAME, method: str = "GET", body: bytes = b"", **more: str
) -> str:
    """An answer, head and all, as the proxy gets it."""
    lines = {"Host": host, "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9", "Connection": "close"}
    lines |= {name.replace("_", "-"): value for name, value in more.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return sent(server.port, f"{method} {path} HTTP/1.1\r\n{head}{length}\r\n{body.decode()}")


def test_cookies_belong_to_this_name_alone_and_never_travel_without_tls(public: Installation) -> None:
    answer = https(public, "/account/login/")
    (cookie,) = re.findall(r"^set-cookie: (.*)\r$", answer, re.MULTILINE | re.IGNORECASE)
    assert cookie.strip().startswith("__Host-csrf=")
    assert {"Secure", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "domain" not in cookie.lower()
    assert "strict-transport-security: max-age=31536000" in answer.lower()
    assert re.search(r"^cache-control: .*\bno-store\b", answer.lower(), re.MULTILINE)


@pytest.mark.parametrize(
    "name", ["evil.example", f"{NAME}.evil.example", f"evil.example#{NAME}", "localhost", "127.0.0.1"]
)
def test_a_name_that_is_not_the_servers_is_refused(public: Installation, name: str) -> None:
    assert statuses(https(public, "/account/login/", name)) == ["400"]


def test_a_mail_leads_to_the_server_and_to_no_port_that_mallory_listens_on(public: Installation) -> None:
    for name in (f"{NAME}:6666", NAME.upper(), f"{NAME}:443"):
        page = https(public, "/account/password/reset/", name)
        (token,) = set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page))
        (cookie,) = re.findall(r"__Host-csrf=(\w+)", page)
        body = f"csrfmiddlewaretoken={token}&email=nobody@example.com".encode()
        more = {"Content_Type": "application/x-www-form-urlencoded", "Cookie": f"__Host-csrf={cookie}"}
        answer = https(public, "/account/password/reset/", name, "POST", body, Origin=f"https://{NAME}", **more)
        assert statuses(answer) == ["302"]
    letters = [path.read_text() for path in (public.data / "mail").iterdir()]
    links = [link for letter in letters for link in re.findall(r"https?://\S+", letter)]
    assert links
    assert all(link.startswith(f"https://{NAME}/") for link in links), links
