"""What validation at run time says, and where: as the generated classes do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import headwater.generated
import headwater.schemas
from headwater.names import escape
from headwater.schemas.runtime import faults
from tests.schemas.definition import EXEMPLIFIED, Definition

ROOT = Path(headwater.schemas.__file__).parent / "examples" / "invalid"
CASES = [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("*/*.json"))]
REQUEST: dict[str, Any] = {"name": "churn", "algorithm": "RF"}


def said(document: Any, title: str = "create_ml_model") -> dict[str, str]:
    definition = EXEMPLIFIED[title]
    found = faults(definition.file, definition.definition, document)
    return {fault["pointer"]: fault["message"] for fault in found}


def pointers_of_class(definition: Definition, document: Any) -> set[str]:
    with pytest.raises(ValidationError) as refused:
        getattr(headwater.generated, definition.title).model_validate(document, by_name=False)
    return {"".join(f"/{escape(part)}" for part in e["loc"]) for e in refused.value.errors()}


@pytest.mark.parametrize("case", CASES)
def test_fault_is_pointed_out_where_the_class_does(case: str) -> None:
    document = json.loads((ROOT / case).read_text(encoding="utf-8"))
    definition = EXEMPLIFIED[Path(case).parent.name]
    expected = pointers_of_class(definition, document)
    if document == "":  # the class reads a text as the name within a reference
        expected = {""}

    assert said(document, Path(case).parent.name).keys() == expected


@pytest.mark.parametrize(
    ("change", "pointer", "message"),
    [
        ({"algorithm": None}, "/algorithm", "should be a string"),
        ({"service": 1}, "/service", "should be an object or a string"),
        ({"service": {"id": 1}}, "/service/id", "should be a string"),
        ({"service": ""}, "/service", "should have at least 1 character"),
        ({"owners": {}}, "/owners", "should be a list"),
        ({"owners": ["ada", None]}, "/owners/1", "should be an object or a string"),
        ({"name": "x" * 257}, "/name", "should have at most 256 characters"),
        ({"a/b~c": 1}, "/a~1b~0c", "is not a property of this type"),
        ({"mlFeatures": [{}]}, "/mlFeatures/0/name", "is required"),
        (
            {"mlFeatures": [{"name": "a", "dataType": "text"}]},
            "/mlFeatures/0/dataType",
            "should be one of 'numerical', 'categorical'",
        ),
    ],
)
def test_fault_says_what_should_be_there(
    change: dict[str, Any], pointer: str, message: str
) -> None:
    assert said({**REQUEST, **change}) == {pointer: message}


def test_limits_are_said() -> None:
    column = {"name": "a", "dataType": "INT", "dataLength": -1}
    assert said(column, "column") == {"/dataLength": "should be at least 0"}


def test_every_fault_is_reported_once() -> None:
    found = said({"name": "", "x": 1, "y": 2})
    assert found == {
        "/name": "should have at least 1 character",
        "/algorithm": "is required",
        "/x": "is not a property of this type",
        "/y": "is not a property of this type",
    }


def test_half_a_character_is_no_text() -> None:
    assert said({**REQUEST, "description": "\ud800"}) == {"/description": "should be a string"}
    assert said({**REQUEST, "extension": {"\ud800": 1}}) == {"/extension": "should be an object"}
    assert said({**REQUEST, "extension": {"a": ["\ud800"]}}) == {}


def test_what_is_no_json_is_refused() -> None:
    (message,) = said({**REQUEST, 1: 2}).values()
    assert message.startswith("is not JSON: ")
