"""asyncpg, the client of PostgreSQL that does not use libpq."""

from __future__ import annotations

import asyncio
import ssl

import asyncpg

from tests.clients.client import SECRET, TIMEOUT, Client, Target
from tests.clients.services import postgres


async def ask(target: Target, context: ssl.SSLContext | None) -> bytes:
    connection = await asyncpg.connect(
        host=target.host, port=target.port, user="orders", database="orders", timeout=TIMEOUT, ssl=context or True
    )
    try:
        tag: str = await connection.execute(f"SELECT '{SECRET.decode()}'")
        return tag.encode()
    finally:
        connection.terminate()


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    return asyncio.run(ask(target, context))


CLIENT = Client(
    "asyncpg",
    visit,
    explicit="asyncpg.connect(…ssl=context…)",
    error="livepin.PinError",
    serve=postgres.serve,
)
