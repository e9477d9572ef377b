"""Signing a command line in: it shows a code, a signed-in person compares and approves it in the dashboard.

The threats: somebody who guesses user codes (20^8 of them, for ten minutes, few attempts a minute), somebody who
talks a person into approving a stranger's command line (the page shows what it calls itself, from where it came and
when), and somebody who listens (the user code alone is worth nothing: the token goes to the device code).
"""

from __future__ import annotations

import secrets as random
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from livepin.errors import NotFound, RateLimited
from livepin.server.actions import accounts, rates, secrets, tokens
from livepin.server.actions.actor import Actor
from livepin.server.models import SignIn
from livepin.server.settings import CONFIG

MINUTES = 10
#: The dashboard's page on which a code is typed.
PAGE = "/account/command-line/"
#: Seconds between two questions of a command line that waits.
INTERVAL = 5
#: Codes that one account may try a minute.
_TRIES = 10
#: No vowels, so that no words appear, and nothing that looks like something else.
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"


@dataclass(frozen=True, slots=True)
class Begun:
    """What a command line is given: its secret, and the code that it shows."""

    device_code: str
    user_code: str
    expires_in: int
    interval: int


def page() -> str:
    """Where a person answers, for a command line to print."""
    return f"{CONFIG.public_url.rstrip('/') or f'http://{CONFIG.listen}'}{PAGE}"


def start(client: str, address: str) -> Begun:
    """Begin to wait. `client`: what the command line calls itself; `address`: from where it asks."""
    device_code = secrets.new_secret()
    now = timezone.now()
    SignIn.objects.filter(expires_at__lte=now).delete()
    row = SignIn.objects.create(
        device_hash=secrets.kept(device_code),
        user_code=_user_code(),
        client=_line(client)[:100] or "command line",
        address=address[:45],
        expires_at=now + timedelta(minutes=MINUTES),
    )
    return Begun(device_code, row.user_code, MINUTES * 60, INTERVAL)


def _user_code() -> str:
    code = "".join(random.choice(_LETTERS) for _ in range(8))
    return f"{code[:4]}-{code[4:]}"


def _line(text: str) -> str:
    return "".join(one for one in text if one.isprintable()).strip()


def poll(device_code: str) -> tokens.NewToken | None:
    """The token, once; None while nobody has answered.

    Raises `NotFound` (`link_invalid`) when it was denied, taken or is too old, `RateLimited` when asked too often.
    """
    now = timezone.now()
    with transaction.atomic():
        row = (
            SignIn.objects.select_for_update(of=("self",))
            .select_related("account")
            .filter(device_hash=secrets.kept(device_code), expires_at__gt=now)
            .first()
        )
        if row is None or row.state == "denied" or (row.account is not None and not row.account.is_active):
            raise NotFound("link_invalid", "this sign-in was denied, is over, or never was")
        if row.state == "approved" and row.account is not None:
            row.delete()
            return tokens.sign_in(row.account, row.client)
        soon = row.polled_at is not None and now - row.polled_at < timedelta(seconds=INTERVAL - 1)
        row.polled_at = now
        row.save(update_fields=["polled_at"])
    if soon:
        raise RateLimited(f"asked more often than every {INTERVAL} seconds", INTERVAL)
    return None


def find(actor: Actor, user_code: str) -> SignIn:
    """The sign-in that waits under a code, for a person who signed in. Raises `NotFound`, `RateLimited`."""
    account = accounts.person(actor)
    rates.spend(f"user code {account.id}", _TRIES)
    letters = "".join(one for one in user_code.upper() if one.isalpha())
    code = f"{letters[:4]}-{letters[4:]}"
    row = SignIn.objects.filter(user_code=code, state="pending", expires_at__gt=timezone.now()).first()
    if row is None:
        raise NotFound("link_invalid", "no sign-in waits under this code", where=user_code[:20])
    return row


def approve(actor: Actor, user_code: str) -> SignIn:
    """Let the command line that shows this code act as the actor. For the dashboard. Raises as `find`."""
    return _answer(actor, user_code, "approved")


def deny(actor: Actor, user_code: str) -> SignIn:
    """Turn the command line that shows this code away. For the dashboard. Raises as `find`."""
    return _answer(actor, user_code, "denied")


def _answer(actor: Actor, user_code: str, state: str) -> SignIn:
    row = find(actor, user_code)
    row.account, row.state = accounts.person(actor), state
    if not SignIn.objects.filter(id=row.id, state="pending").update(account=row.account, state=state):
        raise NotFound("link_invalid", "this sign-in was answered already", where=user_code[:20])
    return row
