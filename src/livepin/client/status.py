"""How a pinner is doing, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Status:
    """How a pinner is doing. Times in Unix seconds; `epoch`, `serial`, `digest` name the revision in force."""

    organization: str
    project: str
    epoch: int | None
    serial: int | None
    digest: str
    issued_at: int | None
    expires_at: int | None
    expired: bool
    seeded: bool
    hosts: tuple[str, ...]
    rounds: int
    sources: dict[str, str]
    events: dict[str, int]
