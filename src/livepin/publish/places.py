"""Where the objects of a project lie below an origin's base (design section 3)."""

from __future__ import annotations

POINTER = "pins.jws"


def pointer_key(organization: str, project: str) -> str:
    """Key of the pointer: the document that applications fetch."""
    return f"{organization}/{project}/{POINTER}"


def revision_key(organization: str, project: str, epoch: int, serial: int) -> str:
    """Key of one revision; what lies there never changes."""
    return f"{organization}/{project}/{epoch}.{serial}.jws"


def document_url(url: str, organization: str, project: str) -> str:
    """The URL of the pointer: below a base that ends in `/`; any other URL is used as it is (design section 2)."""
    return url + pointer_key(organization, project) if url.endswith("/") else url
