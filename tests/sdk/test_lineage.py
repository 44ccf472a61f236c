"""Lineage and impact as objects and as text."""

from __future__ import annotations

from typing import Any

import pytest

from headwater import (
    Column,
    ConflictError,
    CreateMlModel,
    CreateTable,
    FeatureSource,
    Headwater,
    InvalidInputError,
    Lineage,
    LineagePath,
    MlFeature,
    MlModel,
    NotFoundError,
    Table,
)
from headwater.sdk.impact import Impact
from headwater.sdk.lineage_calls import Edge


@pytest.fixture
def view(hw: Headwater, customers: Table) -> Table:
    """A view whose column ``age_group`` is made from ``customers.age``."""
    view = hw.create(
        CreateTable(
            name="features",
            databaseSchema="shop.main.raw",
            columns=[Column(name="age_group", dataType="INT")],
        )
    )
    made = {
        "fromColumns": ["shop.main.raw.customers.age"],
        "toColumn": "shop.main.raw.features.age_group",
    }
    hw.put_edge(customers, view, details={"columnsLineage": [made]})
    return view


@pytest.fixture
def model(hw: Headwater, view: Table) -> MlModel:
    """A model with a feature from the view and one from nowhere known."""
    known = FeatureSource(name="age_group", dataSource=view.fully_qualified_name)
    features = [
        MlFeature(name="persona", featureSources=[known]),
        MlFeature(name="mood", featureSources=[FeatureSource(name="survey")]),
    ]
    return hw.create(CreateMlModel(name="churn", algorithm="RandomForest", mlFeatures=features))


def test_a_tree_goes_from_the_model_through_the_view_to_the_raw_column(
    hw: Headwater, model: MlModel
) -> None:
    assert hw.lineage(model, upstream=3, level="column").tree().splitlines() == [
        "mlmodel headwater.churn",
        "├── upstream, made from:",
        "│   ├── mlFeature headwater.churn.mood",
        "│   │   └── featureSource headwater.churn.mood.survey",
        "│   └── mlFeature headwater.churn.persona",
        "│       └── column shop.main.raw.features.age_group",
        "│           └── column shop.main.raw.customers.age",
        "└── downstream: nothing",
    ]


def test_a_table_s_tree_at_column_level_starts_from_its_columns(
    hw: Headwater, customers: Table, model: MlModel
) -> None:
    lineage = hw.lineage(customers, upstream=0, downstream=4, level="column")
    assert lineage.tree().splitlines() == [
        "table shop.main.raw.customers",
        "└── downstream, used by:",
        "    └── column shop.main.raw.customers.age",
        "        └── column shop.main.raw.features.age_group",
        "            └── mlFeature headwater.churn.persona",
        "                └── mlmodel headwater.churn",
    ]
    assert model.id in [node.id for node in lineage.downstream()]


def test_upstream_and_downstream_list_nodes_nearest_first(
    hw: Headwater, customers: Table, view: Table, model: MlModel
) -> None:
    lineage = hw.lineage(view, upstream=2, downstream=2)
    assert [node.id for node in lineage.upstream()] == [customers.id]
    assert [node.id for node in lineage.downstream()] == [model.id]
    assert lineage.root.fully_qualified_name == "shop.main.raw.features"
    assert {edge.level for edge in lineage.edges} == {"coarse"}


@pytest.mark.parametrize(
    "name",
    ["shop.main.raw.customers.age", "column:shop.main.raw.customers.age"],
)
def test_a_column_is_asked_about_by_its_name(hw: Headwater, model: MlModel, name: str) -> None:
    lineage = hw.lineage(name, downstream=5, level="column")
    assert lineage.downstream()[-1].id == model.id


def test_a_part_that_was_read_is_asked_about(hw: Headwater, model: MlModel) -> None:
    assert model.ml_features
    lineage = hw.lineage(model.ml_features[0], level="feature")
    assert [node.id for node in lineage.downstream()] == [model.id]


