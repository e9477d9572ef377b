"""What all processes remember for a while: attempts to sign in, one-time passwords that were used."""

from __future__ import annotations

from django.db import models


class Mark(models.Model):
    """`name` is a keyed hash: neither an address nor a code can be read from it. It counts before `until` only."""

    name = models.CharField(max_length=64, primary_key=True)
    value = models.JSONField()
    until = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"until {self.until:%H:%M:%S}"
