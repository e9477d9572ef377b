"""The origin that a server serves itself: documents of its origin folder, and nothing else of any folder.

One machine needs no other web server; many put a CDN in front of this or of nginx (docs/server.md). A WSGI
application without Django. Threats: an address that leads out of the folder (so an address is two identifiers and a
file name of the two known forms, and no link is followed); an answer that outlives what it is of (so an ETag is made
of the very bytes: two contents never share one, whatever the file's time is).
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any

from livepin.publish.places import POINTER, STATEMENT

_ID = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_ADDRESS = re.compile(
    rf"/({_ID})/({_ID})/(pins\.jws|fresh\.jws|(?:0|[1-9][0-9]{{0,18}})\.[1-9][0-9]{{0,18}}\.jws)", re.ASCII
)
#: For a pointer and a statement: soon asked again, and used while nobody answers. For the others: they never change.
_POINTER_CACHE = "public, max-age=60, stale-while-revalidate=600, stale-if-error=86400"
_REVISION_CACHE = "public, max-age=31536000, immutable"
_STATUS = {200: "200 OK", 304: "304 Not Modified", 404: "404 Not Found", 405: "405 Method Not Allowed"}

Respond = Callable[[str, list[tuple[str, str]]], Any]


@dataclass(frozen=True, slots=True)
class _Found:
    data: bytes
    changed: float
    encoding: str


class OriginServer:
    """Serves the documents of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, environ: dict[str, Any], respond: Respond) -> Iterable[bytes]:
        """Answer one request."""
        status, headers, body = self._answer(environ)
        respond(_STATUS[status], [*headers, ("X-Content-Type-Options", "nosniff")])
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]

    def _answer(self, environ: dict[str, Any]) -> tuple[int, list[tuple[str, str]], bytes]:
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return 405, [("Allow", "GET, HEAD"), ("Content-Length", "0")], b""
        match = _ADDRESS.fullmatch(environ.get("PATH_INFO", ""))
        found = self._find(match.groups(), environ) if match else None
        if match is None or found is None:
            return 404, [("Cache-Control", "no-store"), ("Content-Length", "0")], b""
        tag = f'"{hashlib.sha256(found.data).hexdigest()[:32]}"'
        headers = [
            ("ETag", tag),
            ("Cache-Control", _POINTER_CACHE if match[3] in (POINTER, STATEMENT) else _REVISION_CACHE),
            ("Vary", "Accept-Encoding"),
        ]
        if _names(environ.get("HTTP_IF_NONE_MATCH", ""), tag):
            return 304, headers, b""
        headers += [("Content-Type", "application/jose"), ("Last-Modified", formatdate(found.changed, usegmt=True))]
        headers += [("Content-Encoding", found.encoding)] if found.encoding else []
        return 200, [*headers, ("Content-Length", str(len(found.data)))], found.data

    def _find(self, names: tuple[str, ...], environ: dict[str, Any]) -> _Found | None:
        """The gzipped sibling for who takes it, where it is there; it never says what the document does not."""
        if _takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")):
            sibling = _read(self._folder, (*names[:-1], f"{names[-1]}.gz"))
            if sibling is not None:
                return _Found(*sibling, "gzip")
        plain = _read(self._folder, names)
        return None if plain is None else _Found(*plain, "")


def _takes_gzip(header: str) -> bool:
    for item in header.lower().split(","):
        name, _, parameter = item.partition(";")
        if name.strip() == "gzip":
            return re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", parameter) is None
    return False


def _names(header: str, tag: str) -> bool:
    """Whether an If-None-Match names this tag (RFC 9110 section 13.1.2: weakly compared)."""
    return header.strip() == "*" or tag in [one.strip().removeprefix("W/") for one in header.split(",")]


def _read(folder: Path, names: tuple[str, ...]) -> tuple[bytes, float] | None:
    """Content and time of a regular file; each step goes from an opened folder, and none through a link."""
    opened: list[int] = []
    try:
        opened.append(os.open(folder, os.O_RDONLY | os.O_DIRECTORY))
        for name in names[:-1]:
            opened.append(os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=opened[-1]))
        opened.append(os.open(names[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=opened[-1]))
        about = os.fstat(opened[-1])
        if not stat.S_ISREG(about.st_mode):
            return None
        with os.fdopen(opened.pop(), "rb") as file:
            return file.read(), about.st_mtime
    except OSError:
        return None
    finally:
        for descriptor in reversed(opened):
            os.close(descriptor)
