"""httpx in an event loop."""

from __future__ import annotations

import asyncio
import ssl

import httpx

from tests.clients.client import SECRET, TIMEOUT, Client, Target


async def post(target: Target, context: ssl.SSLContext | None) -> bytes:
    async with httpx.AsyncClient(verify=context or True, timeout=TIMEOUT) as client:
        return (await client.post(target.url, content=SECRET)).content


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    return asyncio.run(post(target, context))


CLIENT = Client("httpx.AsyncClient", visit, explicit="httpx.AsyncClient(verify=context…)", error="httpx.ConnectError")
