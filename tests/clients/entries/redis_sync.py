"""redis-py in ordinary threads."""

from __future__ import annotations

import ssl
from contextlib import closing

import redis

from tests.clients.client import SECRET, TIMEOUT, Client, Target
from tests.clients.services import redis as service


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    with closing(redis.Redis(target.host, target.port, ssl=True, socket_timeout=TIMEOUT)) as client:
        reply = client.echo(SECRET)
        assert isinstance(reply, bytes)
        return reply


CLIENT = Client(
    "redis-py",
    visit,
    error="redis.exceptions.ConnectionError",
    tries=11,
    note="it tries again, as it does for any bad certificate; `retry=Retry(NoBackoff(), 0)` ends that.",
    serve=service.serve,
    slow=True,
)
