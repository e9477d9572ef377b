"""Single sign-on against a second real server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from playwright.sync_api import Page

from livepin.server import settings as ours
from livepin.server.models import Account
from livepin.server.settings import CONFIG
from livepin.testing.ports import free_port
from tests.server.web import provider
from tests.server.web.visitor import Visitor

pytestmark = pytest.mark.slow


@pytest.fixture
def single_sign_on(live_server: Any, settings: Any, tmp_path: Path) -> Iterator[str]:
    """The provider's address; the server under test knows it."""
    port = free_port()
    callback = f"{live_server.url}/account/oidc/sso/login/callback/"
    command = [sys.executable, "-m", "tests.server.web.provider", str(tmp_path), str(port), callback]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "serving\n"
            url = f"http://127.0.0.1:{port}"
            given = replace(
                CONFIG,
                oidc_name="the company",
                oidc_url=url,
                oidc_client_id=provider.CLIENT,
                oidc_client_secret=provider.SECRET,
            )
            settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": ours._single_sign_on(given)}}
            yield url
        finally:
            process.terminate()


def signs_in_there(page: Page, email: str) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(provider.PASSWORD)
    page.get_by_role("button", name="Sign In", exact=True).click()


def test_somebody_whom_the_provider_knows_gets_an_account(visitor: Visitor, single_sign_on: str) -> None:
    visitor.goes_to("/account/login/")
    visitor.page.get_by_role("link", name="the company").click()
    visitor.page.get_by_role("button", name="Continue").click()
    signs_in_there(visitor.page, "sam@corp.example")
    visitor.page.wait_for_url(visitor.address + "/")
    assert visitor.sees("sam@corp.example")
    assert Account.objects.get(email="sam@corp.example").has_usable_password() is False


def test_an_equal_address_is_no_way_into_an_account_that_exists(visitor: Visitor, single_sign_on: str) -> None:
    existing = Account.objects.create_user("sam@corp.example", "another long password")
    visitor.goes_to("/account/login/")
    visitor.page.get_by_role("link", name="the company").click()
    visitor.page.get_by_role("button", name="Continue").click()
    signs_in_there(visitor.page, "sam@corp.example")
    visitor.page.wait_for_url(visitor.address + "/account/**")
    assert not visitor.sees("Sign out")
    assert not SocialAccount.objects.filter(user=existing).exists()
