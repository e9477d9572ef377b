"""API tokens. The token itself is shown once; what is kept cannot be turned back into it."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from livepin.server.models.account import Account
from livepin.server.models.organization import Organization
from livepin.server.models.project import Project


class ApiToken(models.Model):
    """`scope`: read, stage or publish, in one project, or in the whole organization where `project` is None.

    A token of scope `account` comes from signing in on the command line: it belongs to no organization, and may do
    what its account may.

    `secret_hash` is the SHA-256 of a random 256-bit secret: there is nothing to guess, so no slow hash is needed.
    A token never may do more than its account may at that moment.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, null=True, blank=True, related_name="tokens")
    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True, related_name="tokens")
    account = models.ForeignKey(Account, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    scope = models.CharField(max_length=8)
    secret_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name
