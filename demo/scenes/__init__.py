"""The scenes, in order."""

from __future__ import annotations

from collections.abc import Callable

from demo.scenes import (
    allowed,
    dashboardless,
    emergency,
    intercepted,
    pinned,
    replayed,
    returned,
    rotated,
    served,
    unlogged,
)
from demo.stage import Stage

#: Title -> how it is played.
SCENES: dict[str, Callable[[Stage], None]] = {
    "Pin a live service": pinned.play,
    "Call it, pinned": allowed.play,
    "Somebody in between": intercepted.play,
    "Two rotations": rotated.play,
    "A replay": replayed.play,
    "The right key, unlogged": unlogged.play,
    "A server for the team": served.play,
    "The dashboard is killed": dashboardless.play,
    "The API is killed": emergency.play,
    "The server is back": returned.play,
}
