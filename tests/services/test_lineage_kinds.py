"""Lineage among all kinds: versions and their stages, containers, whatever else there is."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from headwater.catalog import CatalogService, Written
from headwater.errors import InvalidInputError
from headwater.lineage import LineageService
from headwater.lineage.kind import FEATURE, UNRESOLVED, known_kinds
from headwater.schemas import kinds
from headwater.store import Store
from headwater.store.moment import AtVersion
from tests.services.shop import BOT, ME, Shop, drawn, names

S = "wh.main.shop"
HUB = f"{S}.hub"


def version(catalog: CatalogService, shop: Shop, name: str, *sources: str) -> Written:
    """A version of the model ``churn``, trained on columns."""
    feature = {"name": "f", "featureSources": [shop.source(text) for text in sources]}
    body = {"name": name, "mlmodel": "headwater.churn", "mlFeatures": [feature]}
    return catalog.put("modelVersion", body, actor=ME)


@pytest.fixture
def lake(catalog: CatalogService) -> str:
    """FQN of a container with the columns ``x`` and ``at.day``."""
    catalog.put("storageService", {"name": "lake"}, actor=ME)
    return container(catalog, "x").fqn


def container(catalog: CatalogService, *columns: str) -> Written:
    day = {"name": "day", "dataType": "DATE"}
    nested = {"name": "at", "dataType": "STRUCT", "children": [day]}
    body = {
        "name": "events",
        "service": "lake",
        "columns": [*({"name": name, "dataType": "INT"} for name in columns), nested],
    }
    return catalog.put("container", body, actor=BOT)


def test_parts_of_every_schema_are_kinds_of_nodes() -> None:
    assert {*kinds(), "column", FEATURE, UNRESOLVED} == known_kinds()


def test_impact_tells_the_stages_of_versions_and_models(
    catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    shop.table("hub", "x", "y")
    shop.model("churn")
    made = {name: version(catalog, shop, name, "hub.x") for name in ("a", "b", "c")}
    version(catalog, shop, "other", "hub.y")
    for name, stage in (("a", "production"), ("b", "staging")):
        catalog.model_versions.set_stage(made[name].id, stage, actor=ME)
    found = lineage.impact(f"{HUB}.x")
    assert names(found["models"]) == [
        "headwater.churn", *(f"headwater.churn.{name}" for name in "abc")
    ]  # fmt: skip
    model, *versions = found["models"]
    assert [each["stage"] for each in versions] == ["production", "staging", "none"]
    assert [each["stage"] for each in model["stages"]] == ["staging", "production"]
    assert model["stages"][1]["versions"][0]["name"] == "a"
    assert [step["name"] for step in versions[1]["path"]] == ["x", "b"]


def test_impact_by_stage_counts_what_is_there_alone(
    catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    shop.table("hub", "x")
    shop.model("churn")
    shop.model("plain", features={"f": ["hub.x"]})
    made = [version(catalog, shop, name, "hub.x") for name in ("a", "b")]
    assert lineage.impact(f"{HUB}.x", stage="production")["models"] == []
    catalog.model_versions.set_stage(made[0].id, "production", actor=ME)
    for asked in (f"{HUB}.x", HUB):
        found = lineage.impact(asked, stage="production")
        assert names(found["models"]) == ["headwater.churn", "headwater.churn.a"]
        assert (found["total"], found["truncated"]) == (2, False)
    few = lineage.impact(HUB, stage="production", limit=1)
    assert (names(few["models"]), few["total"]) == (["headwater.churn"], 2)
    assert names(lineage.impact(HUB, stage="none")["models"]) == ["headwater.churn.b"]
    catalog.model_versions.set_stage(made[0].id, "archived", actor=ME)
    assert names(lineage.impact(HUB, stage="archived")["models"]) == ["headwater.churn.a"]
    with pytest.raises(InvalidInputError, match="stage is none or staging"):
        lineage.impact(HUB, stage="live")


def test_deleted_versions_are_left_out_and_the_past_has_its_stages(
    store: Store, catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    shop.table("hub", "x")
    shop.model("churn")
    made = version(catalog, shop, "a", "hub.x")
    catalog.model_versions.set_stage(made.id, "staging", actor=ME)
    then = store.sequence()
    catalog.delete("modelVersion", made.id, actor=ME)
    assert lineage.impact(HUB)["models"] == []
    past = lineage.impact(HUB, as_of=then, stage="staging")
    assert [each["stage"] for each in past["models"] if "stage" in each] == ["staging"]
    assert lineage.impact(HUB, as_of=AtVersion("0.1"))["total"] == 0


def test_a_container_s_columns_feed_features_as_a_table_s_do(
    catalog: CatalogService, lineage: LineageService, shop: Shop, lake: str
) -> None:
    sources = [
        {"name": "x", "dataSource": {"type": "container", "fullyQualifiedName": lake}},
        {"name": "at.day", "dataSource": lake},
        {"name": "later", "dataSource": lake},
    ]
    shop.model(mlFeatures=[{"name": "f", "featureSources": sources}])
    assert names(lineage.impact(f"{lake}.x")["models"]) == ["headwater.churn"]
    assert names(lineage.impact(f"{lake}.at.day")["models"]) == ["headwater.churn"]
    container(catalog, "x", "later")
    path = lineage.path(f"container:{lake}", "headwater.churn")
    assert (path["level"], [node["kind"] for node in path["nodes"]]) == (
        "column", ["column", FEATURE, "mlmodel"]
    )  # fmt: skip
    assert names(lineage.impact(f"{lake}.later")["models"]) == ["headwater.churn"]
    shown = drawn(lineage.walk("headwater.churn", upstream=2, level="feature"))
    assert f"{lake} -> headwater.churn.f" in shown
    made = catalog.put(
        "modelVersion",
        {"name": "a", "mlmodel": "headwater.churn",
         "mlFeatures": [{"name": "f", "featureSources": sources}]},
        actor=ME,
    )  # fmt: skip
    frozen = json.loads(made.document)["frozenSources"]
    assert [each["dataSource"]["type"] for each in frozen] == ["container"] * 3
    assert all("columnId" in each for each in frozen)


def test_a_source_names_its_table_or_container_alone(
    catalog: CatalogService, shop: Shop, lake: str
) -> None:
    source: dict[str, Any] = {"name": "x", "dataSource": "lake.nothing"}
    with pytest.raises(InvalidInputError, match=r"no table or container 'lake\.nothing'"):
        shop.model(mlFeatures=[{"name": "f", "featureSources": [source]}])
    # A container may be called as a table is, with its whole path.
    catalog.put("storageService", {"name": "wh"}, actor=ME)
    shop.table("t", "x")
    catalog.put("container", {"name": "main.shop.t", "service": "wh"}, actor=ME)
    assert shop.model(features={"f": ["t.x"]}).created


def test_edges_lead_from_any_kind_to_any_other(
    catalog: CatalogService, lineage: LineageService, shop: Shop, lake: str
) -> None:
    shop.table("hub", "x")
    shop.model("churn", features={"f": ["hub.x"]})
    made = {
        "modelVersion": version(catalog, shop, "a", "hub.x").fqn,
        "mlmodel": "headwater.churn",
        "table": HUB,
        "container": lake,
    }
    for kind, body in (
        ("artifact", {"name": "weights"}),
        ("artifactVersion", {"name": "1", "artifact": "weights"}),
        ("dashboardService", {"name": "bi"}),
        ("dashboard", {"name": "sales", "service": "bi"}),
        ("pipelineService", {"name": "air"}),
        ("pipeline", {"name": "nightly", "service": "air"}),
        ("pipelineRun", {"name": "1", "pipeline": "air.nightly"}),
    ):
        made[kind] = catalog.put(kind, body, actor=ME).fqn
    order = ["container", "table", "pipelineRun", "modelVersion", "artifactVersion", "mlmodel"]
    chain = [f"{kind}:{made[kind]}" for kind in [*order, "dashboard"]]
    for start, end in pairwise(chain):
        lineage.put_edge({"fromEntity": start, "toEntity": end}, actor=BOT)
    column = {"fromEntity": f"column:{lake}.x", "toEntity": f"column:{HUB}.x"}
    lineage.put_edge(column, actor=BOT)
    path = lineage.path(chain[0], chain[-1], level="entity")
    assert len(path["nodes"]) == 4  # the table feeds the model itself
    assert names(lineage.roots(chain[-1])["roots"]) == [lake]
    assert lineage.path(f"{lake}.at.day", chain[-1])["level"] == "entity"
    assert names(lineage.impact(f"{lake}.x")["models"]) == ["headwater.churn", "headwater.churn.a"]
    for node in chain:
        assert lineage.walk(node, upstream=9, downstream=9, level="column")["nodes"]


def run(catalog: CatalogService, **fields: Any) -> Written:
    """A run of the pipeline ``air.nightly``."""
    catalog.put("pipelineService", {"name": "air"}, actor=BOT)
    catalog.put("pipeline", {"name": "nightly", "service": "air"}, actor=BOT)
    body = {"name": "1", "pipeline": "air.nightly", **fields}
    return catalog.put("pipelineRun", body, actor=BOT)


def test_what_a_run_read_and_wrote_is_lineage(
    store: Store, catalog: CatalogService, lineage: LineageService, shop: Shop, lake: str
) -> None:
    shop.table("hub", "x")
    shop.table("made", "x")
    shop.model("churn")
    trained = catalog.put("modelVersion", {"name": "v", "mlmodel": "headwater.churn"}, actor=BOT)
    written = {"outputs": [f"{S}.made", {"id": trained.id}]}
    before = store.sequence()
    first = run(catalog, inputs=[HUB, lake], **written)
    assert store.sequence() == before + 3
    walk = lineage.walk(("table", HUB), upstream=5, downstream=5)
    assert drawn(walk) == {
        "hub -> air.nightly.1",
        "air.nightly.1 -> made",
        "air.nightly.1 -> headwater.churn.v",
    }
    assert names(lineage.impact(HUB)["models"]) == ["headwater.churn.v"]
    found = lineage.impact(f"{HUB}.x")
    assert (found["models"], names(found["tableLevelModels"])) == ([], ["headwater.churn.v"])
    then = store.sequence()
    again = run(catalog, inputs=[HUB], **written)
    assert again.id == first.id
    assert drawn(lineage.walk(("pipelineRun", "air.nightly.1"), upstream=1, downstream=0)) == {
        "hub -> air.nightly.1"
    }
    was = lineage.walk(("pipelineRun", "air.nightly.1"), upstream=1, downstream=0, as_of=then)
    assert len(was["edges"]) == 2
    assert not run(catalog, inputs=[HUB], **written).changed


def test_a_run_adds_nothing_where_columns_are_known(
    catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    shop.table("hub", "x", "y")
    shop.table("side", "z")
    shop.model("churn")
    trained = version(catalog, shop, "v", "hub.x")
    outputs = [{"id": trained.id}]
    run(catalog, inputs=[HUB, f"{S}.side"], outputs=outputs)
    unused, used, unknown = (lineage.impact(f"{S}.{c}") for c in ("hub.y", "hub.x", "side.z"))
    assert (unused["models"], unused["tableLevelModels"]) == ([], [])
    assert (names(used["models"]), used["tableLevelModels"]) == (["headwater.churn.v"], [])
    assert names(unknown["tableLevelModels"]) == ["headwater.churn.v"]


def test_what_a_person_took_away_of_a_run_stays_away(
    catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    for name in ("hub", "made"):
        shop.table(name, "x")
    ends = {"inputs": [HUB], "outputs": [f"{S}.made"]}
    run(catalog, **ends)
    cut = {"fromEntity": f"table:{HUB}", "toEntity": "pipelineRun:air.nightly.1"}
    lineage.delete_edge(cut, actor=ME)
    run(catalog, codeVersion="2", **ends)
    around = lineage.walk(("pipelineRun", "air.nightly.1"), upstream=3, downstream=3)
    assert drawn(around) == {"air.nightly.1 -> made"}


def test_a_column_edge_that_a_person_took_away_leaves_nothing_uncertain(
    store: Store, catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    shop.table("hub", "x", "y")
    shop.model("churn", features={"f": ["hub.x"]})
    before = store.sequence()
    cut = {"fromEntity": f"column:{HUB}.x", "toEntity": "mlFeature:headwater.churn.f"}
    lineage.delete_edge(cut, actor=ME)
    for column in "xy":
        found = lineage.impact(f"{HUB}.{column}")
        assert (found["models"], found["tableLevelModels"]) == ([], [])
    assert names(lineage.impact(HUB)["models"]) == ["headwater.churn"]
    assert names(lineage.impact(f"{HUB}.x", as_of=before)["models"]) == ["headwater.churn"]
    lineage.put_edge(cut, actor=ME)
    assert names(lineage.impact(f"{HUB}.x")["models"]) == ["headwater.churn"]
