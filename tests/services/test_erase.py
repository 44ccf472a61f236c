"""Erasure: gone with its past, refused while others refer to it, and a tombstone stays."""

from __future__ import annotations

import json

import pytest

from headwater.catalog import CatalogService
from headwater.errors import ConflictError, NotFoundError, PreconditionError
from headwater.lineage import LineageService
from headwater.store import Store
from tests.services.shop import BOT, ME, Shop


def test_an_erased_entity_is_gone_with_its_past(
    store: Store, catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    shop.table("t", "a")
    model = shop.model(features={"age": ["t.a"]}, description="secret")
    shop.model(features={"age": ["t.a"]}, description="more secrets")
    before = store.sequence()
    catalog.erase("mlmodel", model.id, actor=ME)
    for as_of in (None, before):
        with pytest.raises(NotFoundError, match="erased at"):
            catalog.get("mlmodel", model.id, as_of=as_of)
    assert store.versions(model.id) == []
    assert lineage.impact(f"{shop.schema}.t.a")["total"] == 0
    assert lineage.impact(f"{shop.schema}.t.a", as_of=before)["total"] == 0
    events = [each for each in store.events(limit=1000) if each.event.entity_id == model.id]
    assert events[-1].event.type == "entityErased"
    assert not any("secret" in each.event.payload for each in events)


def test_a_tombstone_says_what_was_there(store: Store, catalog: CatalogService, shop: Shop) -> None:
    table = shop.table("t", "a")
    gone = catalog.erase("table", table.id, actor=ME)
    assert gone.fqn == table.fqn
    [stone] = store.entries(entity_ids=[table.id], types=["tombstone"])
    assert json.loads(stone.data) == {"kind": "table", "fullyQualifiedName": table.fqn}
    assert stone.actor == ME.name


def test_the_name_is_free_again(catalog: CatalogService, shop: Shop) -> None:
    table = shop.table("t", "a")
    catalog.erase("table", table.id, actor=ME)
    again = shop.table("t", "a")
    assert again.created
    assert (again.id != table.id, again.version) == (True, "0.1")


def test_what_is_soft_deleted_can_be_erased(catalog: CatalogService, shop: Shop) -> None:
    table = shop.table("t", "a")
    catalog.delete("table", table.id, actor=ME)
    catalog.erase("table", table.id, actor=ME)
    with pytest.raises(NotFoundError, match="erased"):
        catalog.restore("table", table.id, actor=ME)


def test_erasing_what_others_refer_to_is_refused_and_names_them(
    catalog: CatalogService, shop: Shop
) -> None:
    table = shop.table("t", "a")
    shop.model(features={"age": ["t.a"]})
    with pytest.raises(ConflictError, match="churn") as caught:
        catalog.erase("table", table.id, actor=ME)
    assert caught.value.details["total"] == 1
    assert caught.value.details["referrers"][0]["fullyQualifiedName"] == "headwater.churn"


def test_forced_erasure_takes_the_references_out(
    catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    table = shop.table("t", "a")
    model = shop.model(features={"age": ["t.a"]})
    catalog.erase("table", table.id, actor=ME, force=True)
    found = catalog.get("mlmodel", model.id)
    [source] = json.loads(found.document)["mlFeatures"][0]["featureSources"]
    assert found.version == "0.2"
    assert source["name"] == "a"
    assert "dataSource" not in source
    assert "columnId" not in source
    again = shop.model(features={"age": ["a"]})
    assert not again.changed


def test_sources_that_only_their_tables_told_apart_become_one(
    catalog: CatalogService, shop: Shop
) -> None:
    shop.table("t", "id")
    shop.table("u", "id")
    model = shop.model(features={"key": ["t.id", "u.id"]})
    schema = ("databaseSchema", shop.schema)
    catalog.erase("databaseSchema", schema, actor=ME, recursive=True, force=True)
    [feature] = json.loads(catalog.get("mlmodel", model.id).document)["mlFeatures"]
    assert [each["name"] for each in feature["featureSources"]] == ["id"]
    catalog.patch("mlmodel", model.id, {"description": "still a valid one"}, actor=ME)


def test_a_source_that_loses_its_table_stays_whose_it_was(
    catalog: CatalogService, shop: Shop
) -> None:
    """A source of that name, too, whose table stays: the connector's go when it leaves them out."""
    gone = shop.table("t", "id")
    shop.table("u", "id")
    model = shop.model(features={"key": ["u.id"], "other": ["t.id", "u.id"]}, actor=BOT)
    sources = [shop.source(each) for each in ("u.id", "t.id")]
    catalog.patch("mlmodel", model.id, {"mlFeatures": [
        {"name": "key", "featureSources": sources}, {"name": "other", "featureSources": sources},
    ]}, actor=ME)  # fmt: skip
    catalog.erase("table", gone.id, actor=ME, force=True)
    shop.model(features={"key": ["x"], "other": []}, actor=BOT)
    features = json.loads(catalog.get("mlmodel", model.id).document)["mlFeatures"]
    left = {each["name"]: each.get("featureSources", []) for each in features}
    assert {name: [each["name"] for each in found] for name, found in left.items()} == {
        "key": ["id", "x"], "other": []
    }  # fmt: skip
    assert "dataSource" not in left["key"][0]


def test_children_are_erased_only_on_request(catalog: CatalogService, shop: Shop) -> None:
    table = shop.table("t", "a")
    with pytest.raises(ConflictError, match="recursive"):
        catalog.erase("database", ("database", "wh.main"), actor=ME)
    catalog.erase("database", ("database", "wh.main"), actor=ME, recursive=True)
    for kind, key in (("table", table.id), ("databaseSchema", ("databaseSchema", shop.schema))):
        with pytest.raises(NotFoundError):
            catalog.get(kind, key, include_deleted=True)
    assert catalog.list("databaseService").records


def test_another_state_is_not_erased(catalog: CatalogService, shop: Shop) -> None:
    table = shop.table("t", "a")
    shop.table("t", "a", "b")
    with pytest.raises(PreconditionError):
        catalog.erase("table", table.id, actor=ME, if_match=table.rev)


def test_a_reference_that_a_kind_needs_cannot_be_taken_out(catalog: CatalogService) -> None:
    catalog.put("pipelineService", {"name": "air", "serviceType": "Airflow"}, actor=ME)
    catalog.put("pipeline", {"name": "p", "service": "air"}, actor=ME)
    with pytest.raises(ConflictError):
        catalog.erase("pipelineService", ("pipelineService", "air"), actor=ME, force=True)


def test_an_unknown_id_is_simply_not_there(catalog: CatalogService) -> None:
    with pytest.raises(NotFoundError, match="there is no"):
        catalog.erase("table", "018f0000-0000-7000-8000-000000000000", actor=ME)