def test_impact_names_the_models_with_a_path(
    hw: Headwater, customers: Table, view: Table, model: MlModel
) -> None:
    impact = hw.impact("shop.main.raw.customers.age")
    assert [(found.id, found.fully_qualified_name) for found in impact.models] == [
        (model.id, "headwater.churn")
    ]
    assert [step.name for step in impact.models[0].path] == ["age", "age_group", "persona", "churn"]
    assert impact.tree().splitlines() == [
        "column shop.main.raw.customers.age reaches 1 model",
        "└── column shop.main.raw.features.age_group",
        "    └── mlFeature headwater.churn.persona",
        "        └── mlmodel headwater.churn",
    ]
    assert [found.id for found in hw.impact(customers.id, kind=Table).models] == [model.id]
    city = hw.impact("shop.main.raw.customers.city")
    assert city.models == []
    assert str(city) == "column shop.main.raw.customers.city reaches no models"
    assert hw.impact(view, depth=1).root.id == view.id


def test_a_name_of_two_kinds_asks_for_the_kind(hw: Headwater) -> None:
    hw.create({"name": "twin"}, kind="databaseService")
    hw.create({"name": "twin"}, kind="mlmodelService")
    with pytest.raises(ConflictError, match="mlmodelService:twin"):
        hw.lineage("twin")
    assert hw.lineage("twin", kind="mlmodelService").nodes
    with pytest.raises(NotFoundError):
        hw.lineage("nobody")


def test_an_edge_is_put_once_and_taken_away(hw: Headwater, customers: Table) -> None:
    report = hw.create(CreateTable(name="report", databaseSchema="shop.main.raw"))
    before = len([*hw.events()])
    for _ in range(2):
        hw.put_edge("table:shop.main.raw.customers", report, details={"description": "nightly"})
    assert len([*hw.events()]) == before + 1
    assert [node.id for node in hw.lineage(report).upstream()] == [customers.id]
    hw.delete_edge(customers, report)
    assert hw.lineage(report).upstream() == []


def test_the_lineage_before_a_source_went_is_still_there(hw: Headwater, model: MlModel) -> None:
    before = [*hw.events()][-1]["sequence"]
    model.ml_features = []
    model = hw.update(model)
    assert hw.lineage(model).upstream() == []
    assert [n.name for n in hw.lineage(model, as_of=before).upstream()] == ["features"]


def test_add_mlmodel_lineage_answers_what_the_model_is_made_from(
    hw: Headwater, model: MlModel
) -> None:
    for lineage in (hw.add_mlmodel_lineage(model), hw.add_mlmodel_lineage(model="headwater.churn")):
        assert "persona" in [node.name for node in lineage.upstream()]
    with pytest.raises(InvalidInputError):
        hw.add_mlmodel_lineage(hw.get(Table, "shop.main.raw.features"))


def test_what_is_left_out_is_counted(hw: Headwater, customers: Table) -> None:
    models = [
        CreateMlModel(
            name=f"m{n:02}",
            algorithm="A",
            mlFeatures=[
                MlFeature(
                    name="f",
                    featureSources=[
                        FeatureSource(name="age", dataSource=customers.fully_qualified_name)
                    ],
                )
            ],
        )
        for n in range(30)
    ]
    hw.bulk(MlModel, models)
    lineage = hw.lineage(customers, upstream=0, limit=10)
    assert lineage.truncated
    assert lineage.tree().splitlines()[-2].endswith("… and 20 more")
    assert "limit" in lineage.tree().splitlines()[-1]


def test_a_path_is_told_step_by_step(hw: Headwater, customers: Table, model: MlModel) -> None:
    path = hw.lineage_path(customers, "mlmodel:headwater.churn")
    assert (bool(path), len(path), path.level) == (True, 3, "column")
    assert [node.name for node in path.nodes] == ["age", "age_group", "persona", "churn"]
    assert [edge.from_id for edge in path.edges] == [node.id for node in path.nodes[:-1]]
    assert str(path).splitlines() == [
        "from table shop.main.raw.customers to mlmodel headwater.churn: 3 steps, column by column",
        "  column shop.main.raw.customers.age",
        "→ column shop.main.raw.features.age_group",
        "→ mlFeature headwater.churn.persona",
        "→ mlmodel headwater.churn",
    ]
    assert len(hw.lineage_path("shop.main.raw.customers.age", model, level="entity")) == 2
    back = hw.lineage_path(model, customers)
    assert not back
    assert str(back) == (
        "no lineage leads from mlmodel headwater.churn to table shop.main.raw.customers"
    )
    before = [*hw.events()][-1]["sequence"]
    hw.delete_edge(customers, "shop.main.raw.features")
    assert not hw.lineage_path(customers, model)
    assert hw.lineage_path(customers, model, as_of=before)


