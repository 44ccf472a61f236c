"""Edges that follow from models, walks and impact, through the services."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headwater.catalog import CatalogService
from headwater.errors import ConflictError, InvalidInputError, NotFoundError
from headwater.lineage import LineageService
from headwater.store import Store
from tests.services.shop import BOT, ME, Shop, drawn, names, view


def model_walk(lineage: LineageService, level: str = "column", **options: Any) -> set[str]:
    """The lineage of the model ``churn``."""
    options = {"upstream": 5, "downstream": 0, **options}
    return drawn(lineage.walk(("mlmodel", "headwater.churn"), level=level, **options))


def test_a_model_over_three_tables_gets_edges_at_both_levels_in_one_commit(
    store: Store, lineage: LineageService, shop: Shop
) -> None:
    for table in ("a", "b", "c"):
        shop.table(table, "x", "y")
    before = store.sequence()
    shop.model(features={"f": ["a.x", "b.y"], "g": ["c.x"]})
    assert store.sequence() == before + 1
    churn = "headwater.churn"
    assert model_walk(lineage) == {
        f"a.x -> {churn}.f", f"b.y -> {churn}.f", f"c.x -> {churn}.g",
        f"{churn}.f -> {churn}", f"{churn}.g -> {churn}",
    }  # fmt: skip
    assert model_walk(lineage, "entity") == {f"{table} -> {churn}" for table in "abc"}


def test_taking_a_source_away_closes_its_edges_and_the_past_can_be_asked(
    store: Store, lineage: LineageService, shop: Shop
) -> None:
    for table in ("a", "b", "c"):
        shop.table(table, "x")
    shop.model(features={"f": ["a.x", "b.x"], "g": ["c.x"]})
    then = store.sequence()
    fine, coarse = model_walk(lineage), model_walk(lineage, "entity")
    shop.model(features={"f": ["a.x"]})
    churn = "headwater.churn"
    assert model_walk(lineage) == {f"a.x -> {churn}.f", f"{churn}.f -> {churn}"}
    assert model_walk(lineage, "entity") == {f"a -> {churn}"}
    assert model_walk(lineage, as_of=then) == fine
    assert model_walk(lineage, "entity", as_of=then) == coarse


def test_a_source_waits_for_its_column_and_is_tied_when_the_table_brings_it(
    catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    shop.table("a", "x")
    made = shop.model(features={"f": ["a.later", "nowhere"]})
    churn = "headwater.churn"
    assert model_walk(lineage) == {
        f"a.later -> {churn}.f", f"{churn}.f.nowhere -> {churn}.f", f"{churn}.f -> {churn}"
    }  # fmt: skip
    assert lineage.impact("wh.main.shop.a.x")["models"] == []
    assert names(lineage.impact("wh.main.shop.a.x")["tableLevelModels"]) == [churn]
    shop.table("a", "x", "later")
    assert names(lineage.impact("wh.main.shop.a.later")["models"]) == [churn]
    record = catalog.get("mlmodel", made.id)
    source = json.loads(record.document)["mlFeatures"][0]["featureSources"][0]
    assert source["columnId"] == lineage.find("column:wh.main.shop.a.later").id
    assert record.version == "0.1"
    assert not shop.model(features={"f": ["a.later", "nowhere"]}).changed


def test_a_dropped_column_keeps_its_edges_and_heals_when_it_returns(
    lineage: LineageService, shop: Shop
) -> None:
    shop.table("a", "x", "y")
    shop.model(features={"f": ["a.x"]})
    shop.table("a", "y")
    broken = lineage.impact("wh.main.shop.a.x")
    assert names(broken["models"]) == ["headwater.churn"]
    assert broken["models"][0]["path"][0]["dropped"] is True
    assert not shop.model(features={"f": ["a.x"]}).changed
    shop.table("a", "x", "y")
    assert "dropped" not in lineage.impact("wh.main.shop.a.x")["models"][0]["path"][0]


def test_walks_go_up_and_down_to_a_depth_at_every_level(
    lineage: LineageService, shop: Shop
) -> None:
    shop.table("raw", "x", "z")
    shop.table("view", "x2")
    view(lineage, "raw", "view", ("x", "x2"))
    shop.model(features={"f": ["view.x2"]})
    churn = "headwater.churn"
    feature = {"raw -> view", f"view -> {churn}.f", f"{churn}.f -> {churn}"}
    assert model_walk(lineage, "feature") == feature
    assert model_walk(lineage, "entity") == {"raw -> view", f"view -> {churn}"}
    assert model_walk(lineage, "entity", upstream=1) == {f"view -> {churn}"}
    assert model_walk(lineage, "column", upstream=2) == {
        f"view.x2 -> {churn}.f", f"{churn}.f -> {churn}"
    }  # fmt: skip
    down = lineage.walk(("table", "wh.main.shop.raw"), upstream=0, downstream=9, level="feature")
    assert drawn(down) == feature
    column = lineage.walk("wh.main.shop.raw.x", upstream=1, downstream=9, level="column")
    assert drawn(column) == {
        "raw.x -> view.x2", f"view.x2 -> {churn}.f", f"{churn}.f -> {churn}"
    }  # fmt: skip
    middle = lineage.walk("mlFeature:headwater.churn.f", upstream=9, downstream=9, level="column")
    assert {n["depth"] for n in middle["nodes"]} == {-2, -1, 0, 1}


def test_impact_names_models_with_a_path_and_leaves_deleted_ones_out(
    catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    shop.table("raw", "x", "z")
    shop.table("view", "x2")
    view(lineage, "raw", "view", ("x", "x2"))
    shop.model("churn", features={"f": ["view.x2"]})
    gone = shop.model("gone", features={"f": ["view.x2"]})
    catalog.delete("mlmodel", gone.id, actor=ME)
    answer = lineage.impact("wh.main.shop.raw.x")
    assert names(answer["models"]) == ["headwater.churn"]
    assert [step["kind"] for step in answer["models"][0]["path"]] == [
        "column", "column", "mlFeature", "mlmodel"
    ]  # fmt: skip
    assert lineage.impact("wh.main.shop.raw.z")["models"] == []
    assert lineage.impact("wh.main.shop.raw.z")["tableLevelModels"] == []
    assert names(lineage.impact("wh.main.shop.raw")["models"]) == ["headwater.churn"]
    assert lineage.impact("wh.main.shop.raw.x", depth=1)["models"] == []


def test_a_deleted_table_in_between_is_shown_as_deleted_and_hides_nothing(
    catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    shop.table("raw", "x")
    middle = shop.table("view", "x2")
    view(lineage, "raw", "view", ("x", "x2"))
    shop.model("churn", features={"f": ["view.x2"]})
    catalog.delete("table", middle.id, actor=ME)
    (model,) = lineage.impact("wh.main.shop.raw.x")["models"]
    assert [step.get("deleted", False) for step in model["path"]] == [False, True, False, False]
    assert names(lineage.impact("wh.main.shop.raw")["models"]) == ["headwater.churn"]
    for level in ("entity", "feature", "column"):
        up = lineage.walk(("mlmodel", "headwater.churn"), upstream=5, level=level)
        assert [n["name"] for n in up["nodes"] if n.get("deleted")] == [
            "x2" if level == "column" else "view"
        ]


def test_an_fqn_of_two_kinds_is_answered_with_the_candidates(
    catalog: CatalogService, lineage: LineageService
) -> None:
    catalog.put("databaseService", {"name": "twin"}, actor=ME)
    catalog.put("mlmodelService", {"name": "twin"}, actor=ME)
    with pytest.raises(ConflictError) as caught:
        lineage.walk("twin")
    assert caught.value.details["candidates"] == ["databaseService:twin", "mlmodelService:twin"]
    assert lineage.walk("mlmodelService:twin")["nodes"][0]["kind"] == "mlmodelService"
    with pytest.raises(NotFoundError):
        lineage.walk("nowhere")


def test_an_edge_written_again_writes_nothing_and_replaces_its_own_columns_only(
    store: Store, lineage: LineageService, shop: Shop
) -> None:
    shop.table("raw", "x", "y")
    shop.table("view", "v")
    view(lineage, "raw", "view", ("x", "v"))
    then = store.sequence()
    view(lineage, "raw", "view", ("x", "v"))
    assert store.sequence() == then
    by_hand = {
        "fromEntity": "column:wh.main.shop.raw.x",
        "toEntity": "column:wh.main.shop.view.v",
        "lineageDetails": {"description": "checked"},
    }
    lineage.put_edge(by_hand, actor=ME)
    view(lineage, "raw", "view", ("y", "v"))
    seen = drawn(lineage.walk("table:wh.main.shop.view", level="column"), levels=("fine",))
    assert seen == {"raw.x -> view.v", "raw.y -> view.v"}


def test_a_person_suppresses_a_derived_edge_until_lineage_is_added_again(
    lineage: LineageService, shop: Shop
) -> None:
    shop.table("a", "x")
    shop.table("b", "x")
    made = shop.model(features={"f": ["a.x", "b.x"]})
    cut = {"fromEntity": "table:wh.main.shop.a", "toEntity": "mlmodel:headwater.churn"}
    lineage.delete_edge(cut, actor=ME)
    assert model_walk(lineage, "feature") == {
        "b -> headwater.churn.f", "headwater.churn.f -> headwater.churn"
    }  # fmt: skip
    shop.model(features={"f": ["a.x", "b.x"]}, description="written again")
    assert "a -> headwater.churn" not in model_walk(lineage, "entity")
    answer = lineage.add_mlmodel_lineage(made.id, actor=ME)
    assert "a -> headwater.churn.f" in drawn(answer)
    assert "a -> headwater.churn" in model_walk(lineage, "entity")


def test_adding_lineage_brings_back_nothing_but_what_the_model_says_now(
    lineage: LineageService, shop: Shop
) -> None:
    """Neither a feature that it had and has again, nor what a connector says of it."""
    shop.table("a", "x")
    shop.table("b", "x")
    shop.model(features={"f": ["a.x"], "g": ["b.x"]})
    model = "mlmodel:headwater.churn"
    reported = {"fromEntity": "table:wh.main.shop.b", "toEntity": model}
    lineage.put_edge(reported, actor=BOT)
    lineage.delete_edge({**reported, "fromEntity": "mlFeature:headwater.churn.g"}, actor=ME)
    lineage.delete_edge(reported, actor=ME)
    made = shop.model(features={"f": ["a.x"]})
    lineage.add_mlmodel_lineage(made.id, actor=ME)
    lineage.put_edge(reported, actor=BOT)
    shop.model(features={"f": ["a.x"], "g": []})
    assert model_walk(lineage) == {
        "a.x -> headwater.churn.f", "headwater.churn.f -> headwater.churn"
    }  # fmt: skip
    assert model_walk(lineage, "entity") == {"a -> headwater.churn"}


def test_an_edge_that_a_person_deletes_stays_away_from_its_connector(
    lineage: LineageService, shop: Shop
) -> None:
    shop.table("raw", "x")
    shop.table("view", "v")
    view(lineage, "raw", "view", ("x", "v"))
    ends = {"fromEntity": "table:wh.main.shop.raw", "toEntity": "table:wh.main.shop.view"}
    lineage.delete_edge(ends, actor=ME)
    view(lineage, "raw", "view", ("x", "v"))
    assert lineage.walk("table:wh.main.shop.view")["edges"] == []
    lineage.put_edge(ends, actor=ME)
    view(lineage, "raw", "view", ("x", "v"))
    assert drawn(lineage.walk("table:wh.main.shop.view")) == {"raw -> view"}


def test_what_a_person_deleted_between_entities_stays_away_however_a_connector_says_it(
    lineage: LineageService, shop: Shop
) -> None:
    """A column edge implies one between the tables."""
    for table in "ab":
        shop.table(table, "x")
    whole = {"fromEntity": "table:wh.main.shop.a", "toEntity": "table:wh.main.shop.b"}
    part = {"fromEntity": "column:wh.main.shop.a.x", "toEntity": "column:wh.main.shop.b.x"}
    around = ("table", "wh.main.shop.b")
    lineage.put_edge(whole, actor=BOT)
    lineage.delete_edge(whole, actor=ME)
    lineage.put_edge(part, actor=BOT)
    assert drawn(lineage.walk(around)) == set()
    assert drawn(lineage.walk(around, level="column")) == set()
    lineage.put_edge(part, actor=ME)
    assert drawn(lineage.walk(around)) == {"a -> b"}
    lineage.delete_edge(whole, actor=ME)
    lineage.put_edge(part, actor=BOT)
    assert drawn(lineage.walk(around)) == {"a -> b"}, "no machine said what the person took back"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"fromEntity": "table:no", "toEntity": "table:wh.main.shop.a"}, "/fromEntity"),
        ({"fromEntity": "table:wh.main.shop.a", "toEntity": "table:wh.main.shop.a"}, "/toEntity"),
        ({"fromEntity": "table:wh.main.shop.a"}, "/toEntity"),
        ({"fromEntity": {}, "toEntity": "table:wh.main.shop.a"}, "/fromEntity"),
        ({"fromEntity": "table:wh.main.shop.a", "toEntity": "table:wh.main.shop.b",
          "lineageDetails": {"columnsLineage": [
              {"fromColumns": ["wh.main.shop.a.no"], "toColumn": "wh.main.shop.b.x"}]}},
         "/lineageDetails/columnsLineage/0/fromColumns/0"),
    ],
)  # fmt: skip
def test_a_bad_edge_names_the_place(
    lineage: LineageService, shop: Shop, body: Any, pointer: str
) -> None:
    shop.table("a", "x")
    shop.table("b", "x")
    with pytest.raises(InvalidInputError) as caught:
        lineage.put_edge(body, actor=ME)
    assert [fault["pointer"] for fault in caught.value.details["errors"]] == [pointer]


def test_a_hub_is_cut_at_the_limit_counted_and_read_in_pages(
    catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    shop.table("hub", "x")
    models = [
        {"name": f"m{n:03}", "algorithm": "a", "mlFeatures": [
            {"name": "f", "featureSources": [shop.source("hub.x")]}]}
        for n in range(60)
    ]  # fmt: skip
    assert not catalog.put_bulk("mlmodel", models, actor=ME).failed
    hub = ("table", "wh.main.shop.hub")
    walk = lineage.walk(hub, downstream=2, limit=25)
    assert len(walk["edges"]) == 25
    assert walk["truncated"] is True
    assert walk["more"] == [{"id": walk["root"], "direction": "downstream", "count": 35}]
    seen: list[str] = []
    after = None
    while True:
        page = lineage.neighbours(hub, limit=25, after=after)
        seen += names(page["data"])
        after = page["paging"].get("after")
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 60


def test_impact_counts_all_models_however_few_it_lists(
    catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    shop.table("hub", "x")
    feature = {"name": "f", "featureSources": [shop.source("hub.x")]}
    models = [{"name": f"m{n}", "algorithm": "a", "mlFeatures": [feature]} for n in range(9)]
    catalog.put_bulk("mlmodel", models, actor=ME)
    answer = lineage.impact("wh.main.shop.hub.x", limit=4)
    assert names(answer["models"]) == [f"headwater.m{n}" for n in range(4)]
    assert (answer["total"], answer["truncated"]) == (9, True)
    assert answer["tableLevelModels"] == []
    whole = lineage.impact("wh.main.shop.hub.x", limit=9)
    assert (len(whole["models"]), whole["truncated"]) == (9, False)


def test_cycles_end(lineage: LineageService, shop: Shop) -> None:
    for name in "abc":
        shop.table(name, "x")
    for start, end in ("ab", "bc", "ca"):
        view(lineage, start, end, ("x", "x"))
    for level in ("entity", "feature", "column"):
        walk = lineage.walk("table:wh.main.shop.a", upstream=50, downstream=50, level=level)
        assert len(walk["edges"]) == 3
        assert [len(edge["assertions"]) for edge in walk["edges"]] == [1, 1, 1]


def test_a_nested_column_ties_the_source_that_waits_for_its_path(
    catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    shop.table("a", "x")
    source = {"name": "address.city", "dataSource": "wh.main.shop.a"}
    shop.model(mlFeatures=[{"name": "f", "featureSources": [source]}])
    city = {"name": "city", "dataType": "TEXT"}
    columns = [{"name": "address", "dataType": "STRUCT", "children": [city]}]
    body = {"name": "a", "databaseSchema": shop.schema, "columns": columns}
    catalog.put("table", body, actor=BOT)
    assert names(lineage.impact("wh.main.shop.a.address.city")["models"]) == ["headwater.churn"]


def test_a_deleted_model_is_restored_with_its_service_and_tied_to_what_came(
    catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    shop.table("a", "x")
    service = catalog.put("mlmodelService", {"name": "svc"}, actor=ME)
    shop.model(service="svc", features={"f": ["a.later"]})
    catalog.delete("mlmodelService", service.id, actor=ME, recursive=True)
    shop.table("a", "x", "later")
    catalog.restore("mlmodelService", service.id, actor=ME)
    assert names(lineage.impact("wh.main.shop.a.later")["models"]) == ["svc.churn"]


def test_a_suppressed_source_stays_so_when_its_column_comes(
    lineage: LineageService, shop: Shop
) -> None:
    shop.table("a", "x")
    made = shop.model(features={"f": ["a.later"]})
    source, feature = "featureSource:wh.main.shop.a.later", "mlFeature:headwater.churn.f"
    lineage.delete_edge({"fromEntity": source, "toEntity": feature}, actor=ME)
    shop.table("a", "x", "later")
    shop.model(features={"f": ["a.later"]}, description="written again")
    assert lineage.impact("wh.main.shop.a.later")["models"] == []
    lineage.add_mlmodel_lineage(made.id, actor=ME)
    assert names(lineage.impact("wh.main.shop.a.later")["models"]) == ["headwater.churn"]


def test_a_source_whose_table_a_person_took_away_goes_with_it_and_its_column_brings_no_edge(
    lineage: LineageService, shop: Shop
) -> None:
    shop.table("t", "other")
    shop.table("u", "other")
    made = shop.model(features={"f": ["t.later", "u.x"]})
    assert "t.later -> headwater.churn.f" in model_walk(lineage)
    ends = {"fromEntity": "table:wh.main.shop.t", "toEntity": "mlmodel:headwater.churn"}
    lineage.delete_edge(ends, actor=ME)
    left = {"headwater.churn.f -> headwater.churn", "u.x -> headwater.churn.f"}
    assert model_walk(lineage) == left
    shop.table("t", "other", "later")
    assert model_walk(lineage) == left
    lineage.add_mlmodel_lineage(made.id, actor=ME)
    assert "t.later -> headwater.churn.f" in model_walk(lineage)


def test_a_walk_as_of_knows_what_was_there_then(
    store: Store, catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    shop.table("a", "x", "y")
    before = store.sequence()
    made = shop.model(features={"f": ["a.x"]})
    then = store.sequence()
    shop.table("a", "y")
    catalog.delete("mlmodel", made.id, actor=ME)
    up = lineage.walk(("mlmodel", made.fqn), upstream=2, level="column", as_of=then)
    assert len(up["edges"]) == 2
    assert not any("dropped" in node or "deleted" in node for node in up["nodes"])
    table = ("table", "wh.main.shop.a")
    assert len(lineage.walk(table, downstream=2, level="column", as_of=then)["edges"]) == 2
    with pytest.raises(NotFoundError, match="there was no mlmodel"):
        lineage.walk(("mlmodel", made.fqn), as_of=before)


def test_impact_ends_in_a_circle_of_untied_tables_and_keeps_to_its_depth(
    lineage: LineageService, shop: Shop
) -> None:
    for name in "abc":
        shop.table(name, "x")
    for start, end in ("ab", "ba"):
        view(lineage, start, end)
    view(lineage, "c", "a", ("x", "x"))
    shop.model(features={"f": ["b.later"]})

    def uncertain(depth: int) -> list[str]:
        found = lineage.impact("wh.main.shop.c.x", depth=depth)["tableLevelModels"]
        return [step["name"] for model in found for step in model["path"]]

    assert [uncertain(depth) for depth in (0, 1, 2)] == [[], [], []]
    assert uncertain(3) == uncertain(9) == ["x", "x", "a", "b", "churn"]


def test_a_table_may_reach_a_model_whose_feature_does_not(
    lineage: LineageService, shop: Shop
) -> None:
    """The model has a feature that is reached, and that a person says it does not use."""
    shop.table("a", "x")
    shop.table("b", "y")
    shop.model(features={"f": ["a.x"]})
    model = "mlmodel:headwater.churn"
    feature = {"fromEntity": "mlFeature:headwater.churn.f", "toEntity": model}
    lineage.delete_edge(feature, actor=ME)
    assert lineage.impact("wh.main.shop.a.x")["tableLevelModels"] == []
    view(lineage, "a", "b", ("x", "y"))
    lineage.put_edge({"fromEntity": "table:wh.main.shop.b", "toEntity": model}, actor=ME)
    found = lineage.impact("wh.main.shop.a.x")
    assert (found["models"], names(found["tableLevelModels"])) == ([], ["headwater.churn"])
    assert names(found["tableLevelModels"][0]["path"]) == [
        "wh.main.shop.a.x", "wh.main.shop.b.y", "wh.main.shop.b", "headwater.churn"
    ]  # fmt: skip


def test_an_edge_of_a_dropped_column_is_deleted_and_not_put(
    lineage: LineageService, shop: Shop
) -> None:
    shop.table("a", "x", "y")
    shop.table("b", "x")
    body = {"fromEntity": "column:wh.main.shop.a.x", "toEntity": "column:wh.main.shop.b.x"}
    lineage.put_edge(body, actor=ME)
    shop.table("a", "y")
    lineage.delete_edge(body, actor=ME)
    with pytest.raises(InvalidInputError, match="is deleted"):
        lineage.put_edge(body, actor=ME)
