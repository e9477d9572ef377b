"""What an attacker tries on the pages: forging, framing, fixing sessions, finding out, guessing, uploads, headers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core import mail
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from livepin.server import settings as ours
from livepin.server.actions import hosts, invitations
from livepin.server.models import Account, Invitation, Organization
from livepin.server.web import sessions
from livepin.testing.ports import free_port
from tests.server.test_drafts import host
from tests.server.web.test_hosts import visit
from tests.server.web.test_members import proved
from tests.server.web.test_tenancy import POSTS, path
from tests.server.world import World

PASSWORD = "four random words here"
ENTRANCES = (
    "/account/login/",
    "/account/signup/",
    "/account/password/reset/",
    "/account/logout/",
    "/account/reopen/",
    "/welcome/",
    "/invitation/",
    "/account/command-line/",
)


@pytest.fixture
def bob(world: World) -> Account:
    """Bob, who has a password and a verified address."""
    return world.with_password("bob", PASSWORD)


def signs_in(client: Client, password: str = PASSWORD, email: str = "bob@example.com", **more: str) -> Any:
    return client.post("/account/login/", {"login": email, "password": password, **more})


# ---------------------------------------------------------------- forging and framing


@pytest.mark.django_db
@pytest.mark.parametrize("address", ENTRANCES)
def test_an_entrance_takes_no_form_from_another_site(address: str) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post(address, {}, headers={"Origin": "https://evil.example"}).status_code == 403


@pytest.mark.parametrize("name", sorted(POSTS))
def test_a_link_alone_changes_nothing(world: World, name: str) -> None:
    answer = proved(visit(world, "alice")).get(path(name))
    assert answer.status_code in (404, 405), name


@pytest.mark.parametrize("address", ["/account/login/", "/", "/no/such/", "/static/livepin/livepin.css", "/api/v1/me"])
def test_no_answer_can_be_framed_or_taken_for_something_else(world: World, address: str) -> None:
    headers = visit(world, "carol").get(address).headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "object-src 'none'" in headers["Content-Security-Policy"]
    assert "base-uri 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in headers


def test_what_somebody_saw_is_kept_by_no_cache(world: World) -> None:
    assert "no-store" in visit(world, "carol").get("/o/acme/").headers["Cache-Control"]


@pytest.mark.parametrize(
    "address", ["/static/", "/static/livepin/", "/static/livepin", "/static/livepin/../", "/.git/config"]
)
def test_no_folder_is_listed(world: World, address: str) -> None:
    assert visit(world, "carol").get(address).status_code == 404


@pytest.mark.parametrize("address", ["/", "/account/login/", "/api/v1/me", "/static/livepin/livepin.css"])
def test_no_request_is_sent_back_to_who_sent_it(world: World, address: str) -> None:
    answer = visit(world, "carol").trace(address, headers={"X-Secret": "hush"})
    assert answer.status_code == 405
    assert b"hush" not in answer.content


def test_nothing_is_switched_on_that_only_helps_to_develop() -> None:
    assert ours.DEBUG is False
    told = [*ours.INSTALLED_APPS, *ours.MIDDLEWARE, str(ours.TEMPLATES)]
    assert not [one for one in told if "debug" in one or "admin" in one]


# ---------------------------------------------------------------- sessions


def test_a_session_that_somebody_planted_is_worth_nothing_after_signing_in(bob: Account) -> None:
    victim = Client()
    victim.get("/invitation/")
    session = victim.session
    session["planted"] = "by mallory"
    session.save()
    victim.cookies["sessionid"] = planted = str(session.session_key)
    assert signs_in(victim).status_code == 302
    assert victim.cookies["sessionid"].value != planted
    mallory = Client()
    mallory.cookies["sessionid"] = planted
    assert "/account/login/" in mallory.get("/o/acme/").headers["Location"]


def test_an_address_of_a_page_never_holds_a_session(bob: Account) -> None:
    client = Client()
    answer = signs_in(client)
    assert client.cookies["sessionid"].value not in answer.headers["Location"]
    cookie = client.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


@pytest.mark.parametrize(
    ("began", "seen", "stays"), [(0, 0, True), (0, sessions.IDLE + 60, False), (sessions.LIFE + 60, 60, False)]
)
def test_nobody_stays_signed_in_for_ever(bob: Account, began: int, seen: int, *, stays: bool) -> None:
    client = Client()
    signs_in(client)
    assert client.get("/o/acme/").status_code == 200
    session = client.session
    session["began"], session["seen"] = int(time.time()) - began, int(time.time()) - seen
    session.save()
    assert (client.get("/o/acme/").status_code == 200) is stays


def test_signing_out_ends_the_session_on_the_server(bob: Account) -> None:
    client = Client()
    signs_in(client)
    taken = client.cookies["sessionid"].value
    client.post("/account/logout/")
    thief = Client()
    thief.cookies["sessionid"] = taken
    assert thief.get("/o/acme/").status_code == 302


@pytest.mark.slow
def test_on_https_cookies_belong_to_this_host_alone_and_nobody_comes_by_http_again(tmp_path: Path) -> None:
    code = (
        "import django, json; django.setup()\n"
        "from django.core.management import call_command; call_command('migrate', verbosity=0)\n"
        "from django.test import Client\n"
        "answer = Client(headers={'host': 'pins.example'}).get('/account/login/', secure=True)\n"
        "cookies = {name: dict(one) for name, one in answer.cookies.items()}\n"
        "print('\\n' + json.dumps([cookies, dict(answer.headers)]))\n"
    )
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "livepin.server.settings",
        "LIVEPIN_SERVER_DATA": str(tmp_path),
        "LIVEPIN_SERVER_PUBLIC_URL": "https://pins.example",
    }
    environment.pop("LIVEPIN_SERVER_DATABASE_URL", None)
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    cookies, headers = json.loads(done.stdout.splitlines()[-1])
    assert set(cookies) == {"__Host-csrf"}
    assert (cookies["__Host-csrf"]["secure"], cookies["__Host-csrf"]["httponly"]) == (True, True)
    assert (cookies["__Host-csrf"]["path"], cookies["__Host-csrf"]["domain"]) == ("/", "")
    assert headers["Strict-Transport-Security"] == f"max-age={365 * 24 * 3600}; includeSubDomains"


# ---------------------------------------------------------------- finding out, and guessing


def plain(answer: Any) -> tuple[int, str, str]:
    """An answer without what differs from visit to visit."""
    body = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())
    return answer.status_code, answer.headers.get("Location", ""), re.sub(r"[\w.]+@example\.com", "", body)


def test_a_forgotten_password_tells_nobody_who_has_an_account(bob: Account) -> None:
    known = Client().post("/account/password/reset/", {"email": "bob@example.com"})
    unknown = Client().post("/account/password/reset/", {"email": "nobody@example.com"})
    assert plain(known) == plain(unknown)


def signs_up(world: World, email: str) -> tuple[Client, Any]:
    """Somebody who was invited, and signs up with whatever address."""
    client = Client()
    secret = invitations.create(world.actor("alice"), "acme", "someone@example.com", "viewer").secret
    client.post("/invitation/", {"code": secret})
    return client, client.post("/account/signup/", {"email": email, "password1": "another four words"})


def test_signing_up_tells_nobody_who_has_an_account(bob: Account, world: World) -> None:
    answers = [plain(signs_up(world, email)[1]) for email in ("bob@example.com", "new@example.com")]
    assert answers[0] == answers[1]


class Counting(Argon2PasswordHasher):
    """A hasher that counts what it is asked for: nothing else of signing up takes its time."""

    asked = 0

    def encode(self, password: str, salt: str) -> str:
        """A password's hash."""
        Counting.asked += 1
        return str(super().encode(password, salt))


