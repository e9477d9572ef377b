"""google-auth, with its requests transport."""

from __future__ import annotations

import ssl

from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import AuthorizedSession

from tests.clients.client import SECRET, TIMEOUT, Client, Target
from tests.clients.entries.requests_session import ContextAdapter


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    with AuthorizedSession(AnonymousCredentials()) as session:  # type: ignore[no-untyped-call]
        if context is not None:
            session.mount("https://", ContextAdapter(context))
        return bytes(session.post(target.url, data=SECRET, timeout=TIMEOUT).content)


CLIENT = Client(
    "google-auth, requests transport",
    visit,
    explicit='session.mount("https://", ContextAdapter(context))',
    error="requests.exceptions.SSLError",
)
