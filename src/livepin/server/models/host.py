"""Hosts and pins of a draft. Times that go into documents are Unix seconds, as documents have them."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from livepin.server.models.project import Project


class Host(models.Model):
    """One pattern with its policy. `has_pins` False: no `pins` member at all (J6). Lists hold texts."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="hosts")
    pattern = models.CharField(max_length=260)
    action = models.CharField(max_length=8, default="enforce")
    has_pins = models.BooleanField(default=False)
    deny = models.JSONField(default=list, blank=True)
    rollout = models.PositiveSmallIntegerField(default=100)
    when_expired = models.CharField(max_length=8, default="enforce")
    reason = models.CharField(max_length=500, blank=True, default="")
    ct = models.JSONField(null=True, blank=True)
    look_at = models.JSONField(default=list, blank=True)
    address = models.CharField(max_length=260, blank=True, default="")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "pattern"], name="one_host_a_pattern")]

    def __str__(self) -> str:
        return self.pattern


class Pin(models.Model):
    """`member` names the digest (spki_sha256 …); `start` and `end` are the window in Unix seconds."""

    host = models.ForeignKey(Host, models.CASCADE, related_name="pins")
    member = models.CharField(max_length=16)
    digest = models.CharField(max_length=90)
    position = models.CharField(max_length=8, default="leaf")
    start = models.PositiveBigIntegerField(null=True, blank=True)
    end = models.PositiveBigIntegerField(null=True, blank=True)
    note = models.CharField(max_length=200, blank=True, default="")
    source = models.CharField(max_length=16, blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["host", "member", "digest", "position"], name="one_pin_a_digest")
        ]

    def __str__(self) -> str:
        return f"{self.member} {self.digest[:12]}"
