"""urllib3, with a pool manager of one's own."""

from __future__ import annotations

import ssl

import urllib3

from tests.clients.client import SECRET, TIMEOUT, Client, Target


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    with urllib3.PoolManager(ssl_context=context, timeout=TIMEOUT) as pool:
        return pool.request("POST", target.url, body=SECRET).data


CLIENT = Client(
    "urllib3",
    visit,
    explicit="urllib3.PoolManager(ssl_context=context…)",
    error="urllib3.exceptions.MaxRetryError",
    tries=4,
    note="it tries again, as it does for any bad certificate; `Retry(3, other=0)` makes that one connection.",
)
