"""The table of cases in docs/provenance.md, row by row: who wrote, who writes, what wins."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from headwater.catalog import Actor, CatalogService
from headwater.catalog.origin import SETS, origin
from headwater.errors import InvalidInputError
from headwater.store.base import Key, Store
from headwater.store.draft import Draft, dump, load, same_version
from tests.services.shop import ME

DOCS = Path(__file__).parents[2] / "docs" / "provenance.md"
ACTORS = {"A": Actor("a", "bot", "A"), "B": Actor("b", "bot", "B"), "person": ME}
TAGS = {"red": "Color.red", "blue": "Color.blue", "low": "Risk.low", "high": "Risk.high"}
HOW = "creates|puts|patches|releases|drops|reorders"
STEP = re.compile(rf'(A|B|person) ({HOW})(?: (null|"[^"]*"|\[[^\]]*\]))?')


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
    assert len(cases()) >= 45


@pytest.mark.parametrize(("field", "steps", "holds"), cases(), ids=lambda value: str(value)[:60])
def test_what_wins(
    catalog: CatalogService, schema: str, vocabulary: None, field: str, steps: str, holds: Any
) -> None:
    body: dict[str, Any] = {
        "name": "t",
        "databaseSchema": schema,
        "columns": columns("id", "at"),
    }
    if " creates " not in steps:
        catalog.put("table", body, actor=ACTORS["A"])
    key = ("table", f"{schema}.t")
    for who, how, value in STEP.findall(steps):
        actor = ACTORS[who]
        if how == "releases":
            catalog.release("table", key, field, actor=actor)
            continue
        if how == "drops":
            catalog.put("table", {**body, "columns": []}, actor=actor)
            continue
        if how == "reorders":
            catalog.put("table", {**body, "columns": columns("at", "id")}, actor=actor)
            continue
        given = spelled(field, json.loads(value))
        if how in ("creates", "puts"):
            catalog.put("table", with_value(body, field, given), actor=actor)
        else:
            document = json.loads(catalog.get("table", key).document)
            top = field.partition(".")[0]
            patch = {top: with_value(document, field, given)[top]}
            catalog.patch("table", key, patch, actor=actor)
    document = json.loads(catalog.get("table", key).document)
    name = field.rpartition(".")[2]
    found: Any = holder_of(document, field).get(name)
    if name == "columns":
        found = [each["name"] for each in found]
    elif name in SETS:
        found = sorted(each["name"] for each in found or ())
    assert found == holds


def columns(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "dataType": "INT"} for name in names]


def holder_of(document: dict[str, Any], field: str) -> dict[str, Any]:
    """What the field is of: the document, or its column ``id``."""
    return next(c for c in document["columns"] if c["name"] == "id") if "." in field else document


def spelled(field: str, value: Any) -> Any:
    name = field.rpartition(".")[2]
    if name == "tags":
        return [TAGS[each] for each in value]
    if name == "owners":
        return [{"type": "team", "fullyQualifiedName": each} for each in value]
    return columns(*value) if name == "columns" else value


def with_value(document: dict[str, Any], field: str, value: Any) -> dict[str, Any]:
    """A copy of the document with a value in a field, or in a field of its column ``id``."""
    out: dict[str, Any] = json.loads(json.dumps(document))
    holder_of(out, field)[field.rpartition(".")[2]] = value
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


def test_names_of_tags_may_be_any(catalog: CatalogService, schema: str, vocabulary: None) -> None:
    for name in ("R.x", 'Q"q'):
        made = catalog.put("classification", {"name": name, "mutuallyExclusive": True}, actor=ME)
        for tag in ("c.d", 'e"f', "g@h"):
            of = {"id": made.id}
            catalog.put("tag", {"name": tag, "classification": of}, actor=ME)
    key = ("table", f"{schema}.t")
    for actor, given, held in (
        ("A", ['"R.x"."c.d"', '"Q""q"."e""f"'], ['"Q""q"."e""f"', '"R.x"."c.d"']),
        ("person", ['"R.x".g@h'], ['"Q""q"."e""f"', '"R.x".g@h']),
        ("B", ['"R.x"."c.d"', '"Q""q".g@h'], ['"Q""q"."e""f"', '"R.x".g@h']),
        ("A", [], ['"R.x".g@h']),
    ):
        body = {"name": "t", "databaseSchema": schema, "tags": given}
        catalog.put("table", body, actor=ACTORS[actor])
        tags = json.loads(catalog.get("table", key).document)["tags"]
        assert sorted(each["fullyQualifiedName"] for each in tags) == held


@pytest.mark.parametrize("renamed", ["tag", "classification", "table"])
def test_what_people_did_with_a_tag_counts_under_its_new_name(
    catalog: CatalogService, schema: str, vocabulary: None, renamed: str
) -> None:
    body = {"name": "t", "databaseSchema": schema}
    table = catalog.put("table", {**body, "tags": ["Color.red"]}, actor=ACTORS["A"])
    catalog.patch("table", table.id, {"tags": []}, actor=ME)
    catalog.put("table", {**body, "tags": ["Color.blue"]}, actor=ME)
    red = catalog.get("tag", ("tag", "Color.red")).id
    keys: dict[str, Key] = {
        "tag": ("tag", "Color.blue"),
        "classification": ("classification", "Color"),
        "table": table.id,
    }
    catalog.rename(renamed, keys[renamed], "new", actor=ME)
    if renamed == "tag":
        catalog.rename("tag", red, "blue", actor=ME)
    body["name"] = "new" if renamed == "table" else "t"
    catalog.put("table", {**body, "tags": [{"id": red}]}, actor=ACTORS["A"])
    held = json.loads(catalog.get("table", table.id).document)["tags"]
    assert [each["name"] for each in held] == ["new" if renamed == "tag" else "blue"]
    origins = catalog.provenance("table", table.id)["origins"]
    assert {each["field"] for each in origins if each.get("removed")} == {'tags."Color.red"'}


def test_deletion_and_restoring_forget_nothing(
    catalog: CatalogService, schema: str, vocabulary: None
) -> None:
    body = {"name": "t", "databaseSchema": schema, "tags": ["Color.red"]}
    table = catalog.put("table", body, actor=ACTORS["A"])
    catalog.patch("table", table.id, {"tags": []}, actor=ME)
    for revive in (True, False):
        catalog.delete("table", table.id, actor=ME)
        if not revive:
            catalog.restore("table", table.id, actor=ME)
        again = catalog.put("table", body, actor=ACTORS["A"])
        assert json.loads(again.document)["tags"] == []


def test_an_at_sign_in_a_name_is_no_tie_breaker(catalog: CatalogService, schema: str) -> None:
    body = {"name": "t", "databaseSchema": schema}
    by_bot, mine = ([{"name": name, "dataType": "INT"}] for name in ("a@b", "a"))
    catalog.put("table", {**body, "columns": by_bot}, actor=ACTORS["A"])
    catalog.put("table", {**body, "columns": mine}, actor=ME)
    left = catalog.put("table", {**body, "columns": []}, actor=ACTORS["A"])
    assert [each["name"] for each in json.loads(left.document)["columns"]] == ["a"]


def test_an_empty_list_over_none_changes_nothing(
    catalog: CatalogService, schema: str, vocabulary: None
) -> None:
    body: dict[str, Any] = {
        "name": "t",
        "databaseSchema": schema,
        "columns": [{"name": "a", "dataType": "STRUCT"}],
    }
    catalog.put("table", body, actor=ACTORS["A"])
    inner: dict[str, Any] = {
        "columns": [{"name": "a", "dataType": "STRUCT", "children": [], "tags": []}]
    }
    for actor in ACTORS.values():
        more: dict[str, Any]
        for more in ({"tags": []}, {"owners": []}, {"tags": None}, inner):
            assert not catalog.put("table", {**body, **more}, actor=actor).changed


def test_only_a_path_that_is_there_is_handed_back(
    catalog: CatalogService, schema: str, vocabulary: None
) -> None:
    column = {"name": "a.b", "dataType": "INT", "tags": ["Color.red"]}
    body = {"name": "t", "databaseSchema": schema, "columns": [column], "tags": ["Color.red"]}
    table = catalog.put("table", body, actor=ACTORS["A"])
    for path in ("columns.no.tags", "columns.a.b", "columns.", "id", "description.x", "nope", ""):
        with pytest.raises(InvalidInputError, match="no field") as caught:
            catalog.release("table", table.id, path, actor=ME)
        assert caught.value.errors[0]["pointer"] == "/field"
    for path in ("description", 'columns."a.b".tags', 'columns."a.b"', "columns", "tags"):
        catalog.release("table", table.id, path, actor=ME)
    catalog.patch("table", table.id, {"tags": []}, actor=ME)
    catalog.release("table", table.id, 'tags."Color.red"', actor=ME)
    again = catalog.put("table", body, actor=ACTORS["A"])
    assert len(json.loads(again.document)["tags"]) == 1


def test_a_request_is_left_as_it_was(
    catalog: CatalogService, schema: str, vocabulary: None
) -> None:
    column = {"name": "a", "dataType": "INT", "tags": ["Color.red"]}
    body = {"name": "t", "databaseSchema": schema, "tags": ["Color.red"], "columns": [column]}
    before = json.dumps(body)
    catalog.put("table", body, actor=ME)
    assert json.dumps(body) == before


def test_an_equal_write_of_an_element_that_another_put_makes_no_version(
    catalog: CatalogService, schema: str, vocabulary: None
) -> None:
    body = {"name": "t", "databaseSchema": schema, "tags": ["Color.red"]}
    first = catalog.put("table", body, actor=ACTORS["A"])
    second = catalog.put("table", body, actor=ACTORS["B"])
    third = catalog.put("table", body, actor=ACTORS["B"])
    assert (first.version, second.version, third.changed) == ("0.1", "0.1", False)


def test_what_an_older_release_noted_of_an_order_owns_nothing(
    store: Store, catalog: CatalogService, schema: str
) -> None:
    inner = [{"name": name, "dataType": "INT", "description": "p"} for name in ("children", "x")]
    struct = {"name": "s", "dataType": "STRUCT", "children": inner}
    body = {"name": "t", "databaseSchema": schema, "columns": [struct, *columns("id")]}
    table = catalog.put("table", body, actor=ME)
    stored = catalog.get("table", table.id)
    bots = origin(ACTORS["A"])
    marks = {"columns": bots, "columns.s.children": bots, "columns.s.children.children": bots}
    draft = Draft(
        entities=[same_version(stored, load(stored), origins=dump({"": origin(ME), **marks}))]
    )
    draft.commit(store, ME)

    told = [each["field"] for each in catalog.provenance("table", table.id)["origins"]]
    assert told == ["", "columns.s.children.children"]
    fewer = {**struct, "children": [{**inner[1], "description": "a"}]}
    left = catalog.put("table", {**body, "columns": [fewer]}, actor=ACTORS["A"])
    held = json.loads(left.document)["columns"]
    assert [each["name"] for each in held] == ["s", "id"]
    assert [(each["name"], each["description"]) for each in held[0]["children"]] == [("x", "p")]
