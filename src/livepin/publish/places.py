"""Where the objects of a project lie below an origin's base (design section 3)."""

from __future__ import annotations

POINTER, STATEMENT = "pins.jws", "fresh.jws"


def pointer_key(organization: str, project: str) -> str:
    """Key of the pointer: the document that applications fetch."""
    return f"{organization}/{project}/{POINTER}"


def revision_key(organization: str, project: str, epoch: int, serial: int) -> str:
    """Key of one revision; what lies there never changes."""
    return f"{organization}/{project}/{epoch}.{serial}.jws"


def statement_key(organization: str, project: str) -> str:
    """Key of the freshness statement, which lies beside the pointer."""
    return f"{organization}/{project}/{STATEMENT}"


def statement_url(document_url: str) -> str:
    """The URL of the freshness statement for a document's: its sibling, with the same query."""
    path, mark, query = document_url.partition("?")
    return f"{path.rpartition('/')[0]}/{STATEMENT}{mark}{query}"


def document_url(url: str, organization: str, project: str) -> str:
    """The URL of the pointer: below a base that ends in `/`; any other URL is used as it is (design section 2)."""
    return url + pointer_key(organization, project) if url.endswith("/") else url
