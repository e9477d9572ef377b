"""Exit statuses of the command line. Each error class of `livepin.errors` names one of them."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What a script can tell from `$?`; docs/cli.md says the same."""

    OK = 0
    NO = 1
    USAGE = 2
    INPUT = 3
    KEY = 4
    NETWORK = 5
    INTERNAL = 70
    INTERRUPTED = 130
