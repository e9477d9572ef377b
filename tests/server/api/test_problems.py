"""Whatever goes wrong is told in one shape, and nothing is told to strangers."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from livepin.errors import CODES
from livepin.server.actions import hosts
from livepin.server.config import Config
from tests.server.api.caller import Caller
from tests.server.world import World

DRAFT = "/api/v1/organizations/acme/projects/shop/draft"


def problem(response: Any, status: int, code: str) -> dict[str, Any]:
    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json"), response.content
    told: dict[str, Any] = response.json()
    assert (told["status"], told["code"]) == (status, code)
    assert told["hint"]
    assert code in CODES
    assert told["docs"] == f"errors.md#{code}"
    assert response["X-Request-ID"]
    return told


def test_without_a_token_nothing_is_answered(world: World) -> None:
    response = Caller().call("me_read")
    problem(response, 401, "unauthenticated")
    assert response["WWW-Authenticate"] == "Bearer"


def test_cookies_are_worth_nothing(world: World) -> None:
    client = Client()
    client.force_login(world.accounts["alice"], "allauth.account.auth_backends.AuthenticationBackend")
    problem(client.get("/api/v1/me"), 401, "unauthenticated")


@pytest.mark.parametrize("path", ["/api/", "/api/v2/me", "/api/v1/nothing", f"{DRAFT}/nothing"])
def test_an_unknown_address_is_a_problem(world: World, path: str) -> None:
    problem(Caller.of(world, "alice").send("get", path), 404, "not_found")


def test_an_unknown_method_is_a_problem_that_names_the_known_ones(world: World) -> None:
    response = Caller.of(world, "alice").send("delete", "/api/v1/me")
    problem(response, 405, "method_unsupported")
    assert set(response["Allow"].split(", ")) == {"GET", "PATCH"}


@pytest.mark.parametrize(
    "text", ["{", "", '{"name": "a", "name": "b"}', '{"name": null}', '{"name": 1.5}', '{"name": "\\ud800"}', "\xff"]
)
def test_what_is_not_strict_json_is_a_problem(world: World, text: str) -> None:
    client, caller = Client(), Caller.of(world, "alice")
    response = client.patch("/api/v1/me", text.encode("latin-1"), "application/json", headers=caller.headers)
    if text:
        problem(response, 400, "json_invalid")
    else:
        problem(response, 422, "value_invalid")


def test_a_zero_byte_is_refused_wherever_it_stands(world: World) -> None:
    alice = Caller.of(world, "alice")
    problem(alice.send("get", "/api/v1/organizations/a%00b"), 400, "http_invalid")
    problem(alice.send("get", f"{DRAFT}/hosts?like=%00"), 400, "http_invalid")
    problem(alice.call("me_rename", {"name": "a\0b"}), 400, "json_invalid")
    problem(alice.call("hosts_list_all", organization="acme", project="shop", cursor="AA"), 422, "value_invalid")


def test_a_form_is_refused(world: World) -> None:
    response = Client().patch("/api/v1/me", "name=a", "text/plain", headers=Caller.of(world, "alice").headers)
    problem(response, 415, "media_type_unsupported")


def test_a_body_that_is_too_large_is_refused(world: World, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    problem(Caller.of(world, "alice").call("me_rename", {"name": "a" * 2000}), 413, "body_too_large")


def test_a_host_name_that_is_not_the_servers_is_refused(world: World) -> None:
    response = Client().get("/api/v1/me", headers={"Host": "evil.example"})
    problem(response, 400, "http_invalid")


@pytest.mark.parametrize("limit", ["-1", "0", "501", "99999999999999999999999", "ten", "1.5", ""])
def test_a_limit_out_of_range_is_told_with_its_place(world: World, limit: str) -> None:
    for path in ("/api/v1/organizations", f"{DRAFT}/hosts", "/api/v1/organizations/acme/audit"):
        told = problem(Caller.of(world, "alice").send("get", f"{path}?limit={limit}"), 422, "value_invalid")
        assert told["where"] == "limit"


@pytest.mark.parametrize("cursor", ["!", "A", "LTE", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"])
def test_a_cursor_that_is_none_is_told(world: World, cursor: str) -> None:
    told = problem(
        Caller.of(world, "alice").call("audit_list_all", organization="acme", cursor=cursor), 422, "value_invalid"
    )
    assert told["where"] == "cursor"


def test_every_fault_of_a_body_has_its_place(world: World) -> None:
    host = {"host": "a.example", "action": "off", "rollout": 101, "pins": [{"from": -1}], "rolout": 5}
    body = {"hosts": [host], "life_days": "30"}
    told = problem(
        Caller.of(world, "bob").call("drafts_replace", body, organization="acme", project="shop", if_match='"1"'),
        422,
        "value_invalid",
    )
    places = {one["where"] for one in told["errors"]}
    assert places == {"life_days", "hosts[0].rollout", "hosts[0].pins[0].from", "hosts[0].rolout"}
    assert told["where"] in places


def test_an_error_of_ours_tells_nothing_of_its_inside(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the master key is 42")

    monkeypatch.setattr(hosts, "read", broken)
    response = Caller.of(world, "bob").call("hosts_read", organization="acme", project="shop", host="a.example")
    problem(response, 500, "internal")
    assert b"42" not in response.content


def test_a_token_that_asks_too_much_is_told_when_to_come_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    bob, carol = Caller.of(world, "bob"), Caller.of(world, "carol")
    monkeypatch.setattr(Config, "requests_per_minute", 20)
    statuses = [bob.call("me_read").status_code for _ in range(25)]
    assert statuses == [200] * 20 + [429] * 5
    response = bob.call("me_read")
    problem(response, 429, "rate_limited")
    assert 1 <= int(response["Retry-After"]) <= 60
    assert carol.call("me_read").status_code == 200


def test_whoever_guesses_tokens_or_links_is_slowed_down(world: World) -> None:
    statuses = [Caller("lvp_guess").call("me_read").status_code for _ in range(40)]
    statuses += [Caller().call("sign_ins_redeem", {"secret": "guess"}).status_code for _ in range(30)]
    assert statuses[:60] == [401] * 40 + [404] * 20
    assert statuses[60:] == [429] * 10
    assert Caller.of(world, "bob").call("me_read").status_code == 200


def test_the_number_of_a_request_comes_back(world: World) -> None:
    response = Client().get("/api/v1/me", headers={"X-Request-ID": "from-my-own-log"})
    assert response["X-Request-ID"] == "from-my-own-log"
