"""What allauth asks of us: who may sign up, and where links in mails lead."""

from __future__ import annotations

from functools import partial
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from django.contrib import messages
from django.dispatch import receiver
from django.http import HttpRequest

from livepin.errors import NotFound
from livepin.server.actions import accounts, invitations, mail, second_factors, tokens
from livepin.server.settings import CONFIG

#: In the session of somebody who followed a link that invites: the secret of that link.
INVITATION = "invitation"
_NOT_MAILED = "A mail could not be sent now. Try again in a while; if it goes on, tell whoever operates this server."


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Signing up is for the invited, unless the operator opens it to everybody."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Whether this visitor may make an account."""
        return CONFIG.sign_up == "open" or _is_invited(request.session.get(INVITATION, ""))

    def set_password(self, user: Any, password: str) -> None:
        """Change, set or reset a password. Whoever knew the old one may have signed a command line in: all end."""
        super().set_password(user, password)
        tokens.end_sign_ins(user)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Mail one of allauth's texts. A mail server that is away undoes nothing; the visitor is told of it."""
        if not mail.taken(partial(super().send_mail, template_prefix, email, context)):
            messages.warning(self.request, _NOT_MAILED)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """By what wrong passwords are counted: the address alone. Allauth adds `Host`, whose port is the client's."""
        return str(credentials.get("email", "")).lower()

    def populate_username(self, request: HttpRequest, user: Any) -> None:
        """Accounts have no user names."""


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """What the database holds of second factors is sealed."""

    def encrypt(self, text: str) -> str:
        """A seed as it is kept."""
        return second_factors.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """A seed that was kept."""
        return second_factors.unseal(encrypted_text)


def _is_invited(secret: str) -> bool:
    """Whether an invitation still stands: one that was answered or taken back opens the door to nobody."""
    try:
        invitations.find(secret)
    except NotFound:
        return False
    return True


@receiver(authenticator_added)
def _second_factor(sender: Any, user: Any, authenticator: Any, **more: Any) -> None:
    """A first second factor: what the password alone had let in ends, as the password alone does.

    Command lines, and other browsers: so whoever has a factor has shown it in every session that there is.
    """
    factors = Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.RECOVERY_CODES)
    if not factors.exclude(pk=authenticator.pk).exists():
        tokens.end_sign_ins(user)
        request = more.get("request")
        accounts.end_sessions(user, "" if request is None else request.session.session_key)
