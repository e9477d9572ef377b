"""The API put together: routers, who may call, errors, the description."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.operation import Operation

from livepin.errors import LivepinError, RequestInvalid, ValueInvalid
from livepin.server.api import (
    audit,
    ct_logs,
    deletions,
    drafts,
    exports,
    freshness,
    hosts,
    invitations,
    keys,
    looks,
    me,
    members,
    openapi,
    organizations,
    origins,
    projects,
    publishes,
    revisions,
    sign_ins,
    tokens,
    warnings,
    withdrawals,
)
from livepin.server.api.answers import StrictJson
from livepin.server.api.bearer import Bearer
from livepin.server.api.problems import problem

#: Faults of one request that are told of; more would help nobody.
_MOST_FAULTS = 20


class Api(NinjaAPI):
    """Ninja, with operation IDs of nouns and verbs and the exact description."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """`hosts_list_all`: the file and the function."""
        view: Any = operation.view_func
        return f"{view.__module__.rpartition('.')[2]}_{view.__name__}"

    def get_openapi_schema(self, *, path_prefix: str | None = None, path_params: Any = None) -> Any:
        """The description that docs/openapi.json holds."""
        return openapi.exact(dict(super().get_openapi_schema(path_prefix="/api/v1/")))


api = Api(
    title="Livepin",
    version="1",
    description=openapi.DESCRIPTION,
    urls_namespace="api",
    auth=Bearer(),
    parser=StrictJson(),
    # The page that ninja would serve loads scripts from strangers.
    docs_url=None,
)
_PEOPLE = (me, sign_ins, organizations, members, invitations, tokens, audit, exports, deletions)
_PROJECTS = (
    projects,
    drafts,
    hosts,
    looks,
    ct_logs,
    warnings,
    publishes,
    revisions,
    freshness,
    origins,
    withdrawals,
    keys,
)
for one in (*_PEOPLE, *_PROJECTS):
    api.add_router("", one.router)


@api.exception_handler(LivepinError)
def _refused(request: HttpRequest, error: LivepinError) -> HttpResponse:
    return problem(error)


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    faults = [_fault(one) for one in error.errors[:_MOST_FAULTS]]
    return problem(faults[0], more=faults)


@api.exception_handler(RequestDataTooBig)
def _too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return problem(RequestInvalid("body_too_large", "the body is too large"))


@api.exception_handler(HttpError)
def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
    cause = error.__cause__
    if isinstance(cause, LivepinError):
        return problem(cause, error.status_code)
    return problem(RequestInvalid("http_invalid", error.message), error.status_code)


def _fault(found: Any) -> LivepinError:
    """One fault of pydantic's, with its place as we write places: `hosts[2].pins[0].from`."""
    kind, *path = found["loc"]
    if kind == "body":
        # The name of the function's argument says nothing to who sent the body.
        path = path[1:]
    where = ""
    for part in path:
        where += f"[{part}]" if isinstance(part, int) else f".{part}" if where else str(part)
    message = str(found["msg"])
    return ValueInvalid("value_invalid", message[:1].lower() + message[1:], where=where or kind)
