"""Time: reverting, handing fields back, and what a write would do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headwater.catalog import CatalogService, Written
from headwater.errors import InvalidInputError, NotFoundError
from headwater.store import Store
from headwater.store.base import Record
from tests.services.shop import BOT, ME, Shop


def doc(written: Written) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(written.document)
    return document


def test_revert_makes_a_new_version_with_the_old_values(catalog: CatalogService) -> None:
    first = catalog.put("mlmodel", {"name": "m", "algorithm": "RF", "license": "MIT"}, actor=ME)
    catalog.put("mlmodel", {"name": "m", "algorithm": "XGB", "license": None}, actor=ME)
    back = catalog.revert("mlmodel", first.id, "0.1", actor=ME)
    assert (back.version, doc(back)["algorithm"], doc(back)["license"]) == ("2.0", "RF", "MIT")
    assert catalog.diff("mlmodel", first.id, "0.1", "2.0")["fieldsUpdated"] == []


def test_revert_to_what_is_there_makes_nothing(catalog: CatalogService) -> None:
    model = catalog.put("mlmodel", {"name": "m", "algorithm": "RF"}, actor=ME)
    assert not catalog.revert("mlmodel", model.id, "0.1", actor=ME).changed


def test_revert_keeps_the_name_and_restores_who_wrote(catalog: CatalogService, shop: Shop) -> None:
    body = {"name": "t", "databaseSchema": shop.schema}
    table = catalog.put("table", {**body, "description": "by a machine"}, actor=BOT)
    catalog.put("table", {**body, "description": "by a person"}, actor=ME)
    catalog.rename("table", table.id, "renamed", actor=ME)
    back = catalog.revert("table", table.id, "0.1", actor=ME)
    assert (back.fqn, doc(back)["description"]) == (f"{shop.schema}.renamed", "by a machine")
    # The machine owns its description again, and may change it.
    body["name"] = "renamed"
    assert doc(catalog.put("table", {**body, "description": "anew"}, actor=BOT))["description"] == (
        "anew"
    )


def test_revert_names_references_that_are_gone(catalog: CatalogService, shop: Shop) -> None:
    shop.table("t", "a")
    model = shop.model(features={"age": ["t.a"]})
    shop.model(features={"age": ["loose"]})
    catalog.delete("table", ("table", f"{shop.schema}.t"), actor=ME)
    back = doc(catalog.revert("mlmodel", model.id, "0.1", actor=ME))
    assert back["changeDescription"]["referencesGone"] == [f"{shop.schema}.t"]
    assert "dataSource" not in back["mlFeatures"][0]["featureSources"][0]


@pytest.mark.parametrize("gone", ["orders", "customers"])
@pytest.mark.parametrize("bots", ["orders", "customers"])
@pytest.mark.parametrize("first", ["bot", "person"])
def test_a_source_without_its_table_stays_whose_it_was_in_a_revert(
    catalog: CatalogService, shop: Shop, first: str, bots: str, gone: str
) -> None:
    """Two sources of one name, a person's and a machine's: the one whose table is gone has none."""
    for name in ("orders", "customers"):
        shop.table(name, "id")
    mine = next(name for name in ("orders", "customers") if name != bots)
    model = shop.model(features={"f": []}, actor=BOT)
    writes = [(BOT, bots), (ME, mine)]
    for actor, table in writes if first == "bot" else reversed(writes):
        shop.model(features={"f": [f"{table}.id"]}, actor=actor)
    both = catalog.get("mlmodel", model.id)
    assert len(sources(both)) == 2
    shop.model(description="anew")
    catalog.delete("table", ("table", f"{shop.schema}.{gone}"), actor=ME)
    catalog.revert("mlmodel", model.id, both.version, actor=ME)
    shop.model(features={"f": []}, actor=BOT)  # which takes out what is the machine's
    (left,) = sources(catalog.get("mlmodel", model.id))
    table = left.get("dataSource", {}).get("fullyQualifiedName")
    assert table == (None if gone == mine else f"{shop.schema}.{mine}")


def sources(model: Record) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(model.document)["mlFeatures"][0]["featureSources"]
    return found


def test_revert_to_a_version_that_never_was_is_refused(catalog: CatalogService) -> None:
    model = catalog.put("mlmodel", {"name": "m", "algorithm": "RF"}, actor=ME)
    with pytest.raises(NotFoundError, match="newest is"):
        catalog.revert("mlmodel", model.id, "7.0", actor=ME)


def test_reverted_columns_are_the_same_parts(
    store: Store, catalog: CatalogService, shop: Shop
) -> None:
    table = shop.table("t", "a", "b")
    parts = {each.fqn: each.id for each in store.nodes(owner_ids=[table.id])}
    shop.table("t", "a")
    catalog.revert("table", table.id, "0.1", actor=ME)
    nodes = store.nodes(owner_ids=[table.id])
    assert {each.fqn: each.id for each in nodes} == parts
    assert not any(each.dropped for each in nodes)


def test_a_revert_spells_references_as_they_are_called_now(
    catalog: CatalogService, shop: Shop
) -> None:
    catalog.put("classification", {"name": "Color"}, actor=ME)
    for name in ("red", "blue"):
        catalog.put("tag", {"name": name, "classification": "Color"}, actor=ME)
    body = {"name": "t", "databaseSchema": shop.schema}
    table = catalog.put("table", {**body, "tags": ["Color.red", "Color.blue"]}, actor=BOT)
    catalog.put("table", {**body, "tags": []}, actor=BOT)
    catalog.rename("tag", ("tag", "Color.red"), "crimson", actor=ME)
    catalog.rename("tag", ("tag", "Color.blue"), "red", actor=ME)
    catalog.erase("tag", ("tag", "Color.red"), actor=ME)
    back = catalog.revert("table", table.id, "0.1", actor=ME)
    assert [each["name"] for each in doc(back)["tags"]] == ["crimson"]
    assert not catalog.put("table", {**body, "tags": ["Color.crimson"]}, actor=BOT).changed
    assert doc(catalog.put("table", {**body, "tags": []}, actor=BOT))["tags"] == []


def test_a_revert_leaves_a_status_alone(catalog: CatalogService, shop: Shop) -> None:
    shop.model("m")
    body = {"name": "v", "mlmodel": "headwater.m"}
    for more in ({"description": "a"}, {"description": "b"}, {"status": "ready"}):
        version = catalog.put("modelVersion", {**body, "status": "pending", **more}, actor=ME)
    back = doc(catalog.revert("modelVersion", version.id, "0.1", actor=ME))
    assert (back["description"], back["status"]) == ("a", "ready")


def test_only_a_person_reverts(catalog: CatalogService) -> None:
    model = catalog.put("mlmodel", {"name": "m", "algorithm": "RF"}, actor=ME)
    with pytest.raises(InvalidInputError, match="person"):
        catalog.revert("mlmodel", model.id, "0.1", actor=BOT)


def test_preview_says_what_a_write_would_do_and_writes_nothing(
    store: Store, catalog: CatalogService, shop: Shop
) -> None:
    body = {"name": "t", "databaseSchema": shop.schema, "description": "a"}
    catalog.put("table", body, actor=ME)
    before = store.sequence()
    found = catalog.preview(
        "table",
        [
            body,
            {**body, "description": "b"},
            {**body, "name": "new"},
            {"name": "t"},
        ],
        actor=ME,
    )
    assert [each["action"] for each in found] == ["none", "update", "create", "fail"]
    assert found[1]["version"] == "0.2"
    assert found[1]["fieldsUpdated"][0]["newValue"] == "b"
    assert found[3]["errors"][0]["pointer"] == "/databaseSchema"
    assert store.sequence() == before


def test_a_person_hands_a_field_back(catalog: CatalogService, shop: Shop) -> None:
    body = {"name": "t", "databaseSchema": shop.schema}
    table = catalog.put("table", {**body, "description": "mine"}, actor=ME)
    assert doc(catalog.put("table", {**body, "description": "x"}, actor=BOT))["description"] == (
        "mine"
    )
    released = catalog.release("table", table.id, "description", actor=ME)
    assert released.version == table.version
    assert doc(catalog.put("table", {**body, "description": "x"}, actor=BOT))["description"] == "x"


def test_only_a_person_hands_back_and_only_what_there_is(
    catalog: CatalogService, shop: Shop
) -> None:
    table = catalog.put("table", {"name": "t", "databaseSchema": shop.schema}, actor=ME)
    with pytest.raises(InvalidInputError, match="person"):
        catalog.release("table", table.id, "description", actor=BOT)
    with pytest.raises(InvalidInputError, match="no field"):
        catalog.release("table", table.id, "nonsense", actor=ME)


def test_names_of_the_past_are_told_to_be_those_of_now(
    catalog: CatalogService, shop: Shop, store: Store
) -> None:
    before = store.sequence()
    model = shop.model("old")
    then = store.sequence()
    catalog.rename("mlmodel", model.id, "new", actor=ME)
    assert catalog.get("mlmodel", ("mlmodel", "headwater.new"), as_of=then).name == "old"
    with pytest.raises(NotFoundError, match="by the name that it has now, or by its id"):
        catalog.get("mlmodel", ("mlmodel", "headwater.old"), as_of=then)
    with pytest.raises(NotFoundError, match=r"there was no .* yet as of") as caught:
        catalog.get("mlmodel", ("mlmodel", "headwater.new"), as_of=before)
    assert "fqn" not in caught.value.details  # nobody suggests the very name
