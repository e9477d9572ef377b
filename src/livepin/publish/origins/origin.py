"""What a place has to do in which documents are put for a CDN to serve.

Four operations suffice, and every object store has them: neither listing nor conditional overwriting is asked for.
tests/publish/test_origins.py is the contract as code; it runs over every implementation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Origin(Protocol):
    """One origin. All methods raise `OriginFailed` when they failed, and when they cannot tell."""

    @property
    def name(self) -> str:
        """What people call it: in messages and in the journal. Never a secret."""
        ...

    def read(self, key: str) -> bytes | None:
        """The object, or None where there is none.

        Duties: it is what a reader would get after everything written before; never a part of an object.
        """
        ...

    def create(self, key: str, data: bytes) -> bool:
        """Make an immutable object; False where the key is taken, whatever lies there.

        Duties: of several at once exactly one gets True (this is the lock between machines), nobody ever reads a
        part, and what is there already is not touched. After an error the object is there whole, or not at all.
        """
        ...

    def replace(self, key: str, data: bytes, may_replace: Callable[[bytes | None], None]) -> None:
        """Put the pointer's new content in place of the old.

        Duties: `may_replace` is called with what is there now, and whatever it raises is passed on, with nothing
        changed; where the store can, others wait meanwhile. Readers get the old object whole or the new one whole,
        compressed or not, and never the old one again once somebody got the new one. Validators (ETag,
        Last-Modified) differ from those of every earlier content. Repeating it with the same data repairs what an
        interrupted call left behind.
        """
        ...

    def remove(self, key: str) -> None:
        """Remove an object, and whatever was made beside it; nothing happens where there is none.

        Duties: readers get the object whole until they get none. It is for the end of a project: a number that was
        removed is never used again.
        """
        ...
