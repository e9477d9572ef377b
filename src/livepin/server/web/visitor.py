"""Who looks at a page, and what becomes of the errors of actions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from allauth.account.decorators import reauthentication_required
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

from livepin.errors import Conflict, Forbidden, LivepinError, NotFound, RequestInvalid, SecondFactorMissing
from livepin.server.actions.actor import Actor, Reach

View = Callable[..., HttpResponseBase]
_STATUS: tuple[tuple[type[LivepinError], int], ...] = ((NotFound, 404), (Forbidden, 403), (Conflict, 409))


#: When a view takes a fresh proof (proof.py): always, or when its form is sent.
ALWAYS, SENT = "always", "sent"


def page(view: View) -> View:
    """For signed-in people only; an error of an action becomes a page that says what, where and what to do."""

    wrapped: View = login_required(public(view))
    return wrapped


def public(view: View) -> View:
    """For everybody; an error of an action becomes a page."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            _check_texts(request)
            return view(request, *args, **kwargs)
        except LivepinError as error:
            return failed(request, error)

    return answer


def _check_texts(request: HttpRequest) -> None:
    """Raise `RequestInvalid` for a zero byte: no name has one, and no database keeps it."""
    texts = [request.path_info, *(one for values in (request.GET, request.POST) for _, one in _items(values))]
    if any("\0" in text for text in texts):
        raise RequestInvalid("http_invalid", "a zero byte is part of no name")


def _items(values: QueryDict) -> Iterator[tuple[str, str]]:
    return ((name, one) for name, several in values.lists() for one in several)


def guarded(view: View) -> View:
    """A `page` for what cannot be taken back: who does it proved not long ago who they are.

    It asks before it shows a form: a file that was chosen would not survive the question. Where the proof ran out
    meanwhile, what was sent is kept and done after it, at the address of the question: so these forms name theirs.
    """
    stepped: Any = reauthentication_required(view)
    return _asking(page(stepped), ALWAYS)


def guarded_form(view: View) -> View:
    """A `page` that is for reading first, and whose form is guarded: it asks when the form is sent."""
    stepped: Any = reauthentication_required(allow_get=True)(view)
    return _asking(page(stepped), SENT)


def _asking(view: Any, when: str) -> View:
    view.proof = when
    asking: View = view
    return asking


def failed(request: HttpRequest, error: LivepinError) -> HttpResponse:
    """The page of an error."""
    if isinstance(error, SecondFactorMissing):
        return render(request, "livepin/second_factor.html", {"error": error}, status=403)
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 400)
    return render(request, "livepin/failed.html", {"error": error, "back": came_from(request)}, status=status)


def came_from(request: HttpRequest) -> str:
    """The page of ours that somebody came from; empty for any other."""
    address = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(address, {request.get_host()}, request.is_secure())
    return address if ours and address != request.build_absolute_uri() else ""


def actor(request: HttpRequest) -> Actor:
    """The visitor, for actions. Only behind `page`. While a page is only read, what was reached is not asked twice."""
    user: Any = request.user
    if request.method not in ("GET", "HEAD"):
        return Actor(user)
    seen: dict[tuple[str, str, bool], Reach] = request.__dict__.setdefault("seen", {})
    return Actor(user, seen=seen)