def test_a_path_that_was_searched_in_part_claims_no_more(hw: Headwater, model: MlModel) -> None:
    raw = hw.lineage_path(model, "shop.main.raw.customers").to_wire() | {"truncated": True}
    assert "there may be a way" in str(LineagePath(raw))
    raw = hw.lineage_path("shop.main.raw.customers", model, level="entity").to_wire()
    assert "finer" in str(LineagePath(raw | {"truncated": True}))


def test_a_diff_tells_what_a_write_changed(hw: Headwater, view: Table, model: MlModel) -> None:
    before = [*hw.events()][-1]["sequence"]
    assert not hw.lineage_diff(model, before)
    assert str(hw.lineage_diff(model, before)).endswith("no difference")
    hw.put_edge("shop.main.raw.customers", view, details={"description": "nightly"})
    model.ml_features = []
    hw.update(model)
    diff = hw.lineage_diff(model, "version:0.1", upstream=2)
    assert (diff.since, {each.change for each in diff.nodes}) == (before, {"removed"})
    assert str(diff).splitlines()[1:] == [
        "- table shop.main.raw.customers",
        "- table shop.main.raw.features",
        "- table shop.main.raw.customers → table shop.main.raw.features",
        "- table shop.main.raw.features → mlmodel headwater.churn",
    ]
    said = hw.lineage_diff("shop.main.raw.features", before, kind=Table)
    assert str(said).splitlines()[1:] == [
        "- mlmodel headwater.churn",
        "~ table shop.main.raw.customers → table shop.main.raw.features",
        "    - manual by person",
        "    + manual by person, description: nightly",
        "- table shop.main.raw.features → mlmodel headwater.churn",
    ]
    hw.delete(view)
    (changed,) = hw.lineage_diff("shop.main.raw.customers", before).nodes
    assert (changed.change, changed.before) == ("changed", changed.before)
    gone = str(hw.lineage_diff("shop.main.raw.customers", before))
    assert "~ table shop.main.raw.features (deleted) (was table shop.main.raw.features)" in gone


def test_roots_are_where_data_begins(hw: Headwater, customers: Table, model: MlModel) -> None:
    found = hw.lineage_roots(model)
    assert ([node.id for node in found.roots], found.total) == ([customers.id], 1)
    assert str(found).splitlines() == [
        "mlmodel headwater.churn begins at:",
        "  table shop.main.raw.customers",
    ]
    assert [node.name for node in hw.lineage_roots(model, level="column").roots] == [
        "survey",
        "age",
    ]
    assert str(hw.lineage_roots(customers)) == "nothing feeds table shop.main.raw.customers"
    few = str(hw.lineage_roots(model, level="column", limit=1)).splitlines()
    assert (few[2], "higher limit" in few[3]) == ("  … and 1 more", True)


def test_circles_are_told_from_their_first_node(
    hw: Headwater, customers: Table, view: Table
) -> None:
    assert not hw.lineage_cycles(customers)
    assert str(hw.lineage_cycles(view)) == (
        "no circles in what table shop.main.raw.features reaches"
    )
    hw.put_edge(view, customers)
    circle = "table shop.main.raw.customers → table shop.main.raw.features"
    assert str(hw.lineage_cycles(view)) == f"{circle} → table shop.main.raw.customers"
    roots = hw.lineage_roots(view)
    assert ([len(each) for each in roots.cycles], roots.roots) == ([2], [])
    assert "the circle table" in str(roots)


def test_a_producer_replaces_its_edges(hw: Headwater, customers: Table, view: Table) -> None:
    with pytest.raises(InvalidInputError, match="as_producer"):
        hw.replace_edges([])
    dbt = hw.as_producer("dbt: nightly/main")
    edges: list[Edge] = [
        (view, "headwater", {"description": "scores"}),
        ("table:shop.main.raw.features", customers, None),
    ]
    assert dbt.replace_edges(edges, source="dbt")["opened"] == 2
    assert [node.kind for node in hw.lineage(view).downstream()] == ["mlmodelService", "table"]
    assert dbt.replace_edges(edges[:1], source="dbt", targets=[customers])["closed"] == 1
    assert dbt.replace_edges([], source="dbt")["closed"] == 1
    assert [node.id for node in hw.lineage(view).upstream()] == [customers.id]


