"""Ways in that are used once: links that an operator hands out, and sign-ins that wait for somebody's yes."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from livepin.server.models.account import Account


class Link(models.Model):
    """A link with a secret, of which only the SHA-256 is kept. `use`: first (the first account), account,
    sign-in or reopen.

    `account`: whom a link of the use `sign-in` signs in, and whose account one of the use `reopen` opens again. A used
    link is gone.
    """

    secret_hash = models.CharField(max_length=64, primary_key=True)
    use = models.CharField(max_length=8)
    account = models.ForeignKey(Account, models.CASCADE, null=True, blank=True, related_name="+")
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.use


class SignIn(models.Model):
    """A command line that waits for somebody to approve it in the dashboard. `state`: pending, approved or denied.

    The device code is the command line's secret, kept as its SHA-256; the user code is what a person compares.
    `client` is what the command line calls itself. A sign-in that gave out its token is gone.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    device_hash = models.CharField(max_length=64, unique=True)
    user_code = models.CharField(max_length=9, unique=True)
    client = models.CharField(max_length=100)
    address = models.CharField(max_length=45, blank=True, default="")
    state = models.CharField(max_length=8, default="pending")
    account = models.ForeignKey(Account, models.CASCADE, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    polled_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.user_code
