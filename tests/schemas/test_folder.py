"""An organisation's own schema files: read, checked, in use for the whole process."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from headwater.api.openapi import openapi_document
from headwater.errors import InvalidInputError
from headwater.generated import CREATE_REQUESTS
from headwater.schemas import documents, find_document, find_kind, kind, kinds, use_folder
from headwater.schemas.registry import enforced, shipped
from headwater.schemas.runtime import faults
from tests.schemas.new_kind import NOTEBOOK, REQUEST
from tests.schemas.own import CUSTOM, make_folder, no_folder_afterwards

TEXT = {"type": "string", "description": "Text."}


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    with no_folder_afterwards():
        yield


def changed(*path: str, to: Any) -> dict[str, Any]:
    """The notebook's schema with one value set."""
    document = deepcopy(NOTEBOOK)
    holder = document
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = to
    return document


def refused(folder: Path) -> str:
    before = kinds()
    with pytest.raises(InvalidInputError) as error:
        use_folder(folder)
    assert kinds() is before, "nothing is in use of a folder that was refused"
    return error.value.message


def test_kind_of_a_folder_is_a_kind_like_those_that_ship(tmp_path: Path) -> None:
    use_folder(make_folder(tmp_path, notebook=NOTEBOOK))

    assert set(kinds()) == {*CREATE_REQUESTS, "notebook"}
    assert find_kind("notebooks") is kind("notebook")
    assert kind("notebook").parent_kind == "mlmodelService"
    assert kind("notebook").shape.fields["owners"].reference == ("user", "team")
    assert "listNotebooks" in str(openapi_document()["paths"])
    assert faults("notebook.json", "CreateNotebook", REQUEST) == []
    assert faults("notebook.json", "CreateNotebook", {"name": "a"}) == [
        {"pointer": "/service", "message": "is required"},
        {"pointer": "/language", "message": "is required"},
    ]


def test_same_files_again_change_nothing(tmp_path: Path) -> None:
    use_folder(make_folder(tmp_path / "a", notebook=NOTEBOOK))
    before = kinds()
    use_folder(tmp_path / "a")
    use_folder(make_folder(tmp_path / "b", notebook=NOTEBOOK))

    assert kinds() is before


def test_another_folder_takes_the_place_of_the_first(tmp_path: Path) -> None:
    use_folder(make_folder(tmp_path / "a", notebook=NOTEBOOK))
    sheet = {**deepcopy(NOTEBOOK), "title": "Sheet", "$defs": {}, "required": ["service"]}
    sheet |= {"x-headwater": {"kind": "sheet", "collection": "sheets", "parent": "service"}}
    sheet["properties"] = {"service": sheet["properties"]["service"]}
    del sheet["$id"]
    use_folder(make_folder(tmp_path / "b", sheet=sheet))

    assert set(kinds()) == {*CREATE_REQUESTS, "sheet"}
    assert find_kind("notebooks") is None
    assert "listNotebooks" not in str(openapi_document()["paths"])
    assert "notebook.json" not in enforced()

    use_folder("")
    assert set(kinds()) == set(CREATE_REQUESTS)
    assert documents() == shipped()


def test_edited_files_count_at_the_next_start(tmp_path: Path) -> None:
    use_folder(make_folder(tmp_path, notebook=NOTEBOOK))
    use_folder(make_folder(tmp_path, notebook=changed("properties", "topic", to=TEXT)))

    assert "topic" in kind("notebook").shape.fields
    assert faults("notebook.json", "CreateNotebook", {**REQUEST, "topic": "churn"}) == []


def test_what_can_only_be_said_in_one_way_need_not_be_said(tmp_path: Path) -> None:
    short = {name: each for name, each in NOTEBOOK.items() if name not in ("$schema", "$id")}
    short["$defs"] = {name: {**each} for name, each in NOTEBOOK["$defs"].items()}
    for each in (short, *short["$defs"].values()):
        each.pop("additionalProperties", None)
    use_folder(make_folder(tmp_path, notebook=short))

    assert documents()["notebook.json"] == NOTEBOOK


