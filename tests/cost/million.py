"""A process that judges very many connections: `python -m tests.cost.million COUNT`.

Prints how many memory blocks and bytes it has gained between the first fifth and the end.
"""

from __future__ import annotations

import gc
import json
import logging
import sys
import weakref
from contextlib import suppress
from pathlib import Path

import livepin
from livepin.client.peer import TlsPeer
from livepin.testing import Cast, DocumentAuthority, Origin, policy
from tests.cost.pair import Pair, server_context

PAGE = 4096


class Owner:
    """Stands for the application's socket, which lives as long as its connection."""


def resident() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * PAGE


def memory() -> tuple[int, int]:
    gc.collect()
    return sys.getallocatedblocks(), resident()


def host_of(number: int) -> str:
    if number % 100 == 0:
        return f"h{number}.elsewhere"
    return f"h{number}.wrong.example" if number % 10 == 0 else f"h{number}.example"


def main(count: int) -> None:
    logging.getLogger("livepin").addHandler(logging.NullHandler())  # tens of thousands of refusals
    logging.getLogger("livepin").propagate = False
    cast = Cast()
    authority = DocumentAuthority()
    hosts = policy("**.example", cast.genuine), policy("**.wrong.example", cast.backup)
    with Origin() as origin:
        origin.put(authority.pointer, authority.sign(hosts))
        pinner = livepin.Pinner(
            organization_id=authority.organization,
            project_id=authority.project,
            public_key=authority.public_key,
            configuration_url=origin.base_url,
            store=None,
        )
        context = pinner.ssl_context(cadata=cast.authority.root_pem)
        pair = Pair(cast.authority.client_context(), server_context(cast.genuine))
        pair.shake()
        before = (0, 0)
        for number in range(count):
            if number == count // 5:
                before = memory()
            owner = Owner()
            peer = TlsPeer(pair.client._sslobj, context, host_of(number), True, weakref.ref(owner))  # type: ignore[attr-defined]
            with suppress(livepin.PinError):
                pinner.check(peer)
        blocks, size = memory()
        counts = pinner.status().verdicts
        pinner.close()
    gained = {"blocks": blocks - before[0], "bytes": size - before[1]}
    print(json.dumps({"verdicts": counts, **gained}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
