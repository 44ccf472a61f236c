"""Paths of models and their versions: stages, aliases, selection, contents, comparison."""

from __future__ import annotations

from headwater.api.openapi.component import Schema, ref
from headwater.api.openapi.operation import (
    AFTER_NUMBER,
    AS_OF,
    FLAG,
    ID,
    IF_NONE_MATCH,
    NOT_MODIFIED,
    PRODUCER,
    TEXT,
    Operation,
    answer,
    json_body,
    number,
    operation,
    parameter,
)

MODEL = "mlmodel"
VERSION = "modelVersion"
_ALIAS = parameter("alias", "Such as `champion`; no stage, no number.", TEXT, where="path")
_PROTECTED = parameter(
    "protected", "Whether it moves and goes by force only; as before unless given.",
    {"type": "boolean"},
)  # fmt: skip
_FORCE = parameter("force", "Although the alias is protected.", FLAG)
_LIMIT = parameter("limit", "The most to answer.", number(100, 1, 1000))
_WORDS: Schema = {"type": "array", "items": TEXT, "minItems": 2, "maxItems": 20}


def model_paths() -> dict[str, dict[str, Operation]]:
    """The path items of models and their versions, below the API's base."""
    version = answer("The version.", ref("ModelVersion"), etag=True)
    found = {**version, **NOT_MODIFIED}
    which = "`latest`, a stage, an alias, a name or a number: the first of these that there is."
    selector = parameter("selector", which, TEXT, where="path")
    return {
        "/modelVersions/{id}/stage": {
            "post": operation(
                "moveModelVersion", "modelVersions",
                "Move a version to a stage; into production, the model takes on its values.",
                parameters=[ID, PRODUCER], body=json_body(ref("MoveStage")),
                answers=version, problems="404 409",
            )
        },
        "/modelVersions/{id}/aliases/{alias}": {
            "put": operation(
                "setModelVersionAlias", "modelVersions",
                "Give a version an alias; the version of the model that had it loses it.",
                parameters=[ID, _ALIAS, _PROTECTED, _FORCE, PRODUCER],
                answers=version, problems="404 409 422",
            ),
            "delete": operation(
                "deleteModelVersionAlias", "modelVersions", "Take an alias from a version.",
                parameters=[ID, _ALIAS, _FORCE, PRODUCER],
                answers=version, problems="404 409",
            ),
        },
        "/modelVersions/select": {
            "get": operation(
                "selectModelVersionByName", "modelVersions",
                "Find the version of a model that a word means, by the model's name.",
                parameters=[
                    parameter("model", "FQN or id of the model.", TEXT, required=True),
                    parameter("selector", which, TEXT, required=True),
                    AS_OF, IF_NONE_MATCH,
                ],
                answers=found, problems="404",
            )
        },
        "/mlmodels/{id}/modelVersions/{selector}": {
            "get": operation(
                "selectModelVersion", "mlmodels", "Find the version of a model that a word means.",
                parameters=[ID, selector, AS_OF, IF_NONE_MATCH], answers=found, problems="404",
            )
        },
        "/mlmodels/{id}/lifecycle": {"get": _lifecycle()},
        "/mlmodels/{id}/modelVersions": {
            "post": operation(
                "addModelVersion", "mlmodels",
                "Make a version of a model, named by its number unless the request has a name,"
                " which a soft-deleted one frees: that is renamed, and can be restored.",
                parameters=[ID, PRODUCER], body=json_body(ref("AddModelVersion")),
                answers=answer("The version.", ref("ModelVersion"), status="201", etag=True),
                problems="404 409",
            )
        },
        "/mlmodels/{id}/compare": {
            "get": operation(
                "compareModelVersions", "mlmodels",
                "Set versions side by side: what was logged, parameters, features, data.",
                parameters=[
                    ID, parameter("version", "Two to twenty; each " + which, _WORDS, required=True)
                ],
                answers=answer("Row by row.", ref("ModelComparison")), problems="404",
            )
        },
        "/modelVersions/{id}/runs": {
            "get": operation(
                "listModelVersionRuns", "modelVersions",
                "List the runs that made or used a version, the last to start first.",
                parameters=[ID, _LIMIT, AFTER_NUMBER],
                answers=answer("One page.", ref("PipelineRunPage")), problems="404",
            )
        },
        "/modelVersions/{id}/artifacts": {
            "get": operation(
                "listModelVersionArtifacts", "modelVersions",
                "List the artifacts that belong to a version, the last to be written first.",
                parameters=[
                    ID, parameter("type", "Only those of this type.", ref("ArtifactType")),
                    _LIMIT, AFTER_NUMBER,
                ],
                answers=answer("One page.", ref("LinkedArtifactPage")), problems="404",
            )
        },
        "/modelVersions/{id}/sourceChanges": {
            "get": operation(
                "getModelVersionSourceChanges", "modelVersions",
                "Tell what changed in the data of a version since it was trained, by column.",
                parameters=[ID], answers=answer("The changes.", ref("SourceChanges")),
                problems="404",
            )
        },
    }  # fmt: skip


def _lifecycle() -> Operation:
    at = "When: ISO 8601 (UTC without an offset) or milliseconds since the epoch; now unless given."
    pages = {"anyOf": [ref("RecordPage"), ref("VersionPointers")]}
    return operation(
        "getLifecycle", "mlmodels",
        "List how a model's versions moved, newest first; or which were in a stage at a time.",
        parameters=[
            ID,
            parameter("stage", "Answer the versions in it, all at once.", TEXT),
            parameter("at", at, TEXT),
            _LIMIT, AFTER_NUMBER,
        ],
        answers=answer("One page of moves, or the versions.", pages), problems="404",
    )  # fmt: skip
