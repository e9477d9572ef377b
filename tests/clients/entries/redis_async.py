"""redis-py in an event loop."""

from __future__ import annotations

import asyncio
import ssl

from redis.asyncio import Redis

from tests.clients.client import SECRET, TIMEOUT, Client, Target
from tests.clients.services import redis as service


async def ask(target: Target) -> bytes:
    async with Redis(host=target.host, port=target.port, ssl=True, socket_timeout=TIMEOUT) as client:
        reply = await client.echo(SECRET)
        assert isinstance(reply, bytes)
        return reply


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    return asyncio.run(ask(target))


CLIENT = Client(
    "redis-py, asyncio",
    visit,
    error="redis.exceptions.ConnectionError",
    tries=11,
    serve=service.serve,
    slow=True,
)
