"""Another master key: every sealed signing key and second factor moves under it, then the old one is forgotten.

Safe to interrupt anywhere and to run again: what was begun is gone on with. Processes that run meanwhile read the
master keys at every use, so they seal under the new one as soon as it is there; one that had read them just before
may still write a key sealed under the old one, which is why the last look comes a while after the first.
"""

from __future__ import annotations

import time

from livepin.server import keyring
from livepin.server.actions import keys, second_factors
from livepin.server.config import Config

#: Longer than any request lasts, in seconds.
WAIT = 5.0


def rotate(config: Config, wait: float = WAIT) -> int:
    """Seal everything under a new master key; how many moved. Raises `KeyUnusable`, `ConfigurationError`.

    Where the operator gives `master_keys`, the first of them is the new one, and dropping the others is up to him.
    """
    if not config.master_keys and len(keyring.masters(config)) == 1:
        keyring.add_master(config)
    moved = _reseal(config)
    late = 1
    while late:
        time.sleep(wait)
        late = _reseal(config)
        moved += late
    if not config.master_keys:
        keyring.drop_old_masters(config)
    return moved


def _reseal(config: Config) -> int:
    masters = keyring.masters(config)
    return keys.reseal(masters) + second_factors.reseal(masters)
