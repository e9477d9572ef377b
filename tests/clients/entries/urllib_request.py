"""The standard library's `urllib.request`."""

from __future__ import annotations

import ssl
from urllib.request import urlopen

from tests.clients.client import SECRET, TIMEOUT, Client, Target


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    with urlopen(target.url, data=SECRET, timeout=TIMEOUT, context=context) as response:
        return bytes(response.read())


CLIENT = Client("urllib.request", visit, explicit="urlopen(…, context=context)", error="urllib.error.URLError")
