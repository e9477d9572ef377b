"""What a document is made from: hosts with their policies, as people decide them, wherever they are kept.

The project file holds a draft as TOML, a server holds it in its database; staging.py turns either into a payload.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DEFAULT_LIFE_DAYS = 30
MAX_LIFE_DAYS = 3650
ACTIONS = ("enforce", "report", "off")
POSITIONS = ("leaf", "ca", "any")
UNLISTED = ("allow", "report", "block")
WHEN_EXPIRED = ("enforce", "allow")

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


def is_identifier(text: str) -> bool:
    """Whether a text can name an organization or a project (design section 2)."""
    return _IDENTIFIER.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class PinEntry:
    """A pin of a draft. `start` and `end` in Unix seconds; `source`: live, pem, typed or backup."""

    member: str
    digest: str
    position: str = "leaf"
    start: int | None = None
    end: int | None = None
    note: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class HostEntry:
    """A host of a draft. `pins` None where it has no pins at all; `look_at`: HOST[:PORT] texts."""

    host: str
    action: str
    pins: tuple[PinEntry, ...] | None = None
    deny: tuple[str, ...] = ()
    rollout: int = 100
    when_expired: str = "enforce"
    reason: str = ""
    ct: Mapping[str, Any] | None = None
    look_at: tuple[str, ...] = ()
    address: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything that a document says but its number and its dates. `refresh_after` None: the default.

    `extendable_days`: how long freshness statements may prolong it, from the day it is issued on; None: not at all.
    """

    organization: str
    project: str
    life_days: int
    refresh_after: int | None
    unlisted: str
    deny: tuple[str, ...]
    hosts: tuple[HostEntry, ...]
    extendable_days: int | None = field(default=None, kw_only=True)

    @property
    def asks_for_ct(self) -> bool:
        """Whether a host has a CT rule that somebody evaluates, and so needs the log table."""
        return any(one.ct is not None and "off" not in (one.action, one.ct["action"]) for one in self.hosts)

    def host(self, pattern: str) -> HostEntry | None:
        """The entry of a pattern in normal form."""
        return next((entry for entry in self.hosts if entry.host == pattern), None)
