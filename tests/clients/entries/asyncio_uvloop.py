"""Streams of asyncio on uvloop, whose TLS is its own code around the memory buffers of `ssl`."""

from __future__ import annotations

import asyncio
import ssl
from functools import partial

import uvloop

from livepin.testing import TlsServer, conversations
from tests.clients.client import TIMEOUT, Client, Target
from tests.clients.entries.asyncio_streams import exchange


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    return uvloop.run(asyncio.wait_for(exchange(target, context), TIMEOUT))


CLIENT = Client(
    "asyncio streams on uvloop",
    visit,
    explicit="asyncio.open_connection(…, ssl=context…)",
    error="livepin.PinError",
    serve=partial(TlsServer, conversation=conversations.echo),
)
