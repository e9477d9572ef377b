"""Publishes: what was asked for, what the guard said, and which steps are done."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from livepin.server.models.account import Account
from livepin.server.models.project import Project
from livepin.server.models.revision import Revision


class Publish(models.Model):
    """`what`: draft, rollback, renewal or withdrawal. `state` (see actions/publishes.py): checking, refused, waiting
    (for approvals or its hour), unsigned (an own key must sign), publishing, published, failed or cancelled.

    `payload` is what is signed, frozen when it was asked for; a published one has it in its revision. `findings` and
    `overrides` as the guard has them (actions/checks.py). `key` is the idempotency key of whoever asked; `rollback_of`
    names a revision (epoch.serial); `keep_hours`: how long the last revision of a project stays.
    `leased_until`: a worker is at it until then.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="publishes")
    what = models.CharField(max_length=12, default="draft")
    state = models.CharField(max_length=12, default="checking")
    key = models.CharField(max_length=100, null=True, blank=True)
    asked_by = models.ForeignKey(Account, models.SET_NULL, null=True, related_name="+")
    draft_version = models.PositiveBigIntegerField(default=0)
    payload = models.JSONField(null=True, blank=True)
    findings = models.JSONField(default=list, blank=True)
    overrides = models.JSONField(default=dict, blank=True)
    note = models.CharField(max_length=500, blank=True, default="")
    rollback_of = models.CharField(max_length=40, blank=True, default="")
    keep_hours = models.PositiveIntegerField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    scheduled_for = models.DateTimeField(null=True, blank=True)
    revision = models.ForeignKey(Revision, models.SET_NULL, null=True, blank=True, related_name="publishes")
    problem = models.JSONField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    leased_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "key"], name="one_publish_an_idempotency_key")
        ]
        indexes: ClassVar = [models.Index(fields=["project", "-created_at"], name="publishes_newest_first")]

    def __str__(self) -> str:
        return f"{self.what} {self.state}"


class PublishStep(models.Model):
    """One step that is done: signed, write, read back, point, confirm; `where`: the origin or the public URL."""

    publish = models.ForeignKey(Publish, models.CASCADE, related_name="steps")
    step = models.CharField(max_length=12)
    where = models.CharField(max_length=500, blank=True, default="")
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.step


class Approval(models.Model):
    """Somebody else's yes to a publish."""

    publish = models.ForeignKey(Publish, models.CASCADE, related_name="approvals")
    account = models.ForeignKey(Account, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["publish", "account"], name="one_approval_an_account")]

    def __str__(self) -> str:
        return str(self.account_id)
