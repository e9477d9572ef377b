"""The end of a project's documents at an origin: every object is removed, the pointer first.

Applications go on judging by what they hold until it expires (J8); who starts without a document fails closed.
"""

from __future__ import annotations

from collections.abc import Iterable

from livepin.publish.origins.origin import Origin
from livepin.publish.places import pointer_key, revision_key, statement_key

#: A thief of the key may have driven the serial to its maximum: no more numbers than these are tried in an epoch.
MOST_SERIALS = 100_000


def remove(origins: Iterable[Origin], organization: str, project: str, known: Iterable[tuple[int, int]]) -> int:
    """Remove the objects of a project; how many revisions were there. `known`: numbers of revisions (epoch, serial).

    Those below them count too: of what other machines published only the last one is known. Safe to repeat. Raises
    `OriginFailed`.
    """
    pointers, revisions = objects(organization, project, known)
    found = 0
    for origin in origins:
        for key in pointers:
            origin.remove(key)
        for key in revisions:
            found += origin.read(key) is not None
            origin.remove(key)
    return found


def objects(organization: str, project: str, known: Iterable[tuple[int, int]]) -> tuple[list[str], list[str]]:
    """Keys of all objects that a project may have at an origin: what points, to be removed first, and revisions."""
    pointers = [pointer_key(organization, project), statement_key(organization, project)]
    return pointers, [revision_key(organization, project, *number) for number in sorted(_all(set(known)))]


def _all(known: set[tuple[int, int]]) -> set[tuple[int, int]]:
    last: dict[int, int] = {}
    for epoch, serial in known:
        last[epoch] = max(serial, last.get(epoch, 0))
    return known | {(epoch, one) for epoch, most in last.items() for one in range(1, min(most, MOST_SERIALS) + 1)}
