"""httpx in ordinary threads."""

from __future__ import annotations

import ssl

import httpx

from tests.clients.client import SECRET, TIMEOUT, Client, Target


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    with httpx.Client(verify=context or True, timeout=TIMEOUT) as client:
        return client.post(target.url, content=SECRET).content


CLIENT = Client("httpx.Client", visit, explicit="httpx.Client(verify=context…)", error="httpx.ConnectError")
