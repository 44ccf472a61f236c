"""Paths of lineage: questions about the graph, and edges that are written."""

from __future__ import annotations

from headwater.api.openapi.component import Schema, ref
from headwater.api.openapi.operation import (
    AS_OF,
    FQN,
    MOMENT,
    PRODUCER,
    TEXT,
    Operation,
    answer,
    choice,
    json_body,
    number,
    operation,
    parameter,
)
from headwater.lineage.kind import known_kinds

_NODE = parameter("id", "The node's id.", TEXT, where="path")
_NAME = parameter("fqn", "The node's FQN, `kind:fqn`, or its id.", TEXT, required=True)
_AFTER = parameter("after", "Cursor that the page before answered.", TEXT)
_STEPS = number(1, 0, 100)
_AROUND = [
    parameter("upstream", "Steps against the flow of data.", _STEPS),
    parameter("downstream", "Steps with the flow of data.", _STEPS),
]
_EDGES = parameter("limit", "The most edges in each direction.", number(1000, 1, 10_000))
_NOT_UNIQUE = "404 409"


def lineage_paths() -> dict[str, dict[str, Operation]]:
    """The path items of lineage, below the API's base."""
    kind = parameter("kind", "An entity's or part's kind.", _any_kind(), where="path")
    return {
        "/lineage/{kind}/{id}": {"get": _walk("getLineage", [kind, _NODE])},
        "/lineage/{kind}/name/{fqn}": {"get": _walk("getLineageByName", [kind, FQN])},
        "/lineage/{kind}/{id}/neighbours": {"get": _neighbours([kind, _NODE])},
        "/lineage/impact": {"get": _impact()},
        "/lineage/tagged": {"get": _tagged()},
        "/lineage/trained-on": {"get": _trained_on()},
        "/lineage/path": {"get": _path()},
        "/lineage/diff": {"get": _diff()},
        "/lineage/roots": {"get": _roots()},
        "/lineage/cycles": {"get": _cycles()},
        "/lineage/edges": _edges(),
        "/lineage/producers/{producer}": {"put": _replace_edges()},
        "/lineage/mlmodels/{id}": {"post": _add_mlmodel_lineage()},
    }


def _any_kind() -> Schema:
    return {"type": "string", "enum": sorted(known_kinds())}


def _kind() -> Schema:
    return parameter("kind", "Its kind, where the FQN alone is not unique.", _any_kind())


def _level(*options: str) -> Schema:
    about = "How fine the answer is; unless said, `column` of a part and `entity` of an entity."
    return parameter("level", about, {"type": "string", "enum": list(options)})


def _walk(name: str, where: list[Schema]) -> Operation:
    return operation(
        name, "lineage", "Read the graph around a node.",
        parameters=[*where, *_AROUND, _level("entity", "feature", "column"), AS_OF, _EDGES],
        answers=answer("The graph.", ref("Lineage")), problems="404",
    )  # fmt: skip


def _neighbours(where: list[Schema]) -> Operation:
    return operation(
        "listNeighbours", "lineage", "List a node's neighbours page by page.",
        parameters=[
            *where,
            parameter("direction", "Which neighbours.", choice("downstream", "upstream")),
            _level("entity", "feature", "column"),
            AS_OF,
            parameter("limit", "The most to answer.", number(100, 1, 1000)),
            _AFTER,
        ],
        answers=answer("One page.", ref("NodePage")), problems="404",
    )  # fmt: skip


def _reach(stage: str, *, up: bool = False) -> list[Schema]:
    steps = f"Steps {'against' if up else 'with'} the flow of data."
    return [
        parameter("depth", steps, number(100, 0, 100)),
        parameter("stage", stage, TEXT),
        parameter("limit", "The most to list, of each list.", number(1000, 1, 10_000)),
    ]


def _impact() -> Operation:
    tag = "In place of `fqn`: a tag or classification (any tag of it), followed from what has it."
    way = "Masking steps end its way. It is followed from what carries it now: no asOf, no drop."
    drop = "Tell all that breaks when it is dropped, and what is broken already."
    return operation(
        "getImpact", "lineage",
        "Find the models and versions that a column, table, feature or tag reaches.",
        parameters=[
            parameter("fqn", "The node's FQN, `kind:fqn`, or its id.", TEXT),
            _kind(),
            parameter("tag", f"{tag} {way}", TEXT),
            *_reach("Only versions in this stage, and models that have one there."),
            AS_OF,
            parameter("drop", drop, {"type": "boolean", "default": False}),
        ],
        answers=answer("The models, with a path for each.", ref("Impact")), problems=_NOT_UNIQUE,
    )  # fmt: skip


