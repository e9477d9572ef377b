"""Organizations: the tenants."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone


class Organization(models.Model):
    """`identifier` is the organization ID that applications embed: it never changes.

    `audit_count` and `audit_hash` are the end of its audit trail (audit.py). The three limits override the
    operator's where they are set; 0 is no limit. `second_factor_required`: who has none may nothing
    there (actor.py).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    identifier = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=100)
    created_at = models.DateTimeField(default=timezone.now)
    deletion_requested_at = models.DateTimeField(null=True, blank=True)
    purge_after = models.DateTimeField(null=True, blank=True)
    projects_limit = models.PositiveIntegerField(null=True, blank=True)
    hosts_limit = models.PositiveIntegerField(null=True, blank=True)
    second_factor_required = models.BooleanField(default=False)
    audit_count = models.PositiveBigIntegerField(default=0)
    audit_hash = models.CharField(max_length=64, default="", blank=True)

    def __str__(self) -> str:
        return self.identifier


class RetiredIdentifier(models.Model):
    """Identifiers that were used and may never be used again (design section 2), as hashes: the names are gone."""

    digest = models.CharField(max_length=64, primary_key=True)

    def __str__(self) -> str:
        return self.digest