def walk(edges: list[str], root: str = "a", **more: Any) -> Lineage:
    """A walk answer over nodes of one letter; ``ab`` is an edge from a to b."""
    nodes = sorted({root, *"".join(edges)})
    raw: dict[str, Any] = {
        "root": root,
        "nodes": [
            {"id": n, "kind": "table", "name": n, "fullyQualifiedName": n, "depth": int(n != root)}
            for n in nodes
        ],
        "edges": [{"from": e[0], "to": e[1], "level": "coarse", "assertions": []} for e in edges],
    }
    return Lineage({**raw, **more}, directions=["downstream"])


def test_a_shared_node_is_opened_once_and_marked_after() -> None:
    assert walk(["ab", "ac", "bd", "cd", "de"]).tree().splitlines() == [
        "table a",
        "└── downstream, used by:",
        "    ├── table b",
        "    │   └── table d",
        "    │       └── table e",
        "    └── table c",
        "        └── table d …(above)",
    ]


def test_a_cycle_ends() -> None:
    lineage = walk(["ab", "bc", "ca"])
    assert lineage.tree().splitlines()[-1] == "            └── table a …(above)"
    assert [node.name for node in lineage.downstream()] == ["b", "c"]


def test_a_chain_longer_than_the_stack_is_drawn() -> None:
    chain = [chr(0x4E00 + n) + chr(0x4E01 + n) for n in range(1500)]
    assert len(walk(chain, root=chr(0x4E00)).tree().splitlines()) == 1502


def test_what_is_gone_says_so() -> None:
    lineage = walk(["ab"])
    raw = lineage.to_wire()
    raw["nodes"][1] |= {"dropped": True}
    assert "table b (dropped)" in Lineage(raw, directions=["downstream"]).tree()


def impact(models: int, **more: Any) -> Impact:
    """An impact answer that lists so many models, right below the root."""
    nodes = [
        {"id": f"m{n}", "kind": "mlmodel", "name": f"m{n}", "fullyQualifiedName": f"s.m{n}"}
        for n in range(models)
    ]
    root = {"id": "c", "kind": "column", "name": "c", "fullyQualifiedName": "t.c"}
    listed = [{**node, "path": [root, node]} for node in nodes]
    return Impact({"root": root, "models": listed, "tableLevelModels": [], **more})


def test_models_that_an_impact_does_not_list_are_counted() -> None:
    lines = impact(2, total=30, tableLevelTotal=0, truncated=True).tree().splitlines()
    assert lines[:4] == [
        "column t.c reaches 30 models and versions",
        "├── mlmodel s.m0",
        "├── mlmodel s.m1",
        "└── … and 28 more",
    ]
    assert "narrower" in lines[4]


def test_impact_tells_versions_by_stage(hw: Headwater, view: Table, model: MlModel) -> None:
    body = {
        "name": "a",
        "mlmodel": "headwater.churn",
        "mlFeatures": [
            {
                "name": "f",
                "featureSources": [{"name": "age_group", "dataSource": "shop.main.raw.features"}],
            }
        ],
    }
    hw.create(body, kind="modelVersion")
    found = hw.impact("shop.main.raw.features.age_group")
    assert [(each.node.name, each.stage) for each in found.models] == [
        ("churn", None),
        ("a", "none"),
    ]
    assert str(found).splitlines()[0].endswith("reaches 2 models and versions")
    one = hw.impact("shop.main.raw.features.age_group", limit=1)
    assert str(one).splitlines()[0].endswith("reaches 2 models and versions")
    assert hw.impact(view, stage="production").models == []
    only = hw.impact(view, stage="none")
    assert str(only).splitlines()[0].endswith("reaches 1 version")
    raw = only.to_wire()
    raw["models"][0]["stage"] = "production"
    assert str(Impact(raw)).endswith("modelVersion headwater.churn.a (production)")


def test_an_impact_that_was_cut_claims_no_more_than_was_seen() -> None:
    assert impact(0, total=0, tableLevelTotal=0, truncated=True).tree().splitlines()[0] == (
        "column t.c was followed in part, and that part reaches no model for certain"
    )
    cut = impact(2, total=2, tableLevelTotal=0, truncated=True)
    assert str(cut).startswith("column t.c reaches at least 2 models\n")
    assert str(impact(0)) == "column t.c reaches no models"
