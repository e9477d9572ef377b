"""Scripts and styles, from this package and from allauth's. Nothing a page needs comes from anybody else."""

from __future__ import annotations

import hashlib
import mimetypes
from functools import lru_cache
from pathlib import Path

from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, HttpResponseNotModified
from django.views.decorators.http import require_safe


@require_safe
def asset(request: HttpRequest, path: str) -> HttpResponseBase:
    """A file by its path below the static folders of the installed applications."""
    found = finders.find(path)
    if not isinstance(found, str) or not Path(found).is_file():
        raise Http404
    content, tag = _read(found)
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified(headers={"ETag": tag})
    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
    return HttpResponse(content, content_type=kind, headers={"ETag": tag, "Cache-Control": "public, max-age=3600"})


@lru_cache(maxsize=64)
def _read(path: str) -> tuple[bytes, str]:
    content = Path(path).read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'
