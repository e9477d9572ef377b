"""Certificate Transparency: the operator's log table, and what hosts prove by it."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from livepin.author import ct_json
from livepin.server.actions import ct_logs
from livepin.server.api.answers import ABSENT, Answer, Body, answer
from livepin.server.api.bearer import actor

router = Router(tags=["Certificate Transparency"])


class Reviewed(Answer):
    """As of when a source of the table was looked at. `source`: chrome, apple or hand."""

    source: str
    issued_at: int
    version: str = ABSENT
    signed_by: str = ABSENT


class Operator(Answer):
    """An operator of logs: its ID in rules, and what lists call it."""

    id: str
    names: list[str]


class Log(Answer):
    """A log. `from` and `until`: the interval of its certificates' ends; `source`: who answers for it."""

    name: str
    id: str
    key: str
    operator: str
    kind: str
    state: str
    start: Annotated[int, Field(alias="from")] = ABSENT
    until: int = ABSENT
    retired_at: int = ABSENT
    source: str


class Logs(Answer):
    """The operator's log table; empty where there is none."""

    lists: list[Reviewed]
    operators: list[Operator]
    logs: list[Log]


class Sighted(Body):
    """A host of a draft, as it is or as it is to be: the places to look at."""

    host: Annotated[str, Field(max_length=260)]
    look_at: Annotated[list[str], Field(max_length=32)] = ABSENT
    address: Annotated[str, Field(max_length=260)] = ""


class Sct(Answer):
    """An SCT. `verdict` ok: it verifies; `counts`: a policy would be applied to it, else `ignored` says why not."""

    log_id: str = ABSENT
    operator: str
    timestamp: int = ABSENT
    verdict: str
    counts: bool
    ignored: str


class Proof(Answer):
    """What one address proves. `problem`: why ordinary validation refuses it; then its SCTs are worth nothing."""

    address: str
    problem: str
    scts: list[Sct]


class Proofs(Answer):
    """One for each address."""

    items: list[Proof]


@router.get("/ct-logs", response={200: Logs})
def list_all(request: HttpRequest) -> HttpResponse:
    """The operator's log table: what rules can name, and what documents carry of it."""
    return answer(ct_json.table_members(ct_logs.read(actor(request))))


@router.post("/organizations/{organization}/projects/{project}/scts", response={200: Proofs})
def prove(request: HttpRequest, organization: str, project: str, body: Sighted) -> HttpResponse:
    """Look at a host now, at every address, and weigh its SCTs by the operator's table. Nothing is stored."""
    places = tuple(body.look_at or ())
    found = ct_logs.prove(actor(request), organization, project, body.host, places, body.address)
    items = [{"address": one.address, "problem": one.problem, "scts": list(map(_shown, one.scts))} for one in found]
    return answer({"items": items})


def _shown(sct: Any) -> dict[str, Any]:
    members = {
        "log_id": sct.log_id,
        "operator": sct.operator,
        "timestamp": sct.timestamp,
        "verdict": str(sct.verdict),
        "counts": sct.counts,
        "ignored": str(sct.ignored),
    }
    return {name: value for name, value in members.items() if value is not None}
