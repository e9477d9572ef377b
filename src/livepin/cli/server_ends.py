"""The end of a project on a server, as it is asked for from here. Nothing of it can be undone, so a person is asked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from livepin.author import staging
from livepin.cli import server_publish
from livepin.cli.exits import Exit
from livepin.cli.output import Output, ask
from livepin.cli.project import Ending, Wishes
from livepin.errors import InputInvalid, PublishRefused

if TYPE_CHECKING:
    from livepin.cli.project_server import ServerProject

#: How long the origins are watched until the documents are gone, in seconds; the server goes on all the same.
_PATIENCE, _PAUSE = 30.0, 0.3


def decommission(out: Output, project: ServerProject, wishes: Wishes, ending: Ending) -> int:
    """Ask for a last revision that is off everywhere, and follow it to its end; the exit status."""
    published = project.published()
    if published is None:
        raise PublishRefused("revision_missing", "nothing is published that could end", where=project.name)
    content = staging.off_everywhere(published.document.payload)
    if wishes.dry_run:
        return server_publish.tell_content(out, project, content, f"would be the last revision of {project.name}")
    if not ending.reason:
        raise InputInvalid("usage", "the server keeps why a project ended", where="--reason")
    _confirm(out, project, "decommissioned", ending)
    afterwards = f"the server removes the documents {ending.keep_hours} hours from now"
    members = {"reason": ending.reason, "keep_hours": ending.keep_hours}
    path = f"{project.path}/decommissioning"
    order = server_publish.Order(path, lambda: content, members=members, afterwards=afterwards)
    return server_publish.run(out, project, wishes, order)


def withdraw(out: Output, project: ServerProject, ending: Ending) -> int:
    """Have the documents removed, and watch the origins until they are; the exit status."""
    before = [str(one["name"]) for one in _origins(project) if one.get("revision")]
    if ending.dry_run:
        where = ", ".join(before) or "nowhere: nothing is published"
        out.result({"dry_run": True, "origins": before}, f"would remove {project.name} from {where}")
        return Exit.OK
    _confirm(out, project, "withdrawn", ending)
    project.api.ask("POST", f"{project.path}/withdrawal", {"reason": ending.reason})
    left = _watched(out, project)
    if url := project.url:
        out.note(f"purge the CDN: {url} may go on serving a copy")
    lines = [f"{project.name} is withdrawn: nothing is signed for it any more"]
    lines.append(
        f"NOT YET REMOVED from {', '.join(left)}: the server goes on trying" if left else "its documents are gone"
    )
    lines.append("applications go on by what they hold, until it expires; new ones refuse their hosts")
    out.result({"dry_run": False, "server": project.api.url, "origins": before, "left": left}, "\n".join(lines))
    return Exit.NETWORK if left else Exit.OK


def _confirm(out: Output, project: ServerProject, what: str, ending: Ending) -> None:
    """Raise `InputInvalid` or `CommandFailed` (`confirmation_missing`) unless a person, or --yes, agrees."""
    if not ending.agreed:
        text = f"{project.name} will be {what}. That cannot be undone."
        ask(text, "Is it to end?", project.name, asks=out.for_people)


def _origins(project: ServerProject) -> list[dict[str, str]]:
    return list(project.api.get(f"{project.path}/origins").members["items"])


def _watched(out: Output, project: ServerProject) -> list[str]:
    """The origins that still have a document, after a while."""
    out.progress("the server removes the documents")
    end = time.monotonic() + _PATIENCE
    while left := [str(one["name"]) for one in _origins(project) if one.get("revision")]:
        if time.monotonic() > end:
            break
        time.sleep(_PAUSE)
    return left
