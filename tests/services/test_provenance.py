"""The table of cases in docs/provenance.md, row by row: who wrote, who writes, what wins."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from headwater.catalog import Actor, CatalogService
from headwater.errors import InvalidInputError
from tests.services.shop import ME

DOCS = Path(__file__).parents[2] / "docs" / "provenance.md"
ACTORS = {"A": Actor("a", "bot", "A"), "B": Actor("b", "bot", "B"), "person": ME}
TAGS = {"red": "Color.red", "blue": "Color.blue", "low": "Risk.low", "high": "Risk.high"}
STEP = re.compile(r'(A|B|person) (puts|patches|releases)(?: (null|"[^"]*"|\[[^\]]*\]))?')


def cases() -> list[tuple[str, str, Any]]:
    """The rows of the table whose second column holds steps."""
    rows = [line.strip("| ").split(" | ") for line in DOCS.read_text().splitlines()]
    return [
        (row[0], row[1], json.loads(row[2])) for row in rows if len(row) == 3 and STEP.match(row[1])
    ]


@pytest.fixture
def vocabulary(catalog: CatalogService) -> None:
    for name, exclusive in (("Color", False), ("Risk", True)):
        body = {"name": name, "mutuallyExclusive": exclusive}
        catalog.put("classification", body, actor=ME)
    for fqn in TAGS.values():
        classification, name = fqn.split(".")
        catalog.put("tag", {"name": name, "classification": classification}, actor=ME)
    for team in ("ops", "web"):
        catalog.put("team", {"name": team}, actor=ME)


def test_the_table_is_there() -> None:
    assert len(cases()) >= 35


@pytest.mark.parametrize(("field", "steps", "holds"), cases(), ids=lambda value: str(value)[:60])
def test_what_wins(
    catalog: CatalogService, schema: str, vocabulary: None, field: str, steps: str, holds: Any
) -> None:
    body: dict[str, Any] = {
        "name": "t",
        "databaseSchema": schema,
        "columns": [{"name": "id", "dataType": "INT"}],
    }
    catalog.put("table", body, actor=ACTORS["A"])
    key = ("table", f"{schema}.t")
    for who, how, value in STEP.findall(steps):
        actor = ACTORS[who]
        if how == "releases":
            catalog.release("table", key, field, actor=actor)
            continue
        given = spelled(field, json.loads(value))
        if how == "puts":
            catalog.put("table", with_value(body, field, given), actor=actor)
        else:
            document = json.loads(catalog.get("table", key).document)
            top = field.partition(".")[0]
            patch = {top: with_value(document, field, given)[top]}
            catalog.patch("table", key, patch, actor=actor)
    document = json.loads(catalog.get("table", key).document)
    name = field.rpartition(".")[2]
    holder = document["columns"][0] if "." in field else document
    found = holder.get(name)
    if name in ("tags", "owners"):
        found = sorted(each["name"] for each in found or ())
    assert found == holds


def spelled(field: str, value: Any) -> Any:
    name = field.rpartition(".")[2]
    if name == "tags":
        return [TAGS[each] for each in value]
    if name == "owners":
        return [{"type": "team", "fullyQualifiedName": each} for each in value]
    return value


def with_value(document: dict[str, Any], field: str, value: Any) -> dict[str, Any]:
    """A copy of the document with a value in a field, or in a field of its one column."""
    out: dict[str, Any] = json.loads(json.dumps(document))
    name = field.rpartition(".")[2]
    (out["columns"][0] if "." in field else out)[name] = value
    return out


def test_two_tags_of_an_exclusive_classification_are_refused(
    catalog: CatalogService, schema: str, vocabulary: None
) -> None:
    body = {
        "name": "t",
        "databaseSchema": schema,
        "columns": [{"name": "id", "dataType": "INT", "tags": ["Risk.low", "Risk.high"]}],
    }
    with pytest.raises(InvalidInputError, match="mutually exclusive") as caught:
        catalog.put("table", body, actor=ME)
    assert caught.value.errors[0]["pointer"] == "/columns/0/tags"


def test_an_equal_write_of_an_element_that_another_put_makes_no_version(
    catalog: CatalogService, schema: str, vocabulary: None
) -> None:
    body = {"name": "t", "databaseSchema": schema, "tags": ["Color.red"]}
    first = catalog.put("table", body, actor=ACTORS["A"])
    second = catalog.put("table", body, actor=ACTORS["B"])
    third = catalog.put("table", body, actor=ACTORS["B"])
    assert (first.version, second.version, third.changed) == ("0.1", "0.1", False)
