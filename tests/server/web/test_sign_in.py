"""Ways to prove who one is: passkeys, one-time passwords, sessions that are ended, and what is asked again."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Page

from tests.server.web.conftest import Browsers
from tests.server.web.visitor import Visitor

pytestmark = pytest.mark.slow


def authenticator(page: Page) -> None:
    """Plug a virtual authenticator into the browser, as a phone or a laptop has one."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def signs_out(visitor: Visitor) -> None:
    visitor.goes_to("/account/logout/")
    visitor.page.locator("main").get_by_role("button", name="Sign Out").click()
    visitor.page.wait_for_url("**/account/login/**")


def test_a_passkey_is_added_and_is_all_that_is_needed_from_then_on(visitor: Visitor) -> None:
    authenticator(visitor.page)
    visitor.signs_in("alice")
    visitor.goes_to("/account/2fa/webauthn/add/")
    visitor.proves("alice")
    visitor.page.get_by_label("Name").fill("my laptop")
    visitor.page.get_by_label("Passwordless").check()
    visitor.page.get_by_role("button", name="Add").click()
    visitor.page.wait_for_url("**/recovery-codes/**")
    signs_out(visitor)
    visitor.page.get_by_role("button", name="Sign in with a passkey").click()
    visitor.page.wait_for_url(visitor.address + "/")
    assert visitor.sees("alice@example.com")


def test_a_password_alone_is_not_enough_once_one_time_passwords_are_on(visitor: Visitor, settings: Any) -> None:
    settings.MFA_TOTP_TOLERANCE = 1  # a code is good once: the next one is tried before its time
    visitor.signs_in("bob")
    visitor.goes_to("/account/2fa/totp/activate/")
    visitor.proves("bob")
    secret = visitor.page.locator("#authenticator_secret").input_value()

    def code(steps: int = 0) -> str:
        return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps)))

    visitor.page.get_by_label("Authenticator code").fill(code())
    visitor.page.get_by_role("button", name="Activate").click()
    visitor.page.wait_for_url("**/recovery-codes/**")
    signs_out(visitor)
    visitor.goes_to("/account/login/")
    visitor.page.get_by_label("Email").fill("bob@example.com")
    visitor.page.get_by_label("Password").fill("bob's password")
    visitor.page.get_by_role("button", name="Sign In", exact=True).click()
    visitor.page.wait_for_url("**/2fa/authenticate/**")
    assert not visitor.sees("Sign out")
    visitor.goes_to("/o/acme/")
    assert visitor.page.url.endswith("/account/2fa/authenticate/")
    visitor.page.get_by_label("Code").fill(code(1))
    visitor.page.get_by_role("button", name=re.compile("Sign In")).first.click()
    visitor.page.wait_for_url(visitor.address + "/")


def test_other_sessions_are_listed_and_ended(visitor: Visitor, browsers: Browsers) -> None:
    elsewhere = browsers.new()
    elsewhere.signs_in("carol")
    visitor.signs_in("carol")
    visitor.goes_to("/account/sessions/")
    visitor.page.get_by_role("button", name="Sign Out Other Sessions").click()
    elsewhere.goes_to("/o/acme/")
    assert "login" in elsewhere.page.url
    visitor.goes_to("/o/acme/")
    assert visitor.sees("acme")


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(visitor: Visitor) -> None:
    said = []
    for email in ("alice@example.com", "nobody@example.com"):
        visitor.goes_to("/account/login/")
        visitor.page.get_by_label("Email").fill(email)
        visitor.page.get_by_label("Password").fill("not the password")
        visitor.page.get_by_role("button", name="Sign In", exact=True).click()
        said.append(visitor.page.get_by_role("alert").inner_text())
    assert said[0] == said[1] != ""
