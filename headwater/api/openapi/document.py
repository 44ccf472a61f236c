"""The whole description, and the paths that do not belong to one kind."""

from __future__ import annotations

from collections import Counter
from typing import Any

from headwater.api.openapi.component import components, ref
from headwater.api.openapi.entity_path import entity_paths
from headwater.api.openapi.lineage_path import lineage_paths
from headwater.api.openapi.model_path import model_paths
from headwater.api.openapi.operation import (
    TEXT,
    Operation,
    answer,
    operation,
    parameter,
    problem_responses,
)
from headwater.api.openapi.record_path import bulk_record_paths
from headwater.api.openapi.search_path import search_paths
from headwater.api.openapi.token_path import TOKEN, token_paths
from headwater.errors import InvalidInputError
from headwater.schemas import kinds
from headwater.schemas.registry import kept_with_schemas
from headwater.version import __version__

API = "/api/v1"
_GROUPS = {
    "lineage": "What is made from what: entities, columns and features.",
    "search": "Finding entities by words, facets and names.",
    "records": "What is measured again and again, of many entities at once.",
    "events": "What happened, in order and without a gap.",
    "tokens": "Who may call, once sign-in is on; for admins.",
    "system": "The server itself, and the schemas of the kinds.",
}


@kept_with_schemas
def openapi_document() -> dict[str, Any]:
    """The description of the API in OpenAPI 3.1. Shared: not to be changed.

    Raises:
        InvalidInputError: An organisation's kind has a name that the API needs.
    """
    paths: dict[str, dict[str, Operation]] = {}
    for kind in kinds().values():
        paths |= entity_paths(kind)
    paths |= lineage_paths() | search_paths() | model_paths() | bulk_record_paths()
    paths |= token_paths() | _system_paths()
    _check_names(paths)
    etag = {"description": "Names this state of the entity.", "schema": TEXT}
    uuid = {"type": "string", "format": "uuid"}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Headwater",
            "version": __version__,
            "description": "Know where every model's data comes from.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [{"name": k.collection, "description": k.description} for k in kinds().values()]
        + [{"name": name, "description": about} for name, about in _GROUPS.items()],
        "security": [{"token": []}, {}],
        "paths": {API + path: item for path, item in paths.items()},
        "components": {
            "schemas": {"Uuid": uuid, **components()},
            "responses": problem_responses(),
            "headers": {"ETag": etag},
            "securitySchemes": {"token": TOKEN},
        },
    }


def _check_names(paths: dict[str, dict[str, Operation]]) -> None:
    names = Counter(each["operationId"] for item in paths.values() for each in item.values())
    taken = sorted(name for name, times in names.items() if times > 1)
    if taken:
        raise InvalidInputError(
            f"two operations of the API would be named {', '.join(taken)}; a kind needs another"
            " title"
        )


def _system_paths() -> dict[str, dict[str, Operation]]:
    kind = parameter("kind", "A kind, collection, title or file.", TEXT, where="path")
    return {
        "/health": {
            "get": operation(
                "getHealth", "system", "Tell whether server and store work.",
                answers=answer("They do.", ref("Health")), problems="", is_open=True,
            )
        },
        "/schemas": {
            "get": operation(
                "listKinds", "system", "List the kinds.",
                answers=answer("All of them.", ref("KindPage")), problems="",
            )
        },
        "/schemas/{kind}": {
            "get": operation(
                "getSchema", "system", "Read a JSON Schema (draft 2020-12).",
                parameters=[kind], answers=answer("The schema.", {"type": "object"}),
                problems="404",
            )
        },
    }  # fmt: skip
