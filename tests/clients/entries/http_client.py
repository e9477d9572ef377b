"""The standard library's `http.client`."""

from __future__ import annotations

import ssl
from contextlib import closing
from http.client import HTTPSConnection

from tests.clients.client import SECRET, TIMEOUT, Client, Target


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    with closing(HTTPSConnection(target.host, target.port, timeout=TIMEOUT, context=context)) as connection:
        connection.request("POST", "/orders", body=SECRET)
        return connection.getresponse().read()


CLIENT = Client("http.client", visit, explicit="HTTPSConnection(…, context=context)", error="livepin.PinError")
