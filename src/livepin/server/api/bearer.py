"""Who calls: whoever sends a token. There are no cookies here, so no page can call in somebody's name (CSRF).

The threats: guessing tokens (256 bits, and few attempts a minute from one address), and one token that keeps the
server busy (so many requests a minute, counted for all processes together).
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja.security import HttpBearer

from livepin.errors import Unauthenticated
from livepin.server.actions import rates, tokens
from livepin.server.actions.actor import Actor


class Bearer(HttpBearer):
    """`Authorization: Bearer lvp_…`"""

    def __call__(self, request: HttpRequest) -> Actor:
        """Whoever sent the request. Raises `Unauthenticated`, `RateLimited`."""
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        return self.authenticate(request, text.strip() if scheme.lower() == "bearer" else "")

    def authenticate(self, request: HttpRequest, token: str) -> Actor:
        """The actor of a token. Raises `Unauthenticated`, `RateLimited`."""
        try:
            if not token:
                raise Unauthenticated("unauthenticated", "no token was sent")
            found = tokens.actor_of(token)
        except Unauthenticated:
            anonymous(request)
            raise
        if found.token is not None:
            rates.spend_token(found.token.id)
        return found


def anonymous(request: HttpRequest) -> None:
    """Count a request that shows no valid token. Raises `RateLimited`."""
    rates.spend_address(request.META.get("REMOTE_ADDR", ""))


def actor(request: HttpRequest) -> Actor:
    """Whoever sent the request; only where `Bearer` has let it through."""
    found: Any = request
    sent: Actor = found.auth
    return sent
