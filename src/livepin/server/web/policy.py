"""What browsers may do with our pages: run our scripts and styles, talk to us, and nothing else.

The threat is a page that carries somebody else's text: a host's note, a certificate's subject. Should it ever get
through unescaped, it must find no way to run, to load or to send anything. No page needs an inline script or style.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

# data: is for the QR code of one-time passwords, which is drawn on the server.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "object-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'{providers}",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)


class ContentPolicy:
    """Middleware that adds the policy to every answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer, with the policy."""
        response = self._get_response(request)
        response.headers.setdefault("Content-Security-Policy", _POLICY.format(providers=_providers()))
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        if request.path.startswith("/static/"):
            return response
        # What a signed-in person saw is not for the next user of the machine's back button.
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def _providers() -> str:
    """Signing in with the operator's provider is a form of ours that is answered with a redirect to there."""
    applications = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
    return "".join(f" {_origin(one['settings']['server_url'])}" for one in applications)


def _origin(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"