def test_files_may_share_definitions(tmp_path: Path) -> None:
    name = {"$ref": "common.json#/$defs/EntityName", "description": "The cell's name."}
    cell = {
        "title": "Cell",
        "description": "One cell.",
        "type": "object",
        "required": ["name"],
        "properties": {"name": name},
    }
    notebook = changed("properties", "cells", "items", to={"$ref": "cell.json"})
    use_folder(make_folder(tmp_path, cell=cell, notebook=notebook))

    wrong = {**REQUEST, "cells": [{"name": "a", "runs": 1}]}
    assert faults("notebook.json", "CreateNotebook", wrong) == [
        {"pointer": "/cells/0/runs", "message": "is not a property of this type"}
    ]


def about(**changes: Any) -> dict[str, Any]:
    return changed("x-headwater", to={**NOTEBOOK["x-headwater"], **changes})


REFUSED = [
    (about(kind="table", collection="tables"), "/x-headwater/kind: 'table' is taken"),
    (about(kind="Lab"), "/x-headwater/kind: 'Lab' is not a name in camelCase"),
    (about(kind="n" * 65, collection="n" * 65 + "s"), "is not a name in camelCase of at most 64"),
    (about(kind="search", collection="searchs"), "'searchs' is taken or reserved"),
    (about(kind="column", collection="columns"), "'column' is taken by another kind or part"),
    (about(kind="entity", collection="entitys"), "is taken or reserved"),
    (changed("properties", "trains", "x-headwater", "reference", to=["nothing"]), "no kind 'noth"),
    (changed("properties", "a", to={**TEXT, "format": "uri"}), "'format' is not allowed here"),
    (changed("properties", "a", to={**TEXT, "pattern": "^(a$"}), "is no regular expression"),
    (changed("properties", "a", to={**TEXT, "pattern": "^a++$"}), "engines differ about '++'"),
    (changed("properties", "a", to={**TEXT, "pattern": "^[a&&b]$"}), "engines differ about '&&'"),
    (changed("properties", "a", to={**TEXT, "pattern": "^{a}$"}), "engines differ about '{'"),
    (
        changed("properties", "a", to={"$ref": "https://x.org/a.json", "description": "x"}),
        "/properties/a/$ref: 'https://x.org/a.json' is not a reference such as",
    ),
    (changed("properties", "cells", "x-headwater", "part", to="table"), "'table', its part"),
    (changed("properties", "owners", to=TEXT), "/properties/owners: every kind has 'owners'"),
    (changed("$defs", "TableType", to={**TEXT, "title": "TableType", "enum": ["a"]}), "TableType"),
]


def test_kind_has_a_name_of_up_to_64_letters(tmp_path: Path) -> None:
    longest = "n" * 64
    use_folder(make_folder(tmp_path, notebook=about(kind=longest, collection=longest + "s")))
    assert kind(longest).collection == longest + "s"


@pytest.mark.parametrize(("document", "message"), REFUSED)
def test_fault_names_the_file_of_the_folder(tmp_path: Path, document: Any, message: str) -> None:
    make_folder(tmp_path, notebook=document)

    said = refused(tmp_path)

    assert message in said
    assert all(line.startswith(f"{tmp_path / 'notebook.json'}#") for line in said.splitlines())


@pytest.mark.parametrize("name", ["table.json", "meta_schema.json"])
def test_file_of_a_name_that_ships_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("{}", encoding="utf-8")
    assert "Headwater's own file has that name" in refused(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("note.json", b"{", "note.json: not JSON: Expecting property name"),
        ("note.json", b"[" * 100_000, "note.json: nests too deeply to be read"),
        ("note.json", b"[]", "note.json: a schema is an object"),
        ("note.json", b'{"title": "\xff"}', "note.json: cannot be read"),
        ("My-Kind.json", b"{}", "My-Kind.json: a schema file is named in snake_case"),
    ],
)
def test_file_that_is_no_schema_is_refused(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    assert message in refused(tmp_path)


def test_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "gone") == (
        f"{tmp_path / 'gone'} is no folder; HEADWATER_SCHEMAS names the one that holds your"
        " schema files"
    )


