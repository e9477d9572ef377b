"""Monitoring asks a running server; its log is read; somebody forges headers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.server.installation import Answer, Installation, ask, installed, wait_until

TOKEN = "the token of the one who measures"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Running, with a proxy on this machine that it trusts."""
    settings = {"METRICS_TOKEN": TOKEN, "TRUSTED_PROXIES": "127.0.0.0/8, 10.0.0.1", "LOG_LEVEL": "debug"}
    data = tmp_path_factory.mktemp("installation") / "data"
    with installed(data, {f"LIVEPIN_SERVER_{name}": value for name, value in settings.items()}) as installation:
        installation.serve()
        yield installation


def logged(server: Installation, answer: Answer) -> dict[str, Any]:
    """The line about a request, found by its number."""
    number = answer.headers["x-request-id"]
    found: list[dict[str, Any]] = []

    def look() -> bool:
        lines = [json.loads(line) for line in server.log.read_text().splitlines()]
        found[:] = [line for line in lines if line.get("request") == number and line["event"] == "request"]
        return bool(found)

    wait_until(look, 10)
    return found[0]


def test_a_request_keeps_the_number_that_it_came_with(server: Installation) -> None:
    answer = server.ask("/healthz", X_Request_ID="trace-0123.abc")
    assert answer.headers["x-request-id"] == "trace-0123.abc"
    assert logged(server, answer)["page"] == "/healthz"


@pytest.mark.parametrize("given", ["short", "a" * 65, "with space", "quote\"'{}", "ümlaut-and-more"])
def test_a_number_that_would_spoil_the_log_is_replaced(server: Installation, given: str) -> None:
    answer = server.ask("/healthz", X_Request_ID=given.encode().decode("latin-1"))
    assert len(answer.headers["x-request-id"]) == 32


def test_the_log_says_which_page_and_neither_address_nor_query(server: Installation) -> None:
    answer = server.ask("/no/such/page-0123456789?secret=0123456789")
    line = logged(server, answer)
    assert (line["page"], line["status"], line["method"]) == ("(no such page)", 404, "GET")
    assert "0123456789" not in server.log.read_text()


@pytest.mark.parametrize("name", ["%1b%5b2J", "a%0aforged", "%c2%9b31m", "a%e2%80%a8b", "%e2%80%aea", "a%20b"])
def test_what_is_no_name_does_not_write_into_the_log(server: Installation, name: str) -> None:
    assert "organization" not in logged(server, server.ask(f"/api/v1/organizations/{name}"))
    line = logged(server, server.ask(f"/api/v1/organizations/acme/projects/{name}"))
    assert (line["organization"], "project" in line) == ("acme", False)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/api/v1/no/such", "/no/such", "/api/v1/me"])
def test_no_answer_is_taken_for_another_type(server: Installation, path: str) -> None:
    assert server.ask(path).headers["x-content-type-options"] == "nosniff"


def test_the_client_behind_a_trusted_proxy_is_known(server: Installation) -> None:
    answer = server.ask("/healthz", X_Forwarded_For="198.51.100.7, 203.0.113.9, 10.0.0.1")
    assert logged(server, answer)["client"] == "203.0.113.9"


@pytest.mark.parametrize("forged", ["localhost", "127.0.0.1", "", "'; drop", "203.0.113.9:80"])
def test_what_is_no_address_is_not_taken_for_one(server: Installation, forged: str) -> None:
    assert logged(server, server.ask("/healthz", X_Forwarded_For=forged))["client"] == "127.0.0.1"


def test_measuring_on_the_machine_itself_or_with_the_token(server: Installation) -> None:
    assert b"livepin_ready" in server.ask("/metrics").body
    assert server.ask("/metrics", X_Forwarded_For="203.0.113.9").status == 403
    for token, status in (("something else", 403), (TOKEN, 200)):
        answer = server.ask("/metrics", X_Forwarded_For="203.0.113.9", Authorization=f"Bearer {token}")
        assert answer.status == status


@pytest.mark.parametrize("name", ["evil.example", "evil.example:8470", "localhost.evil.example", "", "[::2]"])
def test_a_page_in_a_browser_here_whose_name_leads_here_measures_nothing(server: Installation, name: str) -> None:
    assert server.ask("/metrics", Host=name).status == 403
    for name in ("localhost", "LOCALHOST:8470", "127.0.0.1:1", "[::1]:8470"):
        assert server.ask("/metrics", Host=name).status == 200


@pytest.mark.parametrize("header", ["X_Forwarded_For", "X_Real_IP", "Via", "Forwarded", "X_Forwarded_Proto"])
def test_who_comes_through_a_proxy_measures_nothing(server: Installation, header: str) -> None:
    assert ask(server.port, "/metrics", "GET", b"", **{header: "203.0.113.9"}).status == 403


def test_pages_are_counted_by_their_pattern(server: Installation) -> None:
    for name in ("a", "b", "c"):
        server.ask(f"/no/such/{name}")
    text = server.ask("/metrics").body.decode()
    assert "/no/such" not in text
    assert 'page="(no such page)"' in text


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_monitoring_is_asked_on_any_name_and_only_reads(server: Installation, path: str) -> None:
    assert server.ask(path, Host="198.51.100.1:8470", Authorization=f"Bearer {TOKEN}").status == 200
    assert server.ask(path, "POST").status == 405
    assert server.ask(path, "HEAD").body == b""


def test_ready_says_what_is_missing(server: Installation) -> None:
    (server.data / "origin").rmdir()
    try:
        answer = server.ask("/readyz")
        assert answer.status == 503
        assert "cannot be written to" in answer.json["checks"]["origin"]
        stranger = server.ask("/readyz", X_Forwarded_For="203.0.113.9")
        assert (stranger.status, stranger.json["checks"]["origin"]) == (503, "failed")
        assert server.ask("/healthz").status == 200
        assert b'livepin_ready{check="origin"} 0.0' in server.ask("/metrics").body
    finally:
        (server.data / "origin").mkdir()


def test_a_missing_master_key_is_noticed_before_somebody_publishes(server: Installation) -> None:
    path = server.data / "keys" / "master.keys"
    text = path.read_text()
    path.unlink()
    try:
        assert "there is no master key" in server.ask("/readyz").json["checks"]["master key"]
    finally:
        path.write_text(text)
    assert server.ask("/readyz").status == 200
