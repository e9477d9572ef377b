"""Somebody who calls the API: a client that knows nothing but the API's own description."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from django.test import Client

from livepin.server.actions import tokens
from livepin.server.api.application import api
from livepin.server.api.openapi import operations
from tests.server.world import World

DESCRIPTION: dict[str, Any] = api.get_openapi_schema()
#: Operation ID → (path, method, operation).
OPERATIONS = {one["operationId"]: (path, method, one) for path, method, one in operations(DESCRIPTION)}


@dataclass(frozen=True, slots=True)
class Caller:
    """A token, or none, and what can be done with it."""

    token: str = ""

    @classmethod
    def of(cls, world: World, name: str) -> Caller:
        """One of the cast, signed in on a command line."""
        return cls(tokens.sign_in(world.accounts[name], "tests").text)

    def call(self, operation: str, body: Any = None, **given: Any) -> Any:
        """Call an operation by its ID; parameters by their names, headers with underscores."""
        path, method, described = OPERATIONS[operation]
        headers, query = dict(self.headers), {}
        for parameter in described.get("parameters", ()):
            name, place = parameter["name"], parameter["in"]
            value = given.pop(name.lower().replace("-", "_"), None)
            if place == "path":
                path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
            elif value is not None and place == "query":
                query[name] = value
            elif value is not None:
                headers[name] = str(value)
        assert not given, f"{operation} does not know {sorted(given)}"
        return self.send(method, f"{path}?{urlencode(query)}" if query else path, body, headers)

    def send(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """Send any request; the answer has `json()`."""
        content: dict[str, Any] = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        client = Client(raise_request_exception=False)
        return client.generic(method.upper(), path, headers=headers or self.headers, **content)

    @property
    def headers(self) -> dict[str, str]:
        """What shows the token."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}
