"""requests, with a session of one's own. It has no argument for a context; an adapter of four lines has."""

from __future__ import annotations

import ssl
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from tests.clients.client import SECRET, TIMEOUT, Client, Target


class ContextAdapter(HTTPAdapter):
    """Hands a context to the pools beneath requests."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, ssl_context=self._context, **options)


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    with requests.Session() as session:
        if context is not None:
            session.mount("https://", ContextAdapter(context))
        return session.post(target.url, data=SECRET, timeout=TIMEOUT).content


CLIENT = Client(
    "requests",
    visit,
    explicit='session.mount("https://", ContextAdapter(context))',
    error="requests.exceptions.SSLError",
    note="with `verify=True` it also loads the CAs of `certifi` into the context.",
)
