"""The audit trail: one hash chain an organization."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from livepin.server.models.organization import Organization


class AuditEntry(models.Model):
    """Entry `number` (from 1) of an organization. `at` in Unix milliseconds.

    `hash` is SHA-256 over the entry before and this one's content (actions/audit.py): a changed, removed or inserted
    entry breaks every later one. `actor` names an account or a token by its ID, never by name or address: a person
    who is deleted is gone from here too, and the chain still holds.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="audit_entries")
    number = models.PositiveBigIntegerField()
    at = models.PositiveBigIntegerField()
    actor = models.CharField(max_length=60)
    what = models.CharField(max_length=60)
    target = models.CharField(max_length=330)
    detail = models.JSONField(default=dict)
    hash = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["organization", "number"], name="one_entry_a_number")]

    def __str__(self) -> str:
        return f"{self.number} {self.what}"
