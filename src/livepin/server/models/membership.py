"""Who belongs to an organization, in which role, and who was asked to."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from livepin.server.models.account import Account
from livepin.server.models.organization import Organization


class Membership(models.Model):
    """One account in one organization. Roles: owner, admin, publisher, editor, viewer.

    `mail`: which warnings come by mail: all, pressing (what is wrong now, or ends very soon) or none.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="memberships")
    account = models.ForeignKey(Account, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16)
    mail = models.CharField(max_length=8, default="all")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "account"], name="one_membership_an_account")
        ]

    def __str__(self) -> str:
        return f"{self.role} of {self.organization_id}"


class Invitation(models.Model):
    """An offer of a role to whoever reads the mail of `email`. Of its secret only the SHA-256 is kept.

    An invitation that was accepted is gone.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=16)
    secret_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(Account, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.role} of {self.organization_id}"
