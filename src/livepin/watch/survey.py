"""Looking at several endpoints side by side: the evidence that the guard asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from livepin.watch.address import Address, Proxy
from livepin.watch.probe import DEFAULT_TIMEOUT, Look, look

#: Each look has its own threads, one an address; this many names at a time are polite and quick enough.
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Sight:
    """What to look at for a pattern: a host, a port and perhaps the one address to go to."""

    pattern: str
    host: str
    port: int = 443
    address: Address | None = None


@dataclass(frozen=True, slots=True)
class Means:
    """How to look: through a proxy, trusting a private CA, and for how long (seconds)."""

    proxy: Proxy | None = None
    ca_file: str | None = None
    timeout: float = DEFAULT_TIMEOUT


def survey(
    sights: Sequence[Sight], means: Means, told: Callable[[Sight], None] = lambda sight: None
) -> tuple[tuple[Sight, Look], ...]:
    """One look at each sight, in their order. `told` hears of each one before it is looked at."""

    def one(sight: Sight) -> Look:
        told(sight)
        return look(
            sight.host,
            sight.port,
            address=sight.address,
            proxy=means.proxy,
            ca_file=means.ca_file,
            timeout=means.timeout,
        )

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return tuple(zip(sights, pool.map(one, sights), strict=True))
