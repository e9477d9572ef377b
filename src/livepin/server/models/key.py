"""Keys of a project. A private half is here only when the server manages the key, and then it is sealed."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from livepin.server.models.project import Project


class Key(models.Model):
    """`use`: sign or refresh. `kind`: managed (`sealed` holds the private half) or own (the server never sees it).

    `public_key` is Base64 SPKI DER. Keys stay listed when they are retired: documents that they signed exist.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="signing_keys")
    thumbprint = models.CharField(max_length=43)
    public_key = models.TextField()
    use = models.CharField(max_length=8, default="sign")
    kind = models.CharField(max_length=8)
    sealed = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "thumbprint"], name="one_key_a_thumbprint")]

    def __str__(self) -> str:
        return self.thumbprint
