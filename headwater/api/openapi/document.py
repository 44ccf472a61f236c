"""The whole description, and the paths that do not belong to one kind."""

from __future__ import annotations

from functools import cache
from typing import Any

from headwater.api.openapi.component import Schema, components, ref
from headwater.api.openapi.entity_path import entity_paths
from headwater.api.openapi.operation import (
    AS_OF,
    FQN,
    PRODUCER,
    TEXT,
    Operation,
    answer,
    choice,
    json_body,
    number,
    operation,
    parameter,
    problem_responses,
)
from headwater.lineage.node import known_kinds
from headwater.schemas import kinds
from headwater.version import __version__

API = "/api/v1"
_NODE = parameter("id", "The node's id.", TEXT, where="path")
_LEVEL = parameter("level", "How fine the answer is.", choice("entity", "feature", "column"))
_AFTER = parameter("after", "Cursor that the page before answered.", TEXT)


@cache
def openapi_document() -> dict[str, Any]:
    """The description of the API in OpenAPI 3.1. Shared: not to be changed."""
    paths: dict[str, dict[str, Operation]] = {}
    for kind in kinds().values():
        paths |= entity_paths(kind)
    paths |= _lineage_paths() | _system_paths()
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
        + [{"name": "lineage"}, {"name": "system"}],
        "paths": {API + path: item for path, item in paths.items()},
        "components": {
            "schemas": {"Uuid": uuid, **components()},
            "responses": problem_responses(),
            "headers": {"ETag": etag},
        },
    }


def _lineage_paths() -> dict[str, dict[str, Operation]]:
    edge = json_body(ref("AddLineage"))
    edge_answer = answer("The edge's two ends.", ref("LineageAnswer"))
    kind = parameter("kind", "An entity's or part's kind.", _any_kind(), where="path")
    return {
        "/lineage/{kind}/{id}": {"get": _walk("getLineage", [kind, _NODE])},
        "/lineage/{kind}/name/{fqn}": {"get": _walk("getLineageByName", [kind, FQN])},
        "/lineage/{kind}/{id}/neighbours": {"get": _neighbours([kind, _NODE])},
        "/lineage/impact": {"get": _impact()},
        "/lineage/edges": {
            "put": operation(
                "putLineageEdge", "lineage", "Hold that one node feeds another.",
                parameters=[PRODUCER], body=edge, answers=edge_answer, problems="409",
            ),
            "delete": operation(
                "deleteLineageEdge", "lineage", "Close what is asserted between two nodes.",
                parameters=[PRODUCER], body=edge, answers=edge_answer, problems="404 409",
            ),
        },
        "/lineage/mlmodels/{id}": {
            "post": operation(
                "addMlModelLineage", "lineage",
                "Derive a model's edges from its feature sources, suppressed ones too.",
                parameters=[_NODE, PRODUCER],
                answers=answer("The model's lineage.", ref("Lineage")), problems="404 409 422",
            )
        },
    }  # fmt: skip


def _any_kind() -> Schema:
    return {"type": "string", "enum": sorted(known_kinds())}


def _walk(name: str, where: list[Schema]) -> Operation:
    steps = number(1, 0, 100)
    return operation(
        name, "lineage", "Read the graph around a node.",
        parameters=[
            *where,
            parameter("upstream", "Steps against the flow of data.", steps),
            parameter("downstream", "Steps with the flow of data.", steps),
            _LEVEL,
            AS_OF,
            parameter("limit", "The most edges in each direction.", number(1000, 1, 10_000)),
        ],
        answers=answer("The graph.", ref("Lineage")), problems="404",
    )  # fmt: skip


def _neighbours(where: list[Schema]) -> Operation:
    return operation(
        "listNeighbours", "lineage", "List a node's neighbours page by page.",
        parameters=[
            *where,
            parameter("direction", "Which neighbours.", choice("downstream", "upstream")),
            _LEVEL,
            parameter("limit", "The most to answer.", number(100, 1, 1000)),
            _AFTER,
        ],
        answers=answer("One page.", ref("NodePage")), problems="404",
    )  # fmt: skip


def _impact() -> Operation:
    return operation(
        "getImpact", "lineage", "Find the models that a column, table or feature reaches.",
        parameters=[
            parameter("fqn", "The node's FQN, or `kind:fqn`.", TEXT, required=True),
            parameter("kind", "Its kind, where the FQN alone is not unique.", _any_kind()),
            parameter("depth", "Steps with the flow of data.", number(8, 0, 100)),
            AS_OF,
            parameter("limit", "The most edges to follow.", number(10_000, 1, 10_000)),
        ],
        answers=answer("The models, with a path for each.", ref("Impact")), problems="404 409",
    )  # fmt: skip


def _system_paths() -> dict[str, dict[str, Operation]]:
    number_after = parameter("after", "Number of the last event known.", number(0, 0, 2**53 - 1))
    limit = parameter("limit", "The most to answer.", number(100, 1, 1000))
    kind = parameter("kind", "A kind or collection.", TEXT, where="path")
    return {
        "/health": {
            "get": operation(
                "getHealth", "system", "Tell whether server and store work.",
                answers=answer("They do.", ref("Health")), problems="",
            )
        },
        "/events": {
            "get": operation(
                "listEvents", "system", "List what happened, oldest first.",
                parameters=[number_after, limit],
                answers=answer("One page; `after` is there at the end too.", ref("EventPage")),
                problems="",
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
                "getSchema", "system", "Read a kind's JSON Schema (draft 2020-12).",
                parameters=[kind], answers=answer("The schema.", {"type": "object"}),
                problems="404",
            )
        },
    }  # fmt: skip
