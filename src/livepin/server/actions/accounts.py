"""Accounts: the first one, others made by an operator's link, what one may change of one's own.

People sign up and sign in in the dashboard, where a second factor is asked for. What is here works without it, and is
as strong: a link that somebody with a shell on the server made. There is no signing in with a password through the
API: it would go around second factors, and be one more place to guess passwords at.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth import password_validation
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone

from livepin.errors import Conflict, Forbidden, NotFound, ValueInvalid
from livepin.server.actions import mail, secrets, tokens
from livepin.server.actions.actor import AS_ONESELF, Actor
from livepin.server.models import Account, Link
from livepin.server.settings import CONFIG

LINK_HOURS = 24


@dataclass(frozen=True, slots=True)
class OneTimeLink:
    """A secret, shown once, and what it is for: first, account or sign-in."""

    secret: str
    use: str


def first_owner_link() -> OneTimeLink | None:
    """A link that makes the first account; None where there is an account. An earlier one stops working."""
    if Account.objects.exists():
        return None
    Link.objects.filter(use="first").delete()
    return _link("first")


def account_link() -> OneTimeLink:
    """A link that makes one more account, whatever the settings say about signing up. For operators."""
    return _link("account")


def sign_in_link(email: str) -> OneTimeLink:
    """A link that signs an account in once, on a command line: for when the dashboard is away. For operators.

    Raises `NotFound`.
    """
    account = Account.objects.filter(email=email.strip().lower(), is_active=True).first()
    if account is None:
        raise NotFound("not_found", "there is no such account", where=email[:254])
    return _link("sign-in", account)


def _link(use: str, account: Account | None = None) -> OneTimeLink:
    secret = secrets.new_secret()
    now = timezone.now()
    Link.objects.filter(expires_at__lte=now).delete()
    Link.objects.create(
        secret_hash=secrets.kept(secret), use=use, account=account, expires_at=now + timedelta(hours=LINK_HOURS)
    )
    return OneTimeLink(secret, use)


def claim(secret: str, email: str, password: str, name: str = "") -> Account:
    """Make the account that a link allows. Raises `NotFound` (`link_invalid`), `ValueInvalid`, `Conflict`."""
    with transaction.atomic():
        link = _used(secret, ("first", "account"))
        if link.use == "first" and Account.objects.exists():
            raise _invalid()
        return _made(email.strip().lower(), password, name)


def redeem(secret: str, client: str) -> tokens.NewToken:
    """A token for the account that a link signs in. Raises `NotFound` (`link_invalid`)."""
    with transaction.atomic():
        link = _used(secret, ("sign-in",))
        if link.account is None or not link.account.is_active:
            raise _invalid()
        return tokens.sign_in(link.account, client)


def _used(secret: str, uses: tuple[str, ...]) -> Link:
    """The link of a secret, which nobody can use again once this transaction is through."""
    link = Link.objects.filter(secret_hash=secrets.kept(secret), use__in=uses, expires_at__gt=timezone.now()).first()
    # Of two at once, one deletes the row.
    if link is None or not Link.objects.filter(secret_hash=link.secret_hash).delete()[0]:
        raise _invalid()
    return link


def _invalid() -> NotFound:
    return NotFound("link_invalid", "the link is unknown, used or out of date")


def _made(email: str, password: str, name: str) -> Account:
    account = Account(email=email, name=named(name))
    try:
        validate_email(email)
    except ValidationError:
        raise ValueInvalid("value_invalid", "it is not an e-mail address", where="email") from None
    try:
        password_validation.validate_password(password, account)
    except ValidationError as error:
        raise ValueInvalid("value_invalid", " ".join(error.messages), where="password") from None
    account.set_password(password)
    try:
        with transaction.atomic():
            account.save()
    except IntegrityError:
        raise Conflict("identifier_taken", "there is an account of this address already", where="email") from None
    # The operator's link stands for the mail that would otherwise prove the address.
    EmailAddress.objects.create(user=account, email=email, verified=True, primary=True)
    return account


def named(text: str) -> str:
    """A person's name: one line. Raises `ValueInvalid`."""
    if len(text) > 100 or any(ord(one) < 32 for one in text):
        raise ValueInvalid("value_invalid", "a name is one line of at most 100 characters", where="name")
    return text.strip()


def read(actor: Actor) -> Account:
    """One's own account. Raises `Forbidden` for the server itself."""
    if actor.account is None:
        raise Forbidden("forbidden", "the server has no account")
    return actor.account


def rename(actor: Actor, name: str) -> Account:
    """Change one's own name. Takes a person, or the token of a sign-in. Raises `ValueInvalid`, `Forbidden`."""
    account = person(actor)
    account.name = named(name)
    account.save(update_fields=["name"])
    return account


def person(actor: Actor) -> Account:
    """The account of somebody who acts as themselves. Raises `Forbidden` for a token of an organization."""
    if actor.account is None or actor.is_machine:
        message = "this takes a person who signed in; a token of an organization may not"
        raise Forbidden("forbidden", message, hint=AS_ONESELF)
    return actor.account


def end_sessions(account: Account, keep: str = "") -> None:
    """Sign an account out of every browser, but for the session of the key `keep`."""
    seen = UserSession.objects.filter(user=account).exclude(session_key=keep)
    Session.objects.filter(session_key__in=list(seen.values_list("session_key", flat=True))).delete()
    seen.delete()


_FORGOTTEN = """The operator of this server removed your passkeys, one-time passwords and recovery codes.

If you did not ask for it, ask the operator. Sign in and set new ones up: {address}
"""


def sign_out_everywhere(email: str, *, forget_factors: bool = False) -> Account:
    """End all sessions and command lines of an account. For operators. Raises `NotFound`.

    `forget_factors`: remove its second factors too, for who lost theirs with the recovery codes. Its owner is told by
    mail; that it is they who ask, the operator has to know.
    """
    account = Account.objects.filter(email=email.strip().lower()).first()
    if account is None:
        raise NotFound("not_found", "there is no such account", where=email[:254])
    with transaction.atomic():
        end_sessions(account)
        tokens.end_sign_ins(account)
        if forget_factors:
            Authenticator.objects.filter(user=account).delete()
    if forget_factors:
        text = _FORGOTTEN.format(address=f"{CONFIG.public_url}/account/2fa/")
        mail.send(account.email, "Your second factors were removed", text)
    return account
