"""Somebody brings an answer of the provider that is not for them, not for now, or not for this server."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.test import Client

from livepin.server import settings as ours
from livepin.server.models import Account
from livepin.server.settings import CONFIG
from tests.server.world import World

LOGIN = "/account/oidc/sso/login/"
CALLBACK = f"{LOGIN}callback/"
WRONG: dict[str, dict[str, Any]] = {
    "out of date": {"exp": 1_000_000_000},
    "for another client": {"aud": "somebody else"},
    "of another issuer": {"iss": "https://evil.example"},
    "without an end that is a time": {"exp": "never"},
}


@dataclass
class Provider:
    """A provider that says whatever the test wants, over real HTTP. `asked`: what was sent for the last code."""

    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, list[str]] = field(default_factory=dict)

    def token(self) -> dict[str, str]:
        """The answer to a code."""
        now = int(time.time())
        claims = {"iss": self.url, "aud": "livepin", "sub": "sam-1", "iat": now, "exp": now + 300, **self.claims}
        # It came directly from the provider: who made the signature is not asked (OpenID Connect Core 3.1.3.7).
        return {"access_token": "a", "token_type": "Bearer", "id_token": jwt.encode(claims, "k" * 32, "HS256")}

    def answer(self, path: str) -> dict[str, Any]:
        """What is answered at an address."""
        if path == "/token":
            return self.token()
        if path == "/userinfo":
            return {"sub": "sam-1", "email": "sam@corp.example", "email_verified": True}
        places = {"authorization": "authorize", "token": "token", "userinfo": "userinfo"}
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/keys",
            **{f"{name}_endpoint": f"{self.url}/{place}" for name, place in places.items()},
        }


@pytest.fixture
def provider(settings: Any, world: World) -> Iterator[Provider]:
    """The operator's provider, which is run by the test."""
    made = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(made.answer(self.path)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            made.asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        made.url = f"http://127.0.0.1:{server.server_port}"
        given = replace(CONFIG, oidc_url=made.url, oidc_client_id="livepin", oidc_client_secret="shared")
        settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": ours._single_sign_on(given)}}
        yield made
        server.shutdown()


def begins(client: Client) -> dict[str, list[str]]:
    """Click on the button; what the provider would be asked."""
    answer = client.post(LOGIN)
    assert answer.status_code == 302
    return parse_qs(urlsplit(answer.headers["Location"]).query)


def comes_back(client: Client, state: str, code: str = "a code") -> bool:
    """Come back from the provider; whether one is signed in then."""
    client.get(CALLBACK, {"code": code, "state": state})
    return "_auth_user_id" in client.session


def test_who_began_and_comes_back_is_signed_in_by_what_never_changes(provider: Provider) -> None:
    client = Client()
    asked = begins(client)
    assert comes_back(client, asked["state"][0])
    assert SocialAccount.objects.get().uid == "sam-1"
    assert not SocialToken.objects.exists(), "what opens doors at the provider is not kept"
    # Half of the proof stays here until the code is exchanged: a code alone is worth nothing.
    digest = hashlib.sha256(provider.asked["code_verifier"][0].encode()).digest()
    assert asked["code_challenge"] == [base64.urlsafe_b64encode(digest).rstrip(b"=").decode()]
    assert asked["code_challenge_method"] == ["S256"]
    assert set(asked["scope"][0].split()) == {"openid", "profile", "email"}


@pytest.mark.parametrize("fault", WRONG)
def test_an_answer_that_is_not_for_now_or_not_for_this_server_lets_nobody_in(provider: Provider, fault: str) -> None:
    provider.claims = WRONG[fault]
    client = Client(raise_request_exception=False)
    assert not comes_back(client, begins(client)["state"][0])
    assert not Account.objects.filter(email="sam@corp.example").exists()


def test_an_answer_that_was_used_lets_nobody_in_again(provider: Provider) -> None:
    provider.claims = {"jti": "one of a kind"}
    first, second = Client(), Client()
    assert comes_back(first, begins(first)["state"][0])
    assert not comes_back(second, begins(second)["state"][0])


def test_mallory_signs_nobody_in_with_an_answer_to_herself(provider: Provider) -> None:
    mallory, victim = Client(), Client()
    hers = begins(mallory)["state"][0]
    assert not comes_back(victim, hers)
    begins(victim)
    assert not comes_back(victim, hers)
    assert not comes_back(victim, "")
    assert provider.asked == {}, "no code of hers was even exchanged"


def test_a_state_is_good_once(provider: Provider) -> None:
    client = Client()
    state = begins(client)["state"][0]
    assert comes_back(client, state)
    client.post("/account/logout/")
    assert not comes_back(client, state)


@pytest.mark.parametrize(
    "query",
    [
        "auth_params=redirect_uri%3Dhttps://evil.example/",
        "auth_params=prompt%3Dlogin%26scope%3Dall",
        "scope=all",
        "action=rerequest",
    ],
)
def test_a_link_of_mallorys_asks_the_provider_for_nothing_of_hers(provider: Provider, query: str) -> None:
    for answer in (Client().get(f"{LOGIN}?{query}"), Client().post(f"{LOGIN}?{query}")):
        assert answer.status_code == 400
    assert Client().post(f"{LOGIN}?next=/o/acme/").status_code == 302


#: Pages with which whoever holds somebody's cookie for a minute keeps the account, or makes what lasts.
LASTING = (
    "/account/password/set/",
    "/account/email/",
    "/account/2fa/totp/activate/",
    "/account/2fa/webauthn/add/",
    "/account/3rdparty/",
    "/account/close/",
    "/o/sams/tokens/new/",
)


@pytest.fixture
def sam(provider: Provider) -> Client:
    """Sam, who came by the provider and has nothing else here, and owns an organization."""
    client = Client()
    assert comes_back(client, begins(client)["state"][0])
    assert client.post("/new/", {"identifier": "sams", "name": "Sam's"}).status_code == 302
    return client


def age(client: Client, seconds: float) -> None:
    """Let the provider's word be older."""
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] -= seconds
    session.save()


