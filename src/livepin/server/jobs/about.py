"""What a job is about, for operators: the project that it works for, by its name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from livepin.server.models import Project, Publish
from livepin.server.queue import Dead


def about(jobs: Iterable[Dead]) -> dict[int, str]:
    """By the number of each job, ORGANIZATION/PROJECT; empty for what is about none, or about one that is gone."""
    given = {one.id: one.arguments for one in jobs}
    asked = {number: _id(said.get("publish_id")) for number, said in given.items()}
    rows = Publish.objects.filter(id__in=_some(asked.values()))
    of_publish: dict[UUID | None, UUID] = dict(rows.values_list("id", "project"))
    wanted = {number: _id(said.get("project_id")) or of_publish.get(asked[number]) for number, said in given.items()}
    projects = Project.objects.filter(id__in=_some(wanted.values())).select_related("organization")
    names: dict[UUID | None, str] = {one.id: f"{one.organization.identifier}/{one.identifier}" for one in projects}
    return {number: names.get(one, "") for number, one in wanted.items()}


def _some(numbers: Iterable[UUID | None]) -> list[UUID]:
    return [one for one in numbers if one is not None]


def _id(text: Any) -> UUID | None:
    """None where it is none, as in the arguments of a job that died of them."""
    try:
        return UUID(str(text))
    except ValueError:
        return None
