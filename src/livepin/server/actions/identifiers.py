"""Identifiers of organizations and projects: chosen once, embedded in applications, never used again for another."""

from __future__ import annotations

import hashlib

from livepin.author.draft import is_identifier
from livepin.errors import Conflict, ValueInvalid
from livepin.server.models import RetiredIdentifier


def check(text: str, where: str) -> None:
    """Raise `ValueInvalid` for what is no identifier, and `Conflict` for one that was used before it was purged."""
    if not is_identifier(text):
        message = "it is not an ID: 1 to 64 letters, digits, dots, hyphens or underscores, a letter or digit first"
        raise ValueInvalid("value_invalid", message, where=where)


def check_unused(*path: str) -> None:
    """Raise `Conflict` for an organization, or an organization and a project, that existed once."""
    if RetiredIdentifier.objects.filter(digest=_digest(path)).exists():
        raise Conflict("identifier_taken", "this identifier was used before", where="/".join(path))


def retire(*path: str) -> None:
    """Remember that an organization or project existed, without its name."""
    RetiredIdentifier.objects.get_or_create(digest=_digest(path))


def _digest(path: tuple[str, ...]) -> str:
    return hashlib.sha256("\n".join(("livepin identifier", *path)).encode()).hexdigest()
