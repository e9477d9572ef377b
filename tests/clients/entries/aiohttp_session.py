"""aiohttp. It makes its default contexts when it is imported, before any set-up."""

from __future__ import annotations

import asyncio
import ssl

import aiohttp

from tests.clients.client import SECRET, TIMEOUT, Client, Target


async def post(target: Target, context: ssl.SSLContext | None) -> bytes:
    connector = aiohttp.TCPConnector(ssl=context or True)
    timeout = aiohttp.ClientTimeout(TIMEOUT)
    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
        session.post(target.url, data=SECRET) as response,
    ):
        return await response.read()


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    return asyncio.run(post(target, context))


CLIENT = Client(
    "aiohttp",
    visit,
    explicit="aiohttp.TCPConnector(ssl=context…)",
    error="aiohttp.client_exceptions.ClientConnectorCertificateError",
)
