"""What every process has to know at once, kept in the database: Django's cache, as allauth asks for one.

allauth counts attempts in it, holds a lock while it counts, and marks one-time passwords and tokens of single sign-on
as used. The threat is somebody who tries at several processes or machines: in the memory of each, limits would
multiply, and what was used at one of them would be good at another.

Django has a cache in the database as well. This one differs in what matters here: a value is JSON and not a pickle,
which would let whoever writes to the database run code; names are keyed hashes, as those of `rates`; nothing that
still counts is ever thrown out, however much else is remembered; and where the database fails, so does the attempt.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import IntegrityError, transaction
from django.utils import timezone

from livepin.server.actions.secrets import keyed
from livepin.server.models import Mark

#: Longest that anything is remembered, in seconds: how long a token is valid, its provider says.
LONGEST = 10 * 365 * 24 * 3600.0


class Marks(BaseCache):
    """Django's cache over the table of marks. `add` is atomic: of all who add one name, one is told that it did."""

    def __init__(self, _: str, options: Mapping[str, Any]) -> None:
        super().__init__(dict(options))

    def _name(self, key: str, version: int | None) -> str:
        return keyed(f"mark {self.make_key(key, version)}")

    def _until(self, timeout: Any) -> datetime:
        moment = self.get_backend_timeout(timeout)
        now = timezone.now()
        seconds = LONGEST if moment is None else min(moment - now.timestamp(), LONGEST)
        return now + timedelta(seconds=seconds)

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Remember something unless it is remembered already; whether that was done now."""
        name, until = self._name(key, version), self._until(timeout)
        # Both statements hold for all processes: a row is changed by one of them, and made by one of them.
        if Mark.objects.filter(name=name, until__lte=timezone.now()).update(value=value, until=until):
            return True
        try:
            with transaction.atomic():
                Mark.objects.create(name=name, value=value, until=until)
        except IntegrityError:
            return False
        return True

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """What is remembered, or `default`."""
        found = Mark.objects.filter(name=self._name(key, version), until__gt=timezone.now()).first()
        return default if found is None else found.value

    def set(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        """Remember something in place of what was."""
        members = {"value": value, "until": self._until(timeout)}
        Mark.objects.update_or_create(name=self._name(key, version), defaults=members)

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Remember for another while what is remembered; whether there was something."""
        living = Mark.objects.filter(name=self._name(key, version), until__gt=timezone.now())
        return bool(living.update(until=self._until(timeout)))

    def delete(self, key: str, version: int | None = None) -> bool:
        """Forget something; whether there was something."""
        return bool(Mark.objects.filter(name=self._name(key, version)).delete()[0])

    def clear(self) -> None:
        """Forget everything."""
        Mark.objects.all().delete()


def sweep() -> None:
    """Give the room up that marks took which do not count any more."""
    Mark.objects.filter(until__lte=timezone.now()).delete()
