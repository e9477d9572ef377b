"""How many requests whom they are limited for made in the current minute."""

from __future__ import annotations

from django.db import models


class Rate(models.Model):
    """`subject` is a keyed hash: neither an address nor a token can be read from it. `minute`: Unix seconds // 60."""

    subject = models.CharField(max_length=64, primary_key=True)
    minute = models.PositiveBigIntegerField(db_index=True)
    count = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.count} in {self.minute}"
