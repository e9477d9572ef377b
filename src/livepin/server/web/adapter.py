"""What allauth asks of us: who may sign up, and where links in mails lead."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from livepin.server.settings import CONFIG

#: In the session of somebody who followed a link that invites: the secret of that link.
INVITATION = "invitation"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Signing up is for the invited, unless the operator opens it to everybody."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Whether this visitor may make an account."""
        return CONFIG.sign_up == "open" or INVITATION in request.session

    def populate_username(self, request: HttpRequest, user: Any) -> None:
        """Accounts have no user names."""
