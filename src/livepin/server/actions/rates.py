"""Rate limits: so many requests a minute, counted for all processes together in one small table.

The threat is somebody who guesses user codes, or who keeps the server from answering others. Counting must cost less
than what it protects: a process counts for itself and tells the table a share of the limit at a time, so that what
all processes let pass together exceeds a limit by one share for each of them at most.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from threading import Lock

from django.db import transaction
from django.db.models import F

from livepin.errors import RateLimited
from livepin.server.actions.secrets import keyed
from livepin.server.models import Rate
from livepin.server.settings import CONFIG

#: Attempts a minute from one address where no token is shown: signing in, using links, wrong tokens.
ANONYMOUS_PER_MINUTE = 60
_SHARES = 20
_MOST_SUBJECTS = 10_000


@dataclass(slots=True)
class _Count:
    minute: int
    here: int = 0  # not in the table yet
    all: int = 0  # what the table said last


_counts: OrderedDict[str, _Count] = OrderedDict()
_lock = Lock()


def spend_token(token_id: object) -> None:
    """Count a request with a token. Raises `RateLimited`."""
    if CONFIG.requests_per_minute:
        spend(f"token {token_id}", CONFIG.requests_per_minute)


def spend_address(address: str) -> None:
    """Count an attempt without a valid token. Raises `RateLimited`."""
    if CONFIG.requests_per_minute:
        spend(f"address {_network(address)}", min(ANONYMOUS_PER_MINUTE, CONFIG.requests_per_minute))


def _network(address: str) -> str:
    """Who is counted for an address: of IPv6 its /64, in which one machine has more addresses than can be counted."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    inner = parsed.ipv4_mapped
    return str(inner or ip_network((int(parsed) >> 64 << 64, 64)))


def spend(subject: str, most: int, now: float | None = None) -> None:
    """Count one of `most` a minute. Raises `RateLimited`."""
    moment = time.time() if now is None else now
    minute = int(moment // 60)
    with _lock:
        count = _current(subject, minute)
        count.here += 1
        told = 0
        if count.here >= max(1, most // _SHARES):
            told, count.here = count.here, 0
    if told:
        count.all = _tell(subject, minute, told)
    if count.all + count.here > most:
        raise RateLimited(f"more than {most} requests in a minute", 60 - int(moment % 60))


def _current(subject: str, minute: int) -> _Count:
    count = _counts.get(subject)
    if count is None or count.minute != minute:
        _counts.pop(subject, None)
        count = _counts[subject] = _Count(minute)
        if len(_counts) > _MOST_SUBJECTS:
            _counts.popitem(last=False)
    return count


def _tell(subject: str, minute: int, more: int) -> int:
    """Add to the table what was counted here; what everybody counted together."""
    name = keyed(subject)
    with transaction.atomic():
        if Rate.objects.filter(subject=name, minute=minute).update(count=F("count") + more):
            return Rate.objects.get(subject=name).count
        Rate.objects.filter(minute__lt=minute - 60).delete()
        row, made = Rate.objects.select_for_update().get_or_create(
            subject=name, defaults={"minute": minute, "count": more}
        )
        if not made:
            # Somebody else may have begun this minute between the two statements.
            row.count = row.count + more if row.minute == minute else more
            row.minute = minute
            row.save(update_fields=["minute", "count"])
        return row.count


def forget() -> None:
    """Forget what this process counted (its tests begin anew)."""
    with _lock:
        _counts.clear()
