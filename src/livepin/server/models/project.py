"""Projects: the unit of signing, versioning and publishing, with the draft's settings."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from livepin.author.draft import DEFAULT_LIFE_DAYS
from livepin.server.models.organization import Organization


class Project(models.Model):
    """`identifier` is the project ID that applications embed. `state`: active, decommissioned or withdrawn.

    The draft is `life_days` … `deny` with the hosts (host.py); `draft_version` rises with every change of it.
    `anchors` are what applications embed (Base64 SPKI); `threshold` as in design section 2. `keys` is the key set in
    force: a list of compact JWS with one payload, empty where the anchor signs itself. `url` is a public URL of its
    own, where the operator's origin is not what applications read. `ca_pem` and `proxy` are for looks. `checked`: what
    the guard said last to a preview (`version` of the draft, `at` in Unix seconds, `findings`).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="projects")
    identifier = models.CharField(max_length=64)
    name = models.CharField(max_length=100)
    state = models.CharField(max_length=16, default="active")
    created_at = models.DateTimeField(default=timezone.now)
    deletion_requested_at = models.DateTimeField(null=True, blank=True)
    purge_after = models.DateTimeField(null=True, blank=True)

    draft_version = models.PositiveBigIntegerField(default=1)
    life_days = models.PositiveIntegerField(default=DEFAULT_LIFE_DAYS)
    extendable_days = models.PositiveIntegerField(null=True, blank=True)
    refresh_after = models.PositiveIntegerField(null=True, blank=True)
    unlisted = models.CharField(max_length=8, default="allow")
    deny = models.JSONField(default=list, blank=True)

    checked = models.JSONField(null=True, blank=True)

    anchors = models.JSONField(default=list, blank=True)
    threshold = models.PositiveSmallIntegerField(default=1)
    keys = models.JSONField(default=list, blank=True)

    url = models.CharField(max_length=500, blank=True, default="")
    ca_pem = models.TextField(blank=True, default="")
    proxy = models.CharField(max_length=300, blank=True, default="")
    approvals_required = models.PositiveSmallIntegerField(default=1)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "identifier"], name="one_project_an_identifier")
        ]

    def __str__(self) -> str:
        return self.identifier
