"""What was seen at live endpoints, and which warnings somebody has taken note of."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from livepin.server.models.account import Account
from livepin.server.models.host import Host
from livepin.server.models.project import Project


class Look(models.Model):
    """The last look at one address of one place. `chain`: what watch/describe.py says of each certificate.

    `not_after` (Unix seconds) is the leaf's; `problem` says why there is no chain, or why it does not validate.
    """

    host = models.ForeignKey(Host, models.CASCADE, related_name="looks")
    name = models.CharField(max_length=260)
    address = models.CharField(max_length=100)
    at = models.DateTimeField(default=timezone.now)
    validated = models.BooleanField(default=False)
    not_after = models.BigIntegerField(null=True, blank=True)
    chain = models.JSONField(default=list)
    problem = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["host", "name", "address"], name="one_look_an_address")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.address}"


class Acknowledgement(models.Model):
    """Somebody took note of a warning; `warning` names it so that its next stage is another one."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="acknowledgements")
    warning = models.CharField(max_length=200)
    account = models.ForeignKey(Account, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "warning"], name="one_acknowledgement_a_warning")
        ]

    def __str__(self) -> str:
        return self.warning


class Notice(models.Model):
    """A mail to one member about one warning: claimed by a worker, and then sent. Nobody is told twice."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="notices")
    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    warning = models.CharField(max_length=200)
    claimed_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "account", "warning"], name="one_notice_a_warning")
        ]

    def __str__(self) -> str:
        return self.warning