def test_signing_up_costs_as_much_for_an_address_that_has_an_account(bob: Account, world: World, settings: Any) -> None:
    settings.PASSWORD_HASHERS = [f"{__name__}.Counting"]
    costs = []
    for email in ("bob@example.com", "new@example.com"):
        before = Counting.asked
        assert signs_up(world, email)[1].status_code == 302
        costs.append(Counting.asked - before)
    assert costs == [1, 1]


@pytest.fixture
def no_mail(settings: Any) -> None:
    """The mail server is away."""
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", "127.0.0.1"
    settings.EMAIL_PORT = free_port()


@pytest.mark.usefixtures("no_mail")
def test_a_mail_server_that_is_away_tells_nobody_who_has_an_account(bob: Account, world: World) -> None:
    up = [signs_up(world, email) for email in ("bob@example.com", "new@example.com")]
    assert plain(up[0][1]) == plain(up[1][1])
    seen = [plain(client.get(answer.headers["Location"])) for client, answer in up]
    assert seen[0] == seen[1]
    for said in (seen[0][2], *(resets(one) for one in ("bob@example.com", "nobody@example.com"))):
        assert "could not be sent" in said


def resets(email: str) -> str:
    return Client().post("/account/password/reset/", {"email": email}, follow=True).content.decode()


