"""Signing up: the same answer, after the same time, whether an address has an account or not."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import SignupForm
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest


class SignUp(SignupForm):  # type: ignore[misc]  # allauth has no types
    """Allauth's form. The threat is somebody who finds out who has an account here, by the clock."""

    def try_save(self, request: HttpRequest) -> Any:
        """Make the account, or tell its owner by mail that there is one. Hashing a password is what takes its time."""
        if self.account_already_exists:
            make_password(self.cleaned_data["password1"])
        return super().try_save(request)
