"""Schemas of the description: those of the kinds, and those of answers that no kind has."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from headwater.api.form import form_schemas
from headwater.errors import InvalidInputError
from headwater.schemas import documents, kinds, schema_document

Schema = dict[str, Any]

COMPONENTS = "#/components/schemas/"
_HEAD = ("$schema", "$id", "$defs")
_ACTIONS = ("created", "updated", "unchanged")


def ref(name: str) -> Schema:
    """A reference to a component."""
    return {"$ref": COMPONENTS + name}


def components() -> dict[str, Schema]:
    """Every schema by the name that it has below ``components``.

    Schema files and their definitions have names that are unique among all (the schema check sees
    to it), so each becomes a component of its own.

    Raises:
        InvalidInputError: A schema has the name of an answer.
    """
    out: dict[str, Schema] = {}
    for file in documents():
        document = schema_document(file)
        for name, definition in document.get("$defs", {}).items():
            out[name] = _within(definition, file)
        if "properties" in document:
            own = {key: value for key, value in document.items() if key not in _HEAD}
            out[document["title"]] = _within(own, file)
    answers = form_schemas() | _answers() | {"AddModelVersion": _without_parent(out)}
    for kind in kinds().values():
        answers |= _of_kind(kind.title)
    if taken := sorted(out.keys() & answers.keys()):
        raise InvalidInputError(
            f"{taken[0]!r} is the name of one of the API's own answers; a schema's titles and"
            " definitions need others"
        )
    return dict(sorted((out | answers).items()))


def _without_parent(schemas: dict[str, Schema]) -> Schema:
    """A version to be made of the model that the path names; it may do without a name."""
    create = schemas["CreateModelVersion"]
    properties = {n: about for n, about in create["properties"].items() if n != "mlmodel"}
    kept = {key: value for key, value in create.items() if key != "required"}
    return kept | {"title": "AddModelVersion", "properties": properties}


def _of_kind(title: str) -> dict[str, Schema]:
    data = {"type": "array", "items": ref(title)}
    return {
        f"{title}Page": {
            "type": "object",
            "required": ["data", "paging"],
            "properties": {"data": data, "paging": ref("Paging")},
        },
        f"{title}BulkResult": {
            "type": "object",
            "required": ["data", "actions", "failed", *_ACTIONS],
            "properties": {
                "data": {**data, "description": "Those that were written, in the given order."},
                "actions": {
                    "type": "array",
                    "items": {"enum": [*_ACTIONS]},
                    "description": "What became of each of `data`.",
                },
                "failed": {"type": "array", "items": ref("BulkFailure")},
                **{n: {"type": "integer"} for n in _ACTIONS},
            },
        },
    }


def _answers() -> dict[str, Schema]:
    found: dict[str, Schema] = {}
    for name in ("answers.json", "lineage.json"):
        found |= json.loads((files("headwater.api.openapi") / name).read_text(encoding="utf-8"))
    return found


def _within(value: Any, file: str) -> Any:
    """A copy of a schema with its references as this description spells them."""
    if isinstance(value, list):
        return [_within(inner, file) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _spelled(inner, file) if key == "$ref" else _within(inner, file)
        for key, inner in value.items()
    }


def _spelled(target: str, file: str) -> str:
    other, _, pointer = target.partition("#")
    name = pointer.rpartition("/")[2] or schema_document(other or file)["title"]
    return COMPONENTS + str(name)
