"""Whether this thread may be kept waiting. One that runs an event loop may not: everything else would stand still."""

from __future__ import annotations

import sys


def in_event_loop() -> bool:
    """Whether an event loop runs in this thread. Asks only libraries that the application has loaded itself."""
    asyncio, trio = sys.modules.get("asyncio"), sys.modules.get("trio")
    twisted = sys.modules.get("twisted.python.threadable")
    try:
        if asyncio is not None and asyncio._get_running_loop() is not None:
            return True
        if trio is not None and trio.lowlevel.in_trio_run():
            return True
        return twisted is not None and bool(twisted.isInIOThread())
    except AttributeError:  # half imported, or a version before this question existed: better not to wait
        return True
