"""The API's description: what ninja derives from the code, made exact, with all errors declared in this one place."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from livepin.server.api.problems import CONTENT_TYPE

DESCRIPTION = (
    "Manage organizations, projects, drafts and publishes of Livepin. Applications call none of this: they only know "
    "the CDN. Every error is a problem (RFC 9457) with a stable `code`."
)
_METHODS = ("get", "put", "post", "patch", "delete")
_TEXT = {"type": "string"}
_PLACE = {"where": _TEXT, "message": _TEXT}
_PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "description": "What went wrong, where, and what to do about it. `code` is stable; docs/errors.md explains it.",
    "type": "object",
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "code": _TEXT,
        "message": _TEXT,
        "where": _TEXT,
        "hint": _TEXT,
        "docs": _TEXT,
        "errors": {
            "type": "array",
            "items": {"type": "object", "properties": _PLACE, "required": sorted(_PLACE)},
        },
    },
    "required": ["type", "title", "status", "detail", "code", "message", "where", "hint", "docs"],
}


def exact(document: dict[str, Any]) -> dict[str, Any]:
    """Ninja's description with errors, and without what is not so."""
    document["components"].setdefault("schemas", {})["Problem"] = _PROBLEM
    document["components"]["responses"] = {}
    for path, method, operation in operations(document):
        for status in _statuses(path, method, operation):
            name = _declared(document, status)
            operation["responses"][str(status)] = {"$ref": f"#/components/responses/{name}"}
        answers = {str(code): one for code, one in operation["responses"].items()}
        operation["responses"] = dict(sorted(answers.items()))
        for parameter in operation.get("parameters", ()):
            # Ours to check, because a missing one has an answer of its own (428).
            parameter["required"] = parameter["required"] or _is_demanded(parameter)
        if not operation.get("parameters"):
            operation.pop("parameters", None)
    _without_titles(document["paths"])
    _without_titles(document["components"]["schemas"])
    return document


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every (path, method, operation)."""
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def _is_demanded(parameter: dict[str, Any]) -> bool:
    return parameter["name"] == "If-Match" and "left out" not in parameter.get("description", "")


def _statuses(path: str, method: str, operation: dict[str, Any]) -> set[int]:
    """The errors that an operation can answer with."""
    found = {400, 429}
    has_body = "requestBody" in operation
    parameters = operation.get("parameters", ())
    versioned = any(one["name"] == "If-Match" for one in parameters)
    if operation.get("security"):
        found |= {401, 403}
    if "{" in path or path.endswith(("poll", "redeem", "accept", "accounts", "reopen")):
        found.add(404)
    if has_body or parameters:
        found.add(422)
    if has_body:
        found |= {413, 415}
    if method != "get":
        found |= {409, 415}
    if path.endswith(("signing-input", "diff", "keyset", "{publish}")):
        found.add(409)
    if versioned:
        found |= {412, 428}
    return found


def _declared(document: dict[str, Any], status: int) -> str:
    """The shared answer of a status, by its name in the description."""
    phrase = HTTPStatus(status).phrase
    name = "".join(word for word in phrase.title() if word.isalpha())
    shape = {"schema": {"$ref": "#/components/schemas/Problem"}}
    document["components"]["responses"][name] = {"description": phrase, "content": {CONTENT_TYPE: shape}}
    return name


def _without_titles(node: Any) -> None:
    """Drop titles that repeat a member's name, and defaults that are not JSON."""
    if isinstance(node, list):
        for one in node:
            _without_titles(one)
        return
    if not isinstance(node, dict):
        return
    if isinstance(node.get("title"), str) and ("type" in node or "$ref" in node or "items" in node):
        node.pop("title")
    if "default" in node and node["default"] is None:
        node.pop("default")
    for one in node.values():
        _without_titles(one)
