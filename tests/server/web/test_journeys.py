"""Whole journeys in a real browser: signing up, being invited, working together, going back, letting a machine in."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core import mail

from livepin.author.draft import HostEntry
from livepin.core.trust import verify_held
from livepin.server.actions import accounts, hosts, keys
from livepin.server.models import Account, Membership, Project
from livepin.server.settings import CONFIG
from tests.server.test_drafts import DIGESTS
from tests.server.web.conftest import Browsers
from tests.server.web.visitor import Visitor
from tests.server.world import World

pytestmark = pytest.mark.slow

SHOP = "/o/acme/p/shop/"


def denied(pattern: str = "api.example.com", *digests: str) -> HostEntry:
    """A host that nobody has to look at."""
    return HostEntry(pattern, "report", None, deny=digests or (DIGESTS[0],))


def mailed(pattern: str) -> str:
    """What the last mail says where the pattern matches."""
    found = re.search(pattern, str(mail.outbox[-1].body), re.MULTILINE)
    assert found is not None, mail.outbox[-1].body
    return found[1]


def publishes(visitor: Visitor, name: str) -> None:
    visitor.goes_to(f"{SHOP}draft/")
    visitor.clicks("Check it against what is live")
    visitor.clicks("Sign and publish")
    visitor.proves(name)
    visitor.page.wait_for_selector("#progress .tag.good")


@pytest.mark.parametrize("scripts", [True, False])
def test_the_first_owner_signs_up_and_reaches_an_empty_project(
    transactional_db: None, browsers: Browsers, *, scripts: bool
) -> None:
    link = accounts.first_owner_link()
    assert link is not None
    visitor = browsers.new(scripts=scripts)
    visitor.goes_to("/welcome/")
    visitor.fills(Code=link.secret, Email="olga@example.com", Password="four random words here")
    visitor.clicks("Make my account")
    visitor.fills(Email="olga@example.com", Password="four random words here")
    visitor.page.get_by_role("button", name="Sign In", exact=True).click()
    visitor.page.wait_for_url(f"{visitor.address}/")
    assert visitor.sees("You belong to no organization yet.")
    visitor.page.get_by_role("link", name="New organization").click()
    visitor.fills(Identifier="olgas")
    visitor.clicks("Make it")
    assert visitor.sees("No project yet.")
    visitor.page.get_by_role("link", name="New project").click()
    visitor.fills(Identifier="app")
    visitor.clicks("Make it")
    assert visitor.sees("Nothing is published yet.")
    assert visitor.sees("livepin.setup(")


@pytest.mark.parametrize("scripts", [True, False])
def test_somebody_invited_signs_up_proves_the_address_and_joins(
    browsers: Browsers, people: World, *, scripts: bool
) -> None:
    ada, newcomer = browsers.new(scripts=scripts), browsers.new(scripts=scripts)
    ada.signs_in("ada")
    ada.goes_to("/o/acme/members/")
    ada.fills(Email="nina@example.com")
    ada.clicks("Invite")
    ada.proves("ada")
    assert ada.sees("shown this once")
    newcomer.goes_to("/invitation/")
    newcomer.fills(Code=mailed(r"^([\w-]{43})$"))
    newcomer.clicks("Go on")
    newcomer.fills(Email="nina@example.com", Password="a password of her own")
    newcomer.clicks("Sign Up")
    newcomer.page.wait_for_url("**/confirm-email/**")
    newcomer.fills(Code=mailed(r"^([A-Z0-9]{3,}-?[A-Z0-9]{3,})$"))
    newcomer.page.locator("main").get_by_role("button", name="Confirm").first.click()
    newcomer.goes_to("/invitation/")
    newcomer.clicks("Join")
    newcomer.page.wait_for_url("**/o/acme/")
    assert Membership.objects.get(account__email="nina@example.com").role == "editor"


@pytest.mark.parametrize("scripts", [True, False])
def test_two_people_edit_and_nothing_that_either_typed_is_lost(
    browsers: Browsers, people: World, *, scripts: bool
) -> None:
    hosts.put(people.actor("bob"), "acme", "shop", 1, denied())
    bob, paul = browsers.new(scripts=scripts), browsers.new(scripts=scripts)
    for visitor, name in ((bob, "bob"), (paul, "paul")):
        visitor.signs_in(name)
        visitor.goes_to(f"{SHOP}hosts/api.example.com/")
    bob.fills(Rollout="10")
    bob.clicks("Stage this policy")
    assert bob.sees("is staged")
    paul.fills(Rollout="55", Denied_keys=DIGESTS[1])
    paul.clicks("Stage this policy")
    assert paul.sees("the draft has version 3, not 2")
    assert paul.sees("The draft says 10 now.")
    assert paul.page.get_by_label("Rollout").input_value() == "55"
    assert DIGESTS[1] in paul.page.get_by_label("Denied keys").input_value()
    paul.clicks("Stage this policy")
    assert paul.sees("is staged")
    entry, _ = hosts.read(people.actor("carol"), "acme", "shop", "api.example.com")
    assert (entry.rollout, entry.deny) == (55, (DIGESTS[1],))


def test_what_was_published_before_is_brought_back(browsers: Browsers, people: World) -> None:
    visitor = browsers.new()
    visitor.signs_in("paul")
    hosts.put(people.actor("bob"), "acme", "shop", None, denied())
    publishes(visitor, "paul")
    hosts.put(people.actor("bob"), "acme", "shop", None, denied("api.example.com", DIGESTS[2]))
    publishes(visitor, "paul")
    visitor.goes_to(f"{SHOP}history/")
    visitor.page.get_by_role("link", name="0.1").click()
    visitor.fills(Why="the new key was wrong")
    visitor.clicks("Publish it again")
    visitor.page.wait_for_selector("#progress .tag.good")
    assert visitor.sees("the new key was wrong")
    assert visitor.violations() == []
    project = Project.objects.get(id=people.project.id)
    text = (Path(CONFIG.origin_folder) / "acme" / "shop" / "pins.jws").read_text()
    held = verify_held(text, keys.trust_of(project))
    assert held.number == (0, 3)
    assert held.document.hosts[0] == "api.example.com"
    assert next(held.document.policies()).deny == frozenset({DIGESTS[0]})


def test_a_command_line_is_let_in_by_the_code_that_it_shows(browsers: Browsers, people: World, tmp_path: Path) -> None:
    visitor = browsers.new()
    visitor.signs_in("bob")
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "livepin.cli.main", "login", visitor.address]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path
    ) as login:
        try:
            visitor.goes_to("/account/command-line/")
            visitor.proves("bob")
            visitor.fills(Code=shown_by(login))
            visitor.clicks("Show who asks")
            assert visitor.violations() == []
            visitor.clicks("Let it in")
            assert visitor.sees("It is in")
            assert login.wait(30) == 0
        finally:
            login.kill()
    visitor.goes_to("/account/")
    assert visitor.page.get_by_role("button", name=re.compile("^Sign .+ out$")).count() == 1
    answer = subprocess.run(
        [sys.executable, "-m", "livepin.cli.main", "profile", "list"],
        env=environment, capture_output=True, text=True, timeout=30, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert "acme/shop" in answer.stdout, answer.stderr


@pytest.mark.parametrize("scripts", [True, False])
def test_an_organization_and_an_account_end_and_the_organization_is_kept_after_all(
    browsers: Browsers, people: World, *, scripts: bool
) -> None:
    visitor = browsers.new(scripts=scripts)
    visitor.signs_in("alice")
    visitor.goes_to("/o/acme/settings/")
    visitor.page.get_by_role("link", name="Delete this organization").click()
    visitor.proves("alice")
    visitor.fills(Type_acme="acme")
    visitor.clicks("Delete the organization")
    assert visitor.sees("will be deleted for good")
    assert not scripts or visitor.violations() == []
    visitor.clicks("Keep acme")
    assert visitor.sees("acme stays.")
    carol = browsers.new(scripts=scripts)
    carol.signs_in("carol")
    carol.goes_to("/account/close/")
    carol.proves("carol")
    carol.fills(Type="carol@example.com")
    carol.clicks("Close my account")
    assert carol.sees("Your account is closed")
    assert not scripts or carol.violations() == []
    carol.page.get_by_role("link", name="this page").click()
    carol.fills(Code=mailed(r"^([\w-]{43})$"))
    carol.clicks("Open it again")
    carol.page.wait_for_url("**/account/login/")
    assert Account.objects.get(email="carol@example.com").is_active


def shown_by(login: subprocess.Popen[str]) -> str:
    """The code that a command line shows."""
    assert login.stdout is not None
    shown = ""
    while line := login.stdout.readline():
        shown += line
        if found := re.search(r"\b([A-Z]{4}-[A-Z]{4})\b", line):
            return found[1]
    raise AssertionError(shown)
