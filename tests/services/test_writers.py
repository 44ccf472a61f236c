"""Several writers: whose words and elements stay, and what they meet when they write at once."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from headwater.catalog import Actor, CatalogService, Written, bulk
from headwater.errors import InvalidInputError, StaleWriteError
from headwater.lineage import LineageService
from headwater.store import Store
from headwater.store.base import WriteSet
from headwater.store.draft import Draft, load, now_ms, same_version, until_current
from tests.services.shop import BOT, ME, Shop


def doc(written: Written) -> dict[str, Any]:
    """The document that a write left."""
    document: dict[str, Any] = json.loads(written.document)
    return document


def sources(document: dict[str, Any]) -> list[str]:
    """The tables of the first feature's sources."""
    return [each["dataSource"]["name"] for each in document["mlFeatures"][0]["featureSources"]]


@pytest.fixture
def meanwhile(store: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Has another writer be faster: its write happens just before the next commit."""

    def first(write: Callable[[], Any]) -> None:
        commit, waiting = store.commit, [write]

        def slow(write_set: WriteSet) -> int:
            if waiting:
                waiting.pop()()
            return commit(write_set)

        monkeypatch.setattr(store, "commit", slow)

    return first


def test_a_bots_patch_keeps_what_people_wrote(catalog: CatalogService, shop: Shop) -> None:
    made = shop.model(actor=BOT, mlFeatures=[{"name": "f"}])
    words = [
        {"op": "add", "path": "/description", "value": "mine"},
        {"op": "add", "path": "/mlFeatures/0/description", "value": "mine"},
    ]
    catalog.patch("mlmodel", made.id, words, actor=ME)
    patch = {
        "description": None,
        "license": "MIT",
        "mlFeatures": [{"name": "f", "description": "machine's", "dataType": "numerical"}],
    }
    left = doc(catalog.patch("mlmodel", made.id, patch, actor=BOT))
    assert (left["description"], left["license"]) == ("mine", "MIT")
    assert left["mlFeatures"][0]["description"] == "mine"
    assert left["mlFeatures"][0]["dataType"] == "numerical"


@pytest.mark.parametrize("setter", [BOT, ME], ids=["machine", "person"])
def test_a_machines_patch_of_something_else_leaves_tags_and_owners_whose_they_are(
    catalog: CatalogService, shop: Shop, setter: Actor
) -> None:
    catalog.put("classification", {"name": "C"}, actor=ME)
    catalog.put("tag", {"name": "t", "classification": "C"}, actor=ME)
    catalog.put("team", {"name": "ops"}, actor=ME)
    held: dict[str, Any] = {"tags": ["C.t"], "owners": ["ops"]}
    made = shop.model(actor=setter, **held)
    change = {"op": "add", "path": "/description", "value": "d"}
    catalog.patch("mlmodel", made.id, [change], actor=Actor("other", "bot", "other"))
    left = doc(shop.model(actor=setter, tags=[], owners=[]))
    assert not left.get("tags")
    assert not left.get("owners")


def test_a_machines_patch_leaves_a_source_that_a_person_added(
    catalog: CatalogService, shop: Shop
) -> None:
    shop.table("t", "a")
    made = shop.model(actor=BOT, features={"f": ["t.a"]})
    mine = {"op": "add", "path": "/mlFeatures/0/featureSources/-", "value": {"name": "mine"}}
    catalog.patch("mlmodel", made.id, [mine], actor=ME)
    patch = {"mlFeatures": [{"name": "f", "featureSources": [shop.source("t.a")]}]}
    left = doc(catalog.patch("mlmodel", made.id, patch, actor=BOT))["mlFeatures"][0]
    assert [each["name"] for each in left["featureSources"]] == ["a", "mine"]
    left = doc(catalog.patch("mlmodel", made.id, {"mlFeatures": None}, actor=BOT))
    assert not left.get("mlFeatures"), "the feature was the machine's, and its sources go with it"


def test_a_bots_null_takes_its_own_elements_away(shop: Shop) -> None:
    shop.model(mlFeatures=[{"name": "mine"}])
    shop.model(actor=BOT, mlFeatures=[{"name": "found"}])
    left = doc(shop.model(actor=BOT, mlFeatures=None))
    assert [feature["name"] for feature in left["mlFeatures"]] == ["mine"]
    assert "mlFeatures" not in doc(shop.model(mlFeatures=None))


def test_sources_of_two_writers_that_share_a_name_are_two(
    catalog: CatalogService, shop: Shop
) -> None:
    for table in "abc":
        shop.table(table, "id")
    made = shop.model(actor=BOT, features={"f": []})
    mine = [{"op": "add", "path": "/mlFeatures/0/featureSources", "value": [shop.source("b.id")]}]
    catalog.patch("mlmodel", made.id, mine, actor=ME)
    assert sources(doc(shop.model(actor=BOT, features={"f": ["a.id"]}))) == ["b", "a"]
    assert sources(doc(shop.model(actor=BOT, features={"f": ["c.id"]}))) == ["b", "c"]
    assert sources(doc(shop.model(actor=BOT, features={"f": []}))) == ["b"]


def test_a_writer_takes_away_its_source_that_came_to_share_its_name(shop: Shop) -> None:
    shop.table("a", "id")
    shop.table("b", "id")
    shop.model(features={"f": []})
    shop.model(actor=BOT, features={"f": ["a.id"]})
    shop.model(features={"f": ["a.id", "b.id"]})
    assert sources(doc(shop.model(actor=BOT, features={"f": []}))) == ["b"]


def test_one_source_spelled_twice_is_refused(catalog: CatalogService, shop: Shop) -> None:
    table = shop.table("a", "id")
    twice = [
        {"name": "id", "dataSource": table.fqn},
        {"name": "id", "dataSource": {"id": table.id}},
    ]
    body = {"name": "m", "algorithm": "x", "mlFeatures": [{"name": "f", "featureSources": twice}]}
    with pytest.raises(InvalidInputError, match="/mlFeatures/0/featureSources/1/name"):
        catalog.put("mlmodel", body, actor=ME)


def test_true_is_not_one(shop: Shop) -> None:
    shop.model(mlHyperParameters=[{"name": "n", "value": [1]}])
    left = shop.model(mlHyperParameters=[{"name": "n", "value": [True]}])
    assert left.changed
    assert doc(left)["mlHyperParameters"][0]["value"][0] is True


def test_a_later_item_of_a_bulk_is_told_against_an_earlier_one(
    catalog: CatalogService, shop: Shop
) -> None:
    shop.model(algorithm="x")
    items = [{"name": "churn", "algorithm": each} for each in "yx"]
    written = catalog.put_bulk("mlmodel", items, actor=ME).written
    assert [(w.version, doc(w)["algorithm"]) for w in written] == [("1.0", "y"), ("2.0", "x")]


def test_a_preview_of_many_tells_what_a_bulk_of_them_would_do(
    catalog: CatalogService, shop: Shop, store: Store
) -> None:
    shop.model(algorithm="x")
    model = {"name": "new", "algorithm": "y"}
    models = [model, model, {**model, "algorithm": "z"}, {**model, "name": "churn"}]
    teams = [{"name": "a"}, {"name": "b", "parents": ["a"]}, {"name": "c", "parents": ["nobody"]}]
    versions = [{"name": name, "mlmodel": "headwater.churn"} for name in ("one", "two", "one")]
    before = store.sequence()
    previews = {
        kind: catalog.preview(kind, items, actor=ME)
        for kind, items in (("mlmodel", models), ("team", teams), ("modelVersion", versions))
    }
    assert store.sequence() == before
    assert [(each["action"], each["version"]) for each in previews["mlmodel"]] == [
        ("create", "0.1"), ("none", "0.1"), ("update", "1.0"), ("update", "1.0"),
    ]  # fmt: skip
    assert [each["action"] for each in previews["team"]] == ["create", "create", "fail"]
    assert [each["action"] for each in previews["modelVersion"]] == ["create", "create", "none"]
    written = catalog.put_bulk("mlmodel", models, actor=ME).written
    assert [each.version for each in written] == [each["version"] for each in previews["mlmodel"]]


def test_a_large_bulk_is_many_commits_of_a_bounded_size(
    catalog: CatalogService, shop: Shop, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "MOST_ROWS", 30)
    before = store.sequence()
    columns = [{"name": f"c{n}", "dataType": "INT"} for n in range(9)]
    items = [{"name": f"t{n}", "databaseSchema": shop.schema, "columns": columns} for n in range(9)]
    items[4] = {"name": "t4"}
    result = catalog.put_bulk("table", items, actor=ME)
    assert [each["index"] for each in result.failed] == [4]
    assert [each.fqn[-1] for each in result.written] == list("01235678")
    assert store.sequence() - before == 3


def test_a_later_item_of_a_bulk_may_refer_to_an_earlier_one(catalog: CatalogService) -> None:
    items = [{"name": "a"}, {"name": "b", "parents": ["a"]}, {"name": "c", "parents": ["nobody"]}]
    result = catalog.put_bulk("team", items, actor=ME)
    assert [each.fqn for each in result.written] == ["a", "b"]
    assert [(each["index"], each["errors"][0]["pointer"]) for each in result.failed] == [
        (2, "/parents/0")
    ]


def test_two_sources_of_one_name_may_have_one_table(catalog: CatalogService, shop: Shop) -> None:
    shop.table("t", "id")
    sources_ = [{"name": "id", "dataSource": None}, shop.source("t.id")]
    feature = {"name": "f", "featureSources": sources_}
    for _ in range(2):
        model = shop.model(mlFeatures=[feature])
    assert len(doc(model)["mlFeatures"][0]["featureSources"]) == 2


def test_versions_are_paged_past_states_that_made_none(catalog: CatalogService, shop: Shop) -> None:
    shop.table("t", "z")
    made = shop.model(features={"f": [f"t.c{n}" for n in range(4)]})
    catalog.patch("mlmodel", made.id, {"license": "MIT"}, actor=ME)
    for n in range(4):
        shop.table("t", "z", *[f"c{each}" for each in range(n + 1)])
    first = catalog.versions("mlmodel", made.id, limit=1)
    second = catalog.versions("mlmodel", made.id, limit=1, before_rev=first[-1].rev)
    assert [state.version for state in (*first, *second)] == ["0.2", "0.1"]
    assert catalog.versions("mlmodel", made.id, limit=1, before_rev=second[-1].rev) == []


def test_a_put_that_meets_a_creation_merges_into_it(
    shop: Shop, meanwhile: Callable[[Callable[[], Any]], None]
) -> None:
    meanwhile(lambda: shop.model("m", actor=BOT, license="MIT"))
    written = shop.model("m", description="mine")
    assert not written.created
    assert doc(written)["license"] == "MIT"


def test_a_model_that_meets_its_tables_write_is_tied_to_the_new_column(
    shop: Shop, lineage: LineageService, meanwhile: Callable[[Callable[[], Any]], None]
) -> None:
    shop.table("a", "x")
    meanwhile(lambda: shop.table("a", "x", "later"))
    shop.model(features={"f": ["a.later"]})
    assert len(lineage.impact("wh.main.shop.a.later")["models"]) == 1


def test_a_source_that_began_to_wait_during_a_tables_write_is_tied_by_the_next(
    shop: Shop, lineage: LineageService, meanwhile: Callable[[Callable[[], Any]], None]
) -> None:
    shop.table("a", "x")
    meanwhile(lambda: shop.model(features={"f": ["a.later"]}))
    shop.table("a", "x", "later")
    assert not shop.table("a", "x", "later").changed
    assert len(lineage.impact("wh.main.shop.a.later")["models"]) == 1


def test_who_takes_long_gets_through_between_those_who_do_not(
    store: Store, catalog: CatalogService
) -> None:
    made = catalog.put("team", {"name": "ops"}, actor=ME)
    done = threading.Event()

    def write(number: int) -> None:
        while not done.is_set():
            catalog.patch("team", made.id, {"description": f"{number} {now_ms()}"}, actor=ME)

    def slowly() -> None:
        record = catalog.get("team", made.id)
        time.sleep(0.05)  # as one who reads much
        Draft(entities=[same_version(record, load(record))]).commit(store, ME)

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, number) for number in range(4)]
        try:
            until_current(slowly)
        finally:
            done.set()
        for writer in writers:
            writer.result()


def test_who_never_gets_through_is_told_that_nothing_was_written() -> None:
    def attempt() -> None:
        raise StaleWriteError("team 'ops' is not as it was read", id="1")

    with pytest.raises(StaleWriteError, match="nothing was written: try again") as caught:
        until_current(attempt)
    assert caught.value.details["id"] == "1"
