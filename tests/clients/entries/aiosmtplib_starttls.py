"""aiosmtplib, which upgrades to TLS by itself."""

from __future__ import annotations

import asyncio
import ssl

from aiosmtplib import SMTP

from tests.clients.client import SECRET, TIMEOUT, Client, Target
from tests.clients.services import mail


async def ask(target: Target, context: ssl.SSLContext | None) -> bytes:
    async with SMTP(hostname=target.host, port=target.port, timeout=TIMEOUT, tls_context=context) as client:
        return (await client.execute_command(b"NOOP", SECRET)).message.encode()


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    return asyncio.run(ask(target, context))


CLIENT = Client(
    "aiosmtplib",
    visit,
    explicit="SMTP(…tls_context=context)",
    error="livepin.PinError",
    serve=mail.serve_smtp,
)
