"""What is signed for a publish, and the signed document as it is kept: stored before anybody gets it."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from livepin.core import jws, trust
from livepin.core.document import serialize
from livepin.core.trust import verify_held
from livepin.errors import PublishRefused
from livepin.server.actions import keys, revisions
from livepin.server.models import Key, Project, Publish


def signing_input(project: Project, key: Key, payload: dict[str, Any]) -> bytes:
    """The bytes that a key signs so that a payload becomes a document of its project (RFC 7515 section 5.1)."""
    return jws.signing_input(keys.header_of(project, key), serialize(payload))


def keep(publish: Publish, text: str) -> trust.Revision:
    """Store a signed document before anybody gets it. Raises `IntegrityError` where its number is taken meanwhile.

    Another worker may have signed for the same publish: then what that one stored is the revision.
    """
    revision = verify_held(text, keys.trust_of(publish.project))
    with transaction.atomic():
        locked = (
            Publish.objects.select_for_update(of=("self",), no_key=True).select_related("revision").get(id=publish.id)
        )
        if locked.revision is not None:
            return verify_held(locked.revision.text, keys.trust_of(publish.project))
        if locked.state != "publishing":
            raise PublishRefused("state_wrong", f"the publish is {locked.state}", where=str(publish.id))
        row = revisions.row_of(publish.project, revision)
        row.save(force_insert=True)
        locked.revision = row
        locked.save(update_fields=["revision"])
    publish.revision = row
    return revision
