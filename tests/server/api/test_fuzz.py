"""Schemathesis asks whatever the description allows: never an error of ours, nothing undeclared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from livepin.server.config import Config
from tests.server.api.caller import DESCRIPTION, OPERATIONS
from tests.server.api.test_access import TABLE, Scene
from tests.server.world import World

pytestmark = pytest.mark.slow

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
EXAMPLES = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def scene(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setattr(Config, "requests_per_minute", 0)
    # The application is called as a server calls it; the connection is the test's own, and stays.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield Scene.make(world)
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("deep", [False, True], ids=["anything", "what there is"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_nothing_breaks_the_api_and_nothing_undeclared_is_answered(scene: Scene, operation: str, deep: bool) -> None:
    path, method, _ = OPERATIONS[operation]
    schema = schemathesis.openapi.from_dict(DESCRIPTION)
    schema.app = get_wsgi_application()
    row = TABLE[operation]
    headers = scene.callers["owner"].headers

    def asked(case: Any) -> None:
        if deep:
            known = {name: scene.filled(value) for name, value in row.given.items()}
            case.path_parameters = {name: known.get(name, value) for name, value in case.path_parameters.items()}
            if "if_match" in known:
                case.headers["If-Match"] = "*"
        response = scene.undone(lambda: case.call(headers=headers))
        case.validate_response(response, checks=CHECKS)

    strategy = schema[path][method.upper()].as_strategy()
    EXAMPLES(given(strategy)(asked))()