@pytest.mark.parametrize("address", LASTING)
def test_a_cookie_of_somebody_without_a_password_is_not_enough_for_what_lasts(sam: Client, address: str) -> None:
    assert sam.get(address).status_code == 200
    age(sam, ours.ACCOUNT_REAUTHENTICATION_TIMEOUT + 1)
    for answer in (sam.get(address), sam.post(address, {"password1": "x" * 20, "email": "mallory@example.com"})):
        assert answer.status_code == 403
        assert "your provider gives it" in answer.content.decode()
    assert sam.get("/o/sams/").status_code == 200


def test_the_provider_is_asked_again_and_then_one_goes_on_where_one_was(sam: Client) -> None:
    age(sam, ours.ACCOUNT_REAUTHENTICATION_TIMEOUT + 1)
    page = sam.get("/o/sams/tokens/new/").content.decode()
    action = html.unescape(re.findall(r'action="(/account/oidc/[^"]+)"', page)[0])
    sent = sam.post(action, {"next": "/o/sams/tokens/new/"})
    asked = parse_qs(urlsplit(sent.headers["Location"]).query)
    assert asked["prompt"] == ["login"]
    back = sam.get(CALLBACK, {"code": "another", "state": asked["state"][0]})
    assert back.headers["Location"] == "/o/sams/tokens/new/"
    assert sam.get("/o/sams/tokens/new/").status_code == 200


def test_with_a_second_factor_of_their_own_that_is_asked_for_instead(sam: Client) -> None:
    TOTP.activate(Account.objects.get(email="sam@corp.example"), generate_totp_secret())
    age(sam, ours.ACCOUNT_REAUTHENTICATION_TIMEOUT + 1)
    assert "/account/2fa/reauthenticate/" in sam.get("/o/sams/tokens/new/").headers["Location"]
