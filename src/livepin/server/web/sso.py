"""Single sign-on with the operator's OpenID Connect provider: who may come in by it."""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.http import HttpRequest


class SingleSignOn(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Whoever the operator's provider knows may have an account, also where others need an invitation.

    An account that exists already is not entered by an equal e-mail address: its owner connects the two, signed in.
    The threat is a provider, or somebody in it, that gives itself another person's address.
    """

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Yes: the operator named this provider."""
        return True
