"""A person's account. It holds an address, a name and a password's hash, and nothing else about anybody."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils import timezone


class AccountManager(BaseUserManager["Account"]):
    """Finds and makes accounts by their e-mail address, whatever its case."""

    def get_by_natural_key(self, username: str | None) -> Account:
        """The account of an address."""
        return self.get(email=(username or "").lower())

    def create_user(self, email: str, password: str | None = None, **members: Any) -> Account:
        """A new account; without a password it has none that could be guessed."""
        account = self.model(email=email.lower(), **members)
        account.set_password(password)
        account.save()
        return account


class Account(AbstractBaseUser):
    """`email` is kept in lower case. An account asked to be deleted is closed at once and purged at `purge_after`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=100, blank=True, default="")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    deletion_requested_at = models.DateTimeField(null=True, blank=True)
    purge_after = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[AccountManager] = AccountManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.email
