"""Whole sessions with real databases: as ever while their key is pinned, and no login when it is not.

That an attacker's server decrypts nothing is counted in `test_clients.py`, against servers that say little. Here the
servers are real, and tell by their logs who has come in.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pymysql
import pytest
import redis
from redis.asyncio import Redis as AsyncRedis
from redis.backoff import NoBackoff
from redis.retry import Retry

import livepin
from livepin.testing import policy
from tests.acme import Acme
from tests.clients import real_servers
from tests.clients.real_servers import Running, running

pytestmark = pytest.mark.slow

#: Longer than any TLS record and any buffer on the way.
LARGE = "0123456789abcdef" * 65536


@pytest.fixture
def pinned(acme: Acme, installed: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Acme:
    """A process that is pinned to the genuine key, and trusts the cast's authority by its environment."""
    monkeypatch.setenv("SSL_CERT_FILE", str(acme.cast.authority.write(tmp_path)))
    acme.publish(policy("localhost", acme.cast.genuine, acme.cast.backup))
    livepin.setup(**acme.embedded())
    return acme


def works_until_the_key_is_not_pinned(session: Callable[[], str], acme: Acme) -> None:
    """A whole session; then other pins are published, and the next one is refused."""
    assert session() == LARGE
    acme.publish(policy("localhost", acme.cast.backup))
    pinner = livepin.setup(**acme.embedded())
    before = pinner.status().judged
    with pytest.raises(Exception) as caught:  # noqa: PT011 - each client has its own
        session()
    found = livepin.find_pin_error(caught.value)
    assert found is not None
    assert found.code == "pin_mismatch"
    assert pinner.status().judged > before


def test_redis(pinned: Acme) -> None:
    def session() -> str:
        with redis.Redis("localhost", server.port, ssl=True, retry=Retry(NoBackoff(), 0)) as client:
            client.set("order", LARGE)
            found: Any = client.get("order")
            return bytes(found).decode()

    with running(real_servers.redis, pinned.cast.genuine) as server:
        works_until_the_key_is_not_pinned(session, pinned)


def test_redis_in_an_event_loop(pinned: Acme) -> None:
    async def talk() -> str:
        async with AsyncRedis(host="localhost", port=server.port, ssl=True, retry=_never()) as client:
            await client.set("order", LARGE)
            found: Any = await client.get("order")
            return bytes(found).decode()

    with running(real_servers.redis, pinned.cast.genuine) as server:
        works_until_the_key_is_not_pinned(lambda: asyncio.run(talk()), pinned)


def _never() -> Any:
    from redis.asyncio.retry import Retry as AsyncRetry

    return AsyncRetry(NoBackoff(), 0)


def test_postgresql_with_asyncpg(pinned: Acme) -> None:
    async def talk() -> str:
        connection = await asyncpg.connect(
            host="localhost", port=server.port, user="orders", database="postgres", ssl=True
        )
        try:
            found: str = await connection.fetchval("SELECT $1::text", LARGE)
            return found
        finally:
            await connection.close()

    with running(real_servers.postgres, pinned.cast.genuine) as server:
        works_until_the_key_is_not_pinned(lambda: asyncio.run(talk()), pinned)
        assert server.heard().count("connection authorized: user=orders") == 1


def test_mariadb_with_pymysql(pinned: Acme) -> None:
    def session() -> str:
        with (
            pymysql.connect(
                host="localhost", port=server.port, user="root", ssl=ssl.create_default_context()
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT %s", (LARGE,))
            return str(cursor.fetchone()[0])

    with running(real_servers.mariadb, pinned.cast.genuine) as server:
        works_until_the_key_is_not_pinned(session, pinned)
        assert _logins(server) == 1


def _logins(server: Running) -> int:
    return len(re.findall(r"Connect\s+root@", server.heard()))
