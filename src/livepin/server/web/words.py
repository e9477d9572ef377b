"""Template filters and tags: times, spans, digests, and everything else that a page says in more than one place."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

_UNITS = ((365 * 86_400, "year"), (30 * 86_400, "month"), (86_400, "day"), (3_600, "hour"), (60, "minute"))


@register.filter
def moment(value: datetime | int | None) -> SafeString | str:
    """A point in time: readable, exact on hover, and in the reader's zone once the script has run.

    Takes a date-time or Unix seconds.
    """
    if value is None:
        return "never"
    when = datetime.fromtimestamp(value, UTC) if isinstance(value, int) else value.astimezone(UTC)
    exact = when.strftime("%Y-%m-%dT%H:%M:%SZ")
    return format_html('<time datetime="{}" title="{}">{}</time>', exact, exact, when.strftime("%Y-%m-%d %H:%M UTC"))


@register.filter
def milliseconds(value: int) -> int:
    """Unix milliseconds as seconds."""
    return value // 1000


@register.filter
def distance(value: datetime | int | None) -> str:
    """How far away a point in time is: `in 3 days`, `2 hours ago`."""
    if value is None:
        return ""
    seconds = (value if isinstance(value, int) else value.timestamp()) - timezone.now().timestamp()
    size, unit = next(((size, unit) for size, unit in _UNITS if abs(seconds) >= size), (1, "second"))
    count = int(abs(seconds) // size)
    words = f"{count} {unit}{'' if count == 1 else 's'}"
    return f"in {words}" if seconds > 0 else f"{words} ago"


@register.filter
def short(digest: str) -> SafeString:
    """A digest as people compare them: its beginning, whole on hover."""
    return format_html('<code class="digest" title="{}">{}…</code>', digest, digest[:12])


@register.simple_tag(takes_context=True)
def here(context: dict[str, Any], *names: str) -> SafeString | str:
    """`aria-current` where the page is one of the named views."""
    match = getattr(context.get("request"), "resolver_match", None)
    return SafeString(' aria-current="page"') if match and match.view_name in names else ""