@pytest.mark.parametrize("name", ["Problem", "TablePage"])
def test_definition_named_like_an_answer_of_the_api_is_refused(tmp_path: Path, name: str) -> None:
    use_folder(
        make_folder(
            tmp_path,
            notebook=changed(
                "$defs",
                name,
                to={"title": name, "description": "x", "type": "string", "enum": ["a"]},
            ),
        )
    )
    with pytest.raises(InvalidInputError, match=f"'{name}' is the name of one of the API's own"):
        openapi_document()


def test_kind_whose_operations_exist_already_is_refused(tmp_path: Path) -> None:
    health = {**NOTEBOOK, "title": "Schema", "$defs": {}, "properties": {"a": TEXT}, "required": []}
    health["x-headwater"] = {"kind": "schema", "collection": "schemas"}
    del health["$id"]
    assert "taken or reserved" in refused(make_folder(tmp_path, schema=health))

    health["x-headwater"] = {"kind": "jsonSchema", "collection": "jsonSchemas"}
    use_folder(make_folder(tmp_path, schema=health))
    with pytest.raises(InvalidInputError, match="two operations of the API would be named getSche"):
        openapi_document()


# Custom properties


def test_custom_properties_are_a_part_of_their_kind(tmp_path: Path) -> None:
    use_folder(make_folder(tmp_path, ml_model_extension=CUSTOM))

    shape = kind("mlmodel").shape.fields["extension"].shape
    assert shape is not None
    assert shape.title == "MlModelExtension"
    assert kind("table").shape.fields["extension"].shape is None
    properties = find_document("mlmodels")["properties"]  # type: ignore[index]  # it is there
    assert {"$ref": "ml_model_extension.json"} in properties["extension"]["anyOf"]
    assert find_document("MlModelExtension") == find_document("ml_model_extension.json")
    for name in ("MlModel", "CreateMlModel"):
        schema = openapi_document()["components"]["schemas"][name]
        described = schema["properties"]["extension"]["anyOf"][0]
        assert described == {"$ref": "#/components/schemas/MlModelExtension"}

    use_folder(None)
    assert kind("mlmodel").shape.fields["extension"].shape is None
    assert find_document("MlModelExtension") is None


def extended(**changes: Any) -> dict[str, Any]:
    return {**CUSTOM, **changes}


UNFIT = [
    (extended(title="Extension"), "#/title: the title of ml_model_extension.json is MlModelExt"),
    (extended(**{"x-headwater": {"extends": "model"}}), "/x-headwater/extends: there is no kind"),
    (
        extended(**{"x-headwater": {"extends": "mlmodel", "kind": "a"}}),
        "#/x-headwater: 'kind' is not allowed here; allowed are extends",
    ),
    (
        extended(properties={"a": {**TEXT, "readOnly": True}}, **{"$defs": {}}),
        "/properties/a: a custom property is no part, and not readOnly",
    ),
    (extended(required=["b"]), "'b' is required and not a property"),
]


@pytest.mark.parametrize(("document", "message"), UNFIT)
def test_unfit_custom_properties_are_refused(tmp_path: Path, document: Any, message: str) -> None:
    assert message in refused(make_folder(tmp_path, ml_model_extension=document))


def test_two_files_for_one_kind_are_refused(tmp_path: Path) -> None:
    more = {**CUSTOM, "title": "MoreOfModels", "properties": {"a": TEXT}, "$defs": {}}

    said = refused(make_folder(tmp_path, ml_model_extension=CUSTOM, more_of_models=more))

    assert said == (
        f"{tmp_path / 'more_of_models.json'}#/x-headwater/extends: ml_model_extension.json"
        " describes the custom properties of 'mlmodel' already"
    )
