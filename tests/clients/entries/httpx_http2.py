"""httpx over HTTP/2."""

from __future__ import annotations

import ssl

import httpx

from tests.clients.client import SECRET, TIMEOUT, Client, Target
from tests.clients.services import http2


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    with httpx.Client(http2=True, verify=context or True, timeout=TIMEOUT) as client:
        response = client.post(target.url, content=SECRET)
        assert response.http_version == "HTTP/2"
        return response.content


CLIENT = Client(
    "httpx, HTTP/2",
    visit,
    explicit="httpx.Client(…verify=context…)",
    error="httpx.ConnectError",
    serve=http2.serve,
)
