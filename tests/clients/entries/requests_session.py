"""requests, with a session of one's own. It has no argument for a context; a short adapter has."""

from __future__ import annotations

import ssl
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from tests.clients.client import SECRET, TIMEOUT, Client, Target


class ContextAdapter(HTTPAdapter):
    """Hands a context to the pools beneath requests, those to proxies and through them included."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, ssl_context=self._context, **options)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        options.update(ssl_context=self._context, proxy_ssl_context=self._context)
        return super().proxy_manager_for(proxy, **options)


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