def _tagged() -> Operation:
    stage = "Of a model: only the versions in this stage, and the model if it has one there."
    return operation(
        "listTaggedSources", "lineage",
        "Find the tagged data that a model, or any other node, is made from.",
        parameters=[
            _NAME,
            _kind(),
            parameter("tag", "A tag, or a classification: any tag of it.", TEXT, required=True),
            *_reach(stage, up=True),
        ],
        answers=answer("The data, with a path for each.", ref("TaggedSources")),
        problems=_NOT_UNIQUE,
    )  # fmt: skip


def _trained_on() -> Operation:
    ended = "Milliseconds since the epoch, or ISO 8601 (UTC unless it has an offset)."
    return operation(
        "listTrainedOn", "lineage",
        "Find the versions of models that were trained on a table or column.",
        parameters=[
            _NAME,
            _kind(),
            parameter("from", f"Only trainings that ended then or later. {ended}", TEXT),
            parameter(
                "to", f"Only trainings that ended then or earlier. {ended} A date: its end.", TEXT
            ),
            *_reach("Only versions in this stage."),
        ],
        answers=answer("The versions, with a path for each.", ref("TrainedOn")),
        problems=_NOT_UNIQUE,
    )  # fmt: skip


def _path() -> Operation:
    ends = "An FQN, `kind:fqn`, or an id."
    level = "Columns and features, whole entities, or the finer way if there is one."
    moment = f"{MOMENT} Not a version, because each end has its own."
    return operation(
        "getLineagePath", "lineage", "Find the shortest way that data takes between two nodes.",
        parameters=[
            parameter("from", f"Where the data comes from. {ends}", TEXT, required=True),
            parameter("to", f"Where it goes. {ends}", TEXT, required=True),
            parameter("level", level, choice("any", "column", "entity")),
            parameter("asOf", moment, TEXT),
        ],
        answers=answer("The path, or that there is none.", ref("LineagePath")),
        problems=_NOT_UNIQUE,
    )  # fmt: skip


def _diff() -> Operation:
    version = "`version:0.3` is of the node's entity."
    return operation(
        "diffLineage", "lineage", "Tell what changed in the graph around a node.",
        parameters=[
            _NAME,
            _kind(),
            parameter("from", f"The earlier moment. {MOMENT} {version}", TEXT, required=True),
            parameter("to", f"The later moment; now unless said. {MOMENT} {version}", TEXT),
            *_AROUND,
            _level("entity", "feature", "column"),
            _EDGES,
        ],
        answers=answer("What is new, gone or changed.", ref("LineageDiff")),
        problems=_NOT_UNIQUE,
    )  # fmt: skip


def _roots() -> Operation:
    return operation(
        "listLineageRoots", "lineage", "Find what nothing feeds, among all that feeds a node.",
        parameters=[
            *_analysis("Steps against the flow of data."),
            parameter("limit", "The most to list.", number(1000, 1, 10_000)),
        ],
        answers=answer("Where the data begins.", ref("LineageRoots")), problems=_NOT_UNIQUE,
    )  # fmt: skip


def _cycles() -> Operation:
    return operation(
        "listLineageCycles", "lineage", "Find circles of data, among all that a node reaches.",
        parameters=[
            *_analysis("Steps with the flow of data."),
            parameter("limit", "The most to list.", number(100, 1, 10_000)),
        ],
        answers=answer("The circles, the shortest first.", ref("LineageCycles")),
        problems=_NOT_UNIQUE,
    )  # fmt: skip


def _analysis(steps: str) -> list[Schema]:
    depth = parameter("depth", steps, number(100, 0, 100))
    return [_NAME, _kind(), _level("entity", "column"), depth, AS_OF]


def _edges() -> dict[str, Operation]:
    edge = json_body(ref("AddLineage"))
    ends = answer("The edge's two ends.", ref("LineageAnswer"))
    return {
        "put": operation(
            "putLineageEdge", "lineage", "Hold that one node feeds another.",
            parameters=[PRODUCER], body=edge, answers=ends, problems="409",
        ),
        "delete": operation(
            "deleteLineageEdge", "lineage", "Close what is asserted between two nodes.",
            parameters=[PRODUCER], body=edge, answers=ends, problems=_NOT_UNIQUE,
        ),
    }  # fmt: skip


def _replace_edges() -> Operation:
    name = "The producer, percent-encoded: the caller's own."
    return operation(
        "replaceProducerEdges", "lineage",
        "Hold a producer's edges in place of those that it said before, in one commit.",
        parameters=[parameter("producer", name, TEXT, where="path"), PRODUCER],
        body=json_body(ref("EdgeSet")),
        answers=answer("What was opened and closed.", ref("EdgeSetAnswer")), problems="409",
    )  # fmt: skip


def _add_mlmodel_lineage() -> Operation:
    return operation(
        "addMlModelLineage", "lineage",
        "Derive a model's edges from its feature sources, suppressed ones too.",
        parameters=[_NODE, PRODUCER],
        answers=answer("The model's lineage.", ref("Lineage")), problems="404 409 422",
    )  # fmt: skip