@pytest.mark.usefixtures("no_mail")
def test_a_mail_server_that_is_away_undoes_nothing_and_is_told_of(bob: Account) -> None:
    client, new = Client(), "four other words here"
    signs_in(client)
    answer = client.post(
        "/account/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new}, follow=True
    )
    assert (answer.status_code, b"could not be sent" in answer.content) == (200, True)
    assert signs_in(Client(), new).status_code == 302


def test_signing_in_takes_as_long_for_an_address_that_nobody_has(bob: Account) -> None:
    def took(email: str) -> float:
        cache.clear()
        start = time.perf_counter()
        assert signs_in(Client(), "not the password", email).status_code == 200
        return time.perf_counter() - start

    known, unknown = (min(took(email) for _ in range(3)) for email in ("bob@example.com", "nobody@example.com"))
    assert known / 3 < unknown < known * 3


def test_a_code_of_an_invitation_that_is_over_is_answered_like_one_that_never_was(world: World) -> None:
    secret = invitations.create(world.actor("alice"), "acme", "new@example.com", "viewer").secret
    Invitation.objects.update(expires_at="2020-01-01T00:00:00Z")
    over, never = (Client().post("/invitation/", {"code": code}) for code in (secret, "x" * 43))
    assert plain(over)[2].replace(secret, "") == plain(never)[2].replace("x" * 43, "")


def test_guessing_a_password_is_slowed_down_and_the_right_one_does_not_help_then(bob: Account) -> None:
    client = Client()
    for _ in range(6):
        signs_in(client, "not the password")
    assert signs_in(client).status_code != 302
    assert client.get("/o/acme/").status_code == 302


@pytest.mark.parametrize(
    ("password", "taken"),
    [
        ("short1!aA", False),
        ("password12", False),
        ("bob@example.co", False),
        ("all lower case words", True),
        ("x1 " * 40, True),
        ("ein langes Wört 🔑 darin", True),
    ],
)
def test_what_makes_a_password(bob: Account, password: str, *, taken: bool) -> None:
    client = Client()
    signs_in(client)
    form = {"oldpassword": PASSWORD, "password1": password, "password2": password}
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    client.post("/account/password/change/", form)
    bob.refresh_from_db()
    assert bob.check_password(password) is taken


@pytest.mark.django_db
def test_password_fields_are_masked_and_password_managers_may_fill_them() -> None:
    page = Client().get("/account/login/").content.decode()
    (field,) = re.findall(r'<input[^>]*name="password"[^>]*>', page)
    assert 'type="password"' in field
    assert 'autocomplete="current-password"' in field
    assert "onpaste" not in page


