"""What authored schemas may not say, and that those which ship say none of it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from headwater.schemas import check_schemas, documents
from headwater.schemas.registry import BASE, enforced
from headwater.schemas.validate import validator

Path = tuple[str, ...]
DELETE = object()


def changed(file: str, path: Path, value: Any) -> dict[str, Any]:
    """The shipped documents with one value set, or deleted."""
    out = copy.deepcopy(documents())
    parent = out[file]
    for step in path[:-1]:
        parent = parent[step]
    if value is DELETE:
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    return out


def prop(name: str, *rest: str) -> Path:
    return ("properties", name, *rest)


def about(name: str, *rest: str) -> Path:
    return ("properties", name, "x-headwater", *rest)


UUID = {"$ref": "common.json#/$defs/Uuid", "description": "An id."}
REFERENCE = {"$ref": "common.json#/$defs/EntityReference", "description": "A table."}
TEXT = {"type": "string", "description": "Text."}

UNENFORCED = [
    ("table.json", prop("viewDefinition", "format"), "uri"),
    ("table.json", prop("viewDefinition", "default"), ""),
    ("table.json", prop("viewDefinition", "type"), ["string", "integer"]),
    ("table.json", prop("viewDefinition", "enum"), ["SELECT"]),
    ("table.json", prop("columns", "uniqueItems"), True),
    ("table.json", prop("rows"), {"type": "number", "description": "Rows."}),
    ("table.json", prop("rows"), {"type": "integer", "multipleOf": 10, "description": "Rows."}),
    ("table.json", prop("rows"), {"type": "integer"}),
    ("table.json", prop("Rows"), {"type": "integer", "description": "Rows."}),
    ("table.json", prop("rows\n"), {"type": "integer", "description": "Rows."}),
    ("table.json", ("$defs", "TableType", "enum"), ["a\n"]),
    ("common.json", ("$defs", "Uuid", "pattern"), "^a$\n"),
    ("table.json", prop("grid"), {"type": "array", "items": {"type": "array"}, "description": "x"}),
    ("table.json", ("additionalProperties",), True),
    ("table.json", ("patternProperties",), {}),
    ("table.json", ("x-headwater", "plural"), "tables"),
    ("table.json", about("columns", "keyed"), "name"),
    ("table.json", ("$defs", "TableType", "enum"), [1]),
    ("common.json", ("$defs", "Uuid", "pattern"), "[0-9a-f]+"),
    ("common.json", ("$defs", "Uuid", "pattern"), r"^\w+$"),
    ("common.json", ("$defs", "Uuid", "pattern"), r"^.+$"),
    ("common.json", ("$defs", "Uuid", "pattern"), r"^(?!a)[a-z]$"),
    ("common.json", ("$defs", "Uuid", "pattern"), r"^a$|^b$"),
    ("common.json", ("$defs", "entityProperties", "properties", "deleted", "const"), True),
]  # fmt: skip

CONTRADICTORY = [
    ("table.json", ("title",), "Tables"),
    ("table.json", ("$id",), "https://headwater.dev/schemas/tables.json"),
    ("table.json", ("$defs", "TableType", "title"), "Type"),
    ("table.json", ("required",), ["databaseSchema", "rows"]),
    ("table.json", prop("databaseSchema", "readOnly"), True),
    ("table.json", prop("tableType", "$ref"), "#/$defs/Missing"),
    ("table.json", prop("tableType", "$ref"), "missing.json"),
    ("table.json", prop("tableType", "$ref"), ""),
    ("table.json", prop("viewDefinition"), {**TEXT, "minLength": 2, "maxLength": 1}),
    ("table.json", prop("viewDefinition"), {**TEXT, "x-headwater": {"reference": ["table"]}}),
    ("table.json", prop("viewDefinition"), {**TEXT, "x-headwater": {"keyedBy": "name"}}),
    ("table.json", prop("viewDefinition"), {**TEXT, "x-headwater": {"secret": True}}),
    ("table.json", prop("copy"), TEXT),
    ("table.json", prop("toWire"), TEXT),
    ("table.json", prop("viewDEFINITION"), TEXT),
    ("table.json", prop("origin"), REFERENCE),
    ("table.json", prop("origin"), {**REFERENCE, "x-headwater": {"reference": ["nothing"]}}),
    ("table.json", prop("origin"), {**REFERENCE, "x-headwater": {"default": "a"}}),
    ("table.json", about("columns"), {"keyedBy": "constraint"}),
    ("column.json", ("properties", "name"), {"type": "integer", "description": "A number."}),
    ("table.json", about("columns"), {"part": "column"}),
    ("table.json", about("columns", "part"), "table"),
    ("table.json", ("x-headwater", "kind"), "database"),
    ("table.json", ("x-headwater", "collection"), "schemas"),
    ("table.json", ("x-headwater", "collection"), "tabellen"),
    ("table.json", ("x-headwater", "parent"), "columns"),
    ("table.json", ("required",), []),
    ("table.json", about("databaseSchema", "reference"), ["databaseSchema", "database"]),
    ("database.json", about("service", "reference"), ["databaseSchema"]),
    ("column.json", prop("id"), UUID),
    ("column.json", prop("fullyQualifiedName"), TEXT),
    ("column.json", ("required",), ["dataType"]),
    ("column.json", ("$defs", "Constraint", "title"), "TableConstraint"),
    ("common.json", ("$defs", "Table"), {**TEXT, "title": "Table", "enum": ["a"]}),
]


def test_shipped_schemas_have_no_fault() -> None:
    assert check_schemas(documents()) == []


@pytest.mark.parametrize("file", documents())
def test_enforced_schema_is_json_schema(file: str) -> None:
    Draft202012Validator.check_schema(enforced()[file])


@pytest.mark.parametrize(("file", "path", "value"), UNENFORCED)
def test_keyword_that_is_not_enforced_by_both_is_refused(file: str, path: Path, value: Any) -> None:
    faults = check_schemas(changed(file, path, value))

    assert faults
    assert all(fault.startswith(f"headwater/schemas/{file}#") for fault in faults)


@pytest.mark.parametrize(("file", "path", "value"), CONTRADICTORY)
def test_schema_that_contradicts_the_others_is_refused(file: str, path: Path, value: Any) -> None:
    faults = check_schemas(changed(file, path, value))

    assert any(file.removesuffix(".json") in fault for fault in faults)


def test_fault_names_file_and_pointer() -> None:
    faults = check_schemas(changed("table.json", prop("tableType", "$ref"), "#/$defs/Missing"))

    assert faults == [
        "headwater/schemas/table.json#/properties/tableType: '#/$defs/Missing' names nothing"
    ]


def test_common_property_is_named_where_it_stands() -> None:
    path = ("$defs", "entityProperties", "properties", "version", "format")

    (fault,) = check_schemas(changed("common.json", path, "version"))

    where = "headwater/schemas/common.json#/$defs/entityProperties/properties/version: "
    assert fault.startswith(where)


SAID = [
    (prop("viewDefinition", "format"), "uri", "'format' is not allowed here; allowed are type, "),
    (prop("viewDefinition", "default"), "", "'default' is not allowed here; allowed are type, "),
    (prop("viewDefinition", "type"), ["string", "null"], "type: ['string', 'null'] is not one of"),
    (about("columns", "keyed"), "name", "/x-headwater: 'keyed' is not allowed here; allowed are"),
    (about("columns", "major"), ["changed"], "/major/0: 'changed' is not one of ['added', "),
    (prop("columns", "items"), {"type": "integer"}, "/items: type: 'integer' is not one of string"),
    (prop("columns", "items"), "column", "/items: 'column' is no schema"),
    (prop("viewDefinition", "pattern"), "a+", "it starts with ^ and ends with $"),
    (prop("kindOf"), {"$ref": "nothing", "description": "x"}, "is not a reference such as"),
    (prop("Rows"), TEXT, "'Rows' is not a name in camelCase"),
]


@pytest.mark.parametrize(("path", "value", "said"), SAID)
def test_fault_says_what_is_wrong_and_what_is_allowed(path: Path, value: Any, said: str) -> None:
    (fault,) = check_schemas(changed("table.json", path, value))

    assert said in fault
    assert "given schemas" not in fault
    assert "\\\\" not in fault


def test_document_that_nothing_uses_is_refused() -> None:
    lonely = {**documents()["column.json"], "title": "Lonely", "$id": f"{BASE}lonely.json"}
    lonely["$defs"] = {}
    lonely["properties"] = {"note": TEXT}
    lonely["required"] = []

    (fault,) = check_schemas({**documents(), "lonely.json": lonely})

    assert fault.startswith("headwater/schemas/lonely.json#: it describes no kind")


def test_pattern_ends_at_the_end_in_every_document() -> None:
    """A ``$`` of Python's matches before a final newline, too; JSON Schema's does not."""
    request = {
        "name": "churn",
        "algorithm": "x",
        "service": {"id": f"{'0' * 8}-0000-0000-0000-{'0' * 12}"},
    }
    assert validator("ml_model.json", "CreateMlModel").is_valid(request)

    request["service"]["id"] += "\n"  # type: ignore[index]  # a string and a dictionary

    assert not validator("ml_model.json", "CreateMlModel").is_valid(request)
