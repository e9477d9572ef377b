"""Signed documents: each is stored before it is uploaded anywhere, and never changes."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from livepin.server.models.project import Project


class Revision(models.Model):
    """`text` is the JWS. `source`: server (signed for it) or adopted (found on an origin, and verified).

    `published_at`: when every origin pointed to it, or when it was found there; None while it is on its way.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="revisions")
    epoch = models.PositiveBigIntegerField()
    serial = models.PositiveBigIntegerField()
    digest = models.CharField(max_length=44)
    text = models.TextField()
    issued_at = models.PositiveBigIntegerField()
    expires_at = models.PositiveBigIntegerField()
    source = models.CharField(max_length=8, default="server")
    created_at = models.DateTimeField(default=timezone.now)
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "epoch", "serial"], name="one_revision_a_number")
        ]

    def __str__(self) -> str:
        return f"{self.epoch}.{self.serial}"
