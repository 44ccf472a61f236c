"""From the schema that people write to the one that machines enforce. Pure functions over JSON.

An entity's file holds only its own properties. Expansion adds the common ones, derives the create
request (everything that is not ``readOnly``), and lets every optional property be ``null``, which
on the wire means "not given" or, in a merge, "remove".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

# Server-set properties that an entity may lack; every other one is always answered.
SOMETIMES = {"changeDescription", "deleted"}


def is_kind(schema: Mapping[str, Any]) -> bool:
    """Whether an authored document describes a kind: not a type, nor custom properties."""
    return "kind" in schema.get("x-headwater", {})


def extensions(documents: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The files that describe custom properties, by the kind that they are for."""
    out: dict[str, str] = {}
    for file, document in documents.items():
        kind = document.get("x-headwater", {}).get("extends")
        if kind is not None:
            out.setdefault(kind, file)
    return out


def expand(schema: Schema, common: Schema, *, extension: str | None = None) -> Schema:
    """Return the enforced form of one authored schema document.

    Args:
        schema: An authored document, valid against the meta-schema.
        common: ``common.json`` as authored.
        extension: The file that describes the custom properties of the kind.
    """
    if extension is not None:
        common = _with_extension(common, extension)
    if schema["title"] == common["title"]:
        defs = {k: v for k, v in schema["$defs"].items() if k != "entityProperties"}
        head = {key: schema[key] for key in ("$schema", "$id")}
        objects = {name: each for name, each in defs.items() if "properties" in each}
        return {**head, "$defs": {name: _open(each, defs, defs) for name, each in objects.items()}}
    own, shared = schema.get("$defs", {}), common["$defs"]
    defs = {name: _open(each, own, shared) for name, each in own.items() if not _is_text(each)}
    if not is_kind(schema):
        out = {key: value for key, value in schema.items() if key != "$defs"}
    else:
        create = "Create" + schema["title"]
        defs[create] = _open(_create_request(schema, common), own, shared)
        out = _entity(schema, common)
    out = _open(out, own, shared)
    return {**out, "$defs": defs} if defs else out


def _with_extension(common: Schema, file: str) -> Schema:
    """``common.json`` with its ``extension`` described by a file."""
    shared = common["$defs"]["entityProperties"]
    described = {"$ref": file, "description": shared["properties"]["extension"]["description"]}
    properties = {**shared["properties"], "extension": described}
    defs = {**common["$defs"], "entityProperties": {**shared, "properties": properties}}
    return {**common, "$defs": defs}


def _entity(schema: Schema, common: Schema) -> Schema:
    shared = common["$defs"]["entityProperties"]["properties"]
    own_required = [n for n in schema.get("required", []) if n != "name"]
    parent = schema["x-headwater"].get("parent")
    if parent and parent not in own_required:
        own_required.append(parent)
    always = [n for n, p in shared.items() if p.get("readOnly") and n not in SOMETIMES]
    return {
        **{k: schema[k] for k in ("$schema", "$id", "title", "description", "type")},
        "additionalProperties": False,
        "required": ["name", *always, *own_required],
        "properties": {**_absolute(shared), **schema["properties"]},
    }


def _create_request(schema: Schema, common: Schema) -> Schema:
    shared = common["$defs"]["entityProperties"]["properties"]
    properties = {**_absolute(shared), **schema["properties"]}
    return {
        "title": "Create" + schema["title"],
        "description": f"Request to create or update a {schema['title']}.",
        "type": "object",
        "additionalProperties": False,
        "required": ["name", *[n for n in schema.get("required", []) if n != "name"]],
        "properties": {n: p for n, p in properties.items() if not p.get("readOnly")},
    }


def _absolute(properties: Mapping[str, Schema]) -> dict[str, Schema]:
    """Properties of ``common.json`` as another document must spell their references."""

    def spelled(prop: Schema) -> Schema:
        if prop.get("$ref", "").startswith("#"):
            return {**prop, "$ref": "common.json" + prop["$ref"]}
        return {**prop, "items": spelled(prop["items"])} if "items" in prop else prop

    return {name: spelled(prop) for name, prop in properties.items()}


def _is_text(definition: Schema) -> bool:
    return definition["type"] == "string" and "enum" not in definition


def _open(definition: Schema, own: Mapping[str, Schema], shared: Mapping[str, Schema]) -> Schema:
    """Inline references to plain strings, drop annotations, and let what is optional be null."""
    properties: Mapping[str, Schema] | None = definition.get("properties")
    if properties is None:
        return definition
    required = definition.get("required", [])
    plain = {name: _inline(prop, own, shared) for name, prop in properties.items()}
    opened = {n: prop if n in required else _or_null(prop) for n, prop in plain.items()}
    rest = {key: value for key, value in definition.items() if key != "x-headwater"}
    return {**rest, "properties": opened}


def _inline(prop: Schema, own: Mapping[str, Schema], shared: Mapping[str, Schema]) -> Schema:
    prop = {key: value for key, value in prop.items() if key != "x-headwater"}
    if "items" in prop:
        return {**prop, "items": _inline(prop["items"], own, shared)}
    file, _, pointer = prop.get("$ref", "").partition("#")
    target = (shared if file == "common.json" else own).get(pointer.rpartition("/")[2])
    if not pointer or target is None or not _is_text(target):
        return prop
    return {**target, **{key: value for key, value in prop.items() if key != "$ref"}}


def _or_null(prop: Schema) -> Schema:
    if isinstance(prop.get("type"), str):
        return {**prop, "type": [prop["type"], "null"]}
    if "$ref" not in prop:  # any JSON value: null is in already
        return prop
    about = {k: v for k, v in prop.items() if k != "$ref"}
    return {**about, "anyOf": [{"$ref": prop["$ref"]}, {"type": "null"}]}


def accept_reference_strings(common: Schema) -> Schema:
    """``common.json`` with an FQN string allowed where an EntityReference is.

    The generated class takes the string in its base class; code generation therefore sees the
    object alone, and everybody else sees this form.
    """
    defs = dict(common["$defs"])
    spelled = defs["EntityReference"]
    defs["EntityReference"] = {
        "title": spelled["title"],
        "description": spelled["description"],
        "anyOf": [
            {k: v for k, v in spelled.items() if k not in ("title", "description")},
            {"type": "string", "minLength": 1},
        ],
    }
    return {**common, "$defs": defs}
