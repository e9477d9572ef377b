"""Template filters and tags: times, spans, digests, and everything else that a page says in more than one place."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString

from livepin.server.actions import overview
from livepin.server.actions.actor import May, reach, reach_project
from livepin.server.actions.revisions import LAST_MOMENT
from livepin.server.web.visitor import actor

register = template.Library()

_DAY = 86_400
#: What is about to end: less than a quarter of its life is left, and less than so many days whatever its life.
_SOON, _LATE = 30, 7
#: How long something is taken to live whose beginning is not known, in days: a certificate, nowadays.
_LIFE = 45
#: From which distance on, in seconds, how much of what. In days up to 120: a certificate lives 47 of them.
_UNITS = (
    (730 * _DAY, 365 * _DAY, "year"),
    (120 * _DAY, 30 * _DAY, "month"),
    (2 * _DAY, _DAY, "day"),
    (7_200, 3_600, "hour"),
    (120, 60, "minute"),
)


@register.filter
def moment(value: datetime | int | None) -> SafeString | str:
    """A point in time: readable, exact on hover, and in the reader's zone once the script has run.

    Takes a date-time or Unix seconds.
    """
    if value is None:
        return "never"
    when = _point(value) if isinstance(value, int) else value.astimezone(UTC)
    exact = when.strftime("%Y-%m-%dT%H:%M:%SZ")
    return format_html('<time datetime="{}" title="{}">{}</time>', exact, exact, when.strftime("%Y-%m-%d %H:%M UTC"))


@register.filter
def exactly(value: int) -> str:
    """Unix seconds as the exact value that stands on hover."""
    return _point(value).strftime("%Y-%m-%dT%H:%M:%SZ")


def _point(seconds: int) -> datetime:
    """A point in time. Documents can say later ones than calendars have: then the last of these."""
    return datetime.fromtimestamp(min(seconds, LAST_MOMENT), UTC)


@register.filter
def milliseconds(value: int) -> int:
    """Unix milliseconds as seconds."""
    return value // 1000


@register.filter
def distance(value: datetime | int | None) -> str:
    """How far away a point in time is: `in 3 days`, `47 hours ago`."""
    if value is None:
        return ""
    seconds = (value if isinstance(value, int) else value.timestamp()) - timezone.now().timestamp()
    size, unit = next(((size, unit) for least, size, unit in _UNITS if abs(seconds) >= least), (1, "second"))
    count = int(abs(seconds) // size)
    words = f"{count} {unit}{'' if count == 1 else 's'}"
    return f"in {words}" if seconds > 0 else f"{words} ago"


@register.filter
def urgency(end: int | None, start: int | None = None) -> str:
    """How near an end is: `good`, `warn` or `bad`, for a thing that lives from `start` to `end` (Unix seconds).

    The shares are those of warnings about certificates (watch/warnings.py).
    """
    if end is None:
        return "good"
    left = end - timezone.now().timestamp()
    life = _LIFE * _DAY if start is None else max(end - start, 1)
    if left < min(life / 10, _LATE * _DAY):
        return "bad"
    return "warn" if left < min(life / 4, _SOON * _DAY) else "good"


@register.filter
def spent(end: int, start: int) -> bool:
    """Whether two thirds of a life are over (design section 3 warns about a key set from then on)."""
    return timezone.now().timestamp() >= start + (end - start) * 2 / 3


@register.filter
def marked(text: str) -> SafeString:
    """A sentence whose `words in backquotes` are code."""
    parts = re.split(r"`([^`]+)`", str(text))
    made = [format_html("<code>{}</code>", part) if n % 2 else conditional_escape(part) for n, part in enumerate(parts)]
    return SafeString("".join(made))


@register.filter
def short(digest: str) -> SafeString:
    """A digest as people compare them: its beginning, whole on hover."""
    return format_html('<code class="digest" title="{}">{}…</code>', digest, digest[:12])


@register.simple_tag(takes_context=True)
def may(context: dict[str, Any], right: str) -> bool:
    """Whether the reader has a right in the project, or organization, of the page: `{% may "stage" as stages %}`.

    What would be refused is not offered. It decides nothing: actions do.
    """
    project = context.get("project")
    who, organization = actor(context["request"]), context["organization"].identifier
    if project is None:
        reached = reach(who, organization, May.READ)
    else:
        reached, _ = reach_project(who, organization, project.identifier, May.READ)
    return reached.may(May(right))


@register.simple_tag(takes_context=True)
def staged(context: dict[str, Any]) -> bool:
    """Whether the draft of the page's project says something that is not published."""
    return overview.staged(actor(context["request"]), context["organization"].identifier, context["project"].identifier)


@register.simple_tag(takes_context=True)
def here(context: dict[str, Any], *names: str) -> SafeString | str:
    """`aria-current` where the page is one of the named views."""
    match = getattr(context.get("request"), "resolver_match", None)
    return SafeString(' aria-current="page"') if match and match.view_name in names else ""
