"""Jobs that wait, run or gave up (the engine of one machine), and when periodic ones ran (both engines)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone


class Job(models.Model):
    """`state`: waiting, running, done or dead. A running job whose `leased_until` is over is taken up again.

    `name` is unique among jobs that wait, where it is not empty: asking twice for one thing is asking once.
    """

    task = models.CharField(max_length=60)
    arguments = models.JSONField(default=dict)
    name = models.CharField(max_length=200, blank=True, default="")
    state = models.CharField(max_length=8, default="waiting")
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    leased_until = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(state="waiting") & ~models.Q(name=""), name="one_waiting_job_a_name"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["state", "due_at"], name="jobs_by_state")]

    def __str__(self) -> str:
        return f"{self.task} {self.state}"


class Beat(models.Model):
    """When a periodic task is due next; whoever moves it on runs the task, so it runs once."""

    task = models.CharField(max_length=60, primary_key=True)
    due_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.task
