"""A project's draft: read and put whole, which is what `livepin pull` and `push` do, and its settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from livepin.author import draft_json
from livepin.author.draft import DEFAULT_LIFE_DAYS, MAX_LIFE_DAYS
from livepin.author.staging import Change
from livepin.core.document import MAX_REFRESH_AFTER
from livepin.errors import ValueInvalid
from livepin.server.actions import checks, drafts
from livepin.server.api.answers import ABSENT, Answer, Body, IfMatch, IfNoneMatch, answer, is_known, version_of
from livepin.server.api.bearer import actor
from livepin.server.api.hosts import Host, HostBody

router = Router(tags=["Draft"])

_LIFE = Field(ge=1, le=MAX_LIFE_DAYS, description="How long a document lives.")
_EXTENDABLE = Field(ge=0, le=MAX_LIFE_DAYS, description="How long statements may prolong it; absent or 0: not at all.")
_REFRESH = Field(ge=0, le=MAX_REFRESH_AFTER, description="In seconds; absent or 0: the default, 600.")
#: A 0 is sent where there is to be none: `null` is never a value, and what is absent stays as it is.
_NONE_AT_ZERO = ("extendable_days", "refresh_after")
_DENY = Field(max_length=10_000, description="SPKI SHA-256 digests that are refused for every host.")


class Version(Answer):
    """The version that the draft has now; it is the ETag too."""

    version: int


class Settings(Answer):
    """What a draft says besides its hosts."""

    organization: str
    project: str
    life_days: int
    extendable_days: int = ABSENT
    refresh_after: int = ABSENT
    unlisted: str
    deny: list[str]


class Draft(Settings):
    """A whole draft."""

    hosts: list[Host]


class DraftBody(Body):
    """A whole draft. `organization` and `project` may be absent; given, they are those of the address."""

    organization: Annotated[str, Field(max_length=64)] = ""
    project: Annotated[str, Field(max_length=64)] = ""
    life_days: Annotated[int, _LIFE] = DEFAULT_LIFE_DAYS
    extendable_days: Annotated[int, _EXTENDABLE] = ABSENT
    refresh_after: Annotated[int, _REFRESH] = ABSENT
    unlisted: Annotated[str, Field(description="allow, report or block")] = "allow"
    deny: Annotated[list[str], _DENY] = ABSENT
    hosts: Annotated[list[HostBody], Field(max_length=10_000)]


class SettingsChange(Body):
    """What to change; what is absent stays."""

    life_days: Annotated[int, _LIFE] = ABSENT
    extendable_days: Annotated[int, _EXTENDABLE] = ABSENT
    refresh_after: Annotated[int, _REFRESH] = ABSENT
    unlisted: Annotated[str, Field(description="allow, report or block")] = ABSENT
    deny: Annotated[list[str], _DENY] = ABSENT


class Difference(Answer):
    """One difference. `what`: added, removed or changed; `where`: a pattern and a member; values as documents have."""

    what: str
    where: str
    before: Any = ABSENT
    after: Any = ABSENT


class Changes(Answer):
    """What is different."""

    changes: list[Difference]


class Overridden(Body):
    """A reason for each rule of the guard that does not apply."""

    overrides: Annotated[dict[str, str], Field(max_length=20)] = ABSENT


class Check(Changes):
    """What publishing would change, and what the guard says to it. `passed`: it would be published."""

    passed: bool
    findings: list[dict[str, Any]]


def shown_changes(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """Differences as JSON."""
    members = [{"what": c.what, "where": c.where, "before": c.before, "after": c.after} for c in changes]
    return [{name: value for name, value in one.items() if value is not None} for one in members]


_PATH = "/organizations/{organization}/projects/{project}/draft"


@router.get(_PATH, response={200: Draft, 304: None})
def read(request: HttpRequest, organization: str, project: str, if_none_match: IfNoneMatch = "") -> HttpResponse:
    """The whole draft. Its version is the ETag."""
    if if_none_match:
        version = drafts.version(actor(request), organization, project)
        if is_known(if_none_match, version):
            return HttpResponse(status=304, headers={"ETag": f'"{version}"'})
    draft, version = drafts.read(actor(request), organization, project)
    return answer(draft_json.draft_members(draft), version=version)


@router.put(_PATH, response={200: Version})
def replace(
    request: HttpRequest, organization: str, project: str, body: DraftBody, if_match: IfMatch = ""
) -> HttpResponse:
    """Put a whole draft in place of the one that is there."""
    version = version_of(if_match)
    members = _sent(body)
    for name, here in (("organization", organization), ("project", project)):
        if members.setdefault(name, here) != here:
            raise ValueInvalid("value_invalid", f"this address is that of {here}", where=name)
    draft = draft_json.draft_of(members)
    found = drafts.replace(actor(request), organization, project, version, draft)
    return answer({"version": found.draft_version}, version=found.draft_version)


@router.patch(_PATH, response={200: Version})
def change(
    request: HttpRequest, organization: str, project: str, body: SettingsChange, if_match: IfMatch = ""
) -> HttpResponse:
    """Change the draft's settings, and leave its hosts as they are."""
    version = version_of(if_match)
    given = _sent(body)
    for name in {*_NONE_AT_ZERO} & body.model_fields_set:
        given.setdefault(name, None)
    if "deny" in given:
        given["deny"] = tuple(given["deny"])
    found = drafts.set_settings(actor(request), organization, project, version, **given)
    return answer({"version": found.draft_version}, version=found.draft_version)


@router.get(_PATH + "/diff", response={200: Changes})
def diff(request: HttpRequest, organization: str, project: str) -> HttpResponse:
    """What publishing the draft would change in what is published. Nothing is looked at."""
    return answer({"changes": shown_changes(checks.diff(actor(request), organization, project))})


@router.post(_PATH + "/check", response={200: Check})
def check(request: HttpRequest, organization: str, project: str, body: Overridden) -> HttpResponse:
    """Look at every host and ask the guard, without publishing. The ETag is the version that was looked at."""
    found = checks.preview(actor(request), organization, project, body.overrides)
    members = {
        "passed": not found.settlement.open,
        "findings": checks.as_json(found.settlement),
        "changes": shown_changes(found.changes),
    }
    return answer(members, version=found.version)


def _sent(body: Body) -> dict[str, Any]:
    """What was sent, as draft_json.py has it."""
    members = body.model_dump(by_alias=True, exclude_unset=True)
    return {name: value for name, value in members.items() if value != 0 or name not in _NONE_AT_ZERO}