def test_a_password_is_kept_as_what_is_slow_to_guess(bob: Account) -> None:
    assert bob.password.startswith("argon2$argon2id$")
    assert PASSWORD not in bob.password


def test_changing_a_password_takes_the_old_one(bob: Account) -> None:
    client = Client()
    signs_in(client)
    form = {"oldpassword": "not it", "password1": "another four words", "password2": "another four words"}
    client.post("/account/password/change/", form)
    bob.refresh_from_db()
    assert bob.check_password(PASSWORD)


def test_a_forgotten_password_is_set_by_a_mailed_link_that_works_once(bob: Account) -> None:
    Client().post("/account/password/reset/", {"email": "bob@example.com"})
    link = re.search(r"http://\S+?(/account/password/reset/key/\S+)", str(mail.outbox[-1].body))
    assert link is not None
    for password, works in (("another four words", True), ("words of mallory", False)):
        client = Client()
        form = client.get(link[1], follow=True)
        where = form.redirect_chain[-1][0] if form.redirect_chain else link[1]
        client.post(where, {"password1": password, "password2": password})
        bob.refresh_from_db()
        assert bob.check_password(password) is works


# ---------------------------------------------------------------- uploads, headers, redirections


@pytest.mark.parametrize("content", [b"\x00" * 300_000, b"\x7fELF" + b"x" * 4000, b"<?php system($_GET[0]); ?>", b""])
def test_an_upload_that_is_no_certificate_is_refused_and_nothing_of_it_is_kept(world: World, content: bytes) -> None:
    hosts.put(world.actor("bob"), "acme", "shop", None, host())
    file = SimpleUploadedFile("../../../etc/cron.d/evil.php", content)
    form = {"version": "2", "member": "spki_sha256", "position": "leaf", "file": file}
    answer = visit(world, "bob").post("/o/acme/p/shop/hosts/api.example.com/pins/new/", form)
    assert (answer.status_code, 'role="alert"' in answer.content.decode()) == (200, True)
    entry, version = hosts.read(world.actor("bob"), "acme", "shop", "api.example.com")
    assert (entry, version) == (host(), 2)


@pytest.mark.parametrize("email", ["a@example.com\nBcc: all@example.com", "a@example.com\r\n\r\nhello", "a@b"])
def test_an_address_carries_no_header_of_a_mail(world: World, email: str) -> None:
    visit(world, "ada").post("/o/acme/members/", {"email": email, "role": "viewer"})
    assert mail.outbox == []
    assert not Invitation.objects.exists()


def test_a_name_carries_no_header_of_an_answer(world: World) -> None:
    nasty = 'x"\r\nSet-Cookie: a=b'
    visit(world, "alice").post("/o/acme/settings/", {"name": nasty})
    assert "\n" not in Organization.objects.get(identifier="acme").name
    answer = visit(world, "ada").get("/o/acme/audit/export/")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="acme-audit.jsonl"'
    answer.close()


@pytest.mark.parametrize(
    "where", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_leads_to_nobody_elses_page(bob: Account, where: str) -> None:
    answer = signs_in(Client(), next=where)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


def test_an_error_page_leads_back_to_pages_of_ours_alone(world: World) -> None:
    client = visit(world, "carol")
    gone = "/o/acme/p/none/"
    assert "evil" not in client.get(gone, headers={"Referer": "https://evil.example/"}).content.decode()
    assert (
        "/o/acme/members/"
        in client.get(gone, headers={"Referer": "http://testserver/o/acme/members/"}).content.decode()
    )


def test_who_signs_in_and_who_fails_to_is_in_the_log_without_an_address(
    bob: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    signs_in(Client(), "not the password")
    signs_in(Client())
    said = capsys.readouterr().out
    assert "sign-in failed" in said
    assert f"account={bob.pk}" in said
    assert "bob@example.com" not in said
