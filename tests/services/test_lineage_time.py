"""Lineage in time: moments, and what changed between two of them."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.catalog import CatalogService
from headwater.errors import InvalidInputError, NotFoundError
from headwater.lineage import LineageService
from headwater.store import Store
from headwater.store.draft import load
from headwater.store.moment import AtVersion
from tests.services.shop import BOT, ME, Shop, drawn, names, view

S = "wh.main.shop"
CHURN = "mlmodel:headwater.churn"


def told(diff: dict[str, Any]) -> dict[str, str]:
    """What a diff says of nodes and edges (``a -> b``), without what stayed the same."""
    short = {
        n["id"]: n["fullyQualifiedName"].removeprefix(f"{S}.").removeprefix("headwater.")
        for n in diff["nodes"]
    }
    nodes = {short[n["id"]]: n["change"] for n in diff["nodes"] if n["change"] != "same"}
    edges = {f"{short[e['from']]} -> {short[e['to']]}": e["change"] for e in diff["edges"]}
    assert len(nodes) + len(edges) == len({*nodes, *edges})
    return nodes | edges


def test_a_version_names_the_instant_that_wrote_it(
    store: Store, catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    for table in "ab":
        shop.table(table, "x")
    made = shop.model(features={"f": ["a.x", "b.later"]})
    first = store.sequence()
    # Ties the waiting source: another state of the same version.
    shop.table("b", "x", "later")
    assert shop.model(features={"f": ["b.x"]}).version == "0.2"
    then = AtVersion("0.1")
    up: dict[str, Any] = {"upstream": 5, "downstream": 0, "level": "column"}
    assert lineage.walk(("mlmodel", made.fqn), as_of=then, **up) == lineage.walk(
        ("mlmodel", made.fqn), as_of=first, **up
    )
    read = catalog.get("mlmodel", ("mlmodel", made.fqn), as_of=then)
    assert (read.version, read.seq) == ("0.1", first)
    sources = load(read)["mlFeatures"][0]["featureSources"]
    assert ["columnId" in source for source in sources] == [True, False]
    with pytest.raises(NotFoundError, match=r"has no version '0.7'; the newest is 0.2"):
        lineage.walk(("mlmodel", made.fqn), as_of=AtVersion("0.7"))
    with pytest.raises(NotFoundError, match="the newest is"):
        catalog.get("mlmodel", made.id, as_of=AtVersion("0.7"))


def test_a_part_goes_by_the_versions_of_its_entity(
    store: Store, lineage: LineageService, shop: Shop
) -> None:
    shop.table("a", "x")
    shop.model("early", features={"f": ["a.x"]})
    shop.table("a", "x", "y")
    second = store.sequence()
    shop.model("late", features={"f": ["a.x"]})
    down: dict[str, Any] = {"upstream": 0, "downstream": 2}
    at_second = lineage.walk(f"{S}.a.x", as_of=AtVersion("0.2"), **down)
    assert at_second == lineage.walk(f"{S}.a.x", as_of=second, **down)
    assert "early" in str(at_second)
    assert "late" not in str(at_second)
    assert lineage.impact(f"{S}.a.x", as_of=AtVersion("0.2"))["total"] == 1
    assert lineage.impact(f"{S}.a.x", as_of=AtVersion("0.1"))["total"] == 0


def test_impact_before_there_was_what_is_asked_about_is_an_error(
    store: Store, catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    start = store.sequence()
    table = shop.table("a", "x")
    first = store.sequence()
    shop.table("a", "x", "y")
    shop.model(features={"f": ["a.y"]})
    fed = store.sequence()
    shop.table("a", "x")
    catalog.delete("table", table.id, actor=ME)
    for name, seq in (("a", 0), ("a", start), ("a.x", start), ("a.y", start), ("a.y", first)):
        with pytest.raises(NotFoundError, match=f"there was no .* as of {seq}"):
            lineage.impact(f"{S}.{name}", as_of=seq)
    was = lineage.impact(f"{S}.a.x", as_of=first)
    assert was["total"] == 0
    assert "deleted" not in was["root"], "as it was then"
    for later in (fed, fed + 1, None):  # there, dropped, deleted
        assert lineage.impact(f"{S}.a.y", as_of=later)["total"] == 1


def test_what_is_away_or_waits_goes_by_the_name_that_its_table_had(
    store: Store, catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    shop.table("a", "x")
    shop.model(features={"f": ["a.x", "a.later"]})
    table = shop.table("a")
    before = store.sequence()
    walk: dict[str, Any] = {"upstream": 5, "downstream": 0, "level": "column"}
    then = drawn(lineage.walk(("mlmodel", "headwater.churn"), **walk))
    assert {"a.x -> headwater.churn.f", "a.later -> headwater.churn.f"} <= then
    catalog.rename("table", table.id, "b", actor=ME)
    assert drawn(lineage.walk(("mlmodel", "headwater.churn"), as_of=before, **walk)) == then
    column = lineage.walk(f"{S}.b.x", as_of=before, upstream=0, downstream=5)
    assert {node["fullyQualifiedName"] for node in column["nodes"] if "dropped" in node} == {
        f"{S}.a.x"
    }


def test_a_path_of_tables_goes_by_the_names_that_they_had(
    store: Store, catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    made = shop.table("a", "x")
    shop.model(features={"f": ["a.later"]})
    then = store.sequence()
    catalog.rename("table", made.id, "other", actor=ME)
    (model,) = lineage.impact(f"column:{S}.other.x", as_of=then)["tableLevelModels"]
    assert names(model["path"]) == [f"{S}.a.x", f"{S}.a", "headwater.churn"]


def test_many_states_of_one_version_are_searched_for_the_first(
    store: Store, catalog: CatalogService, shop: Shop
) -> None:
    table = shop.table("a", "x")
    first = store.sequence()
    for n in range(45):
        catalog.rename("table", table.id, f"a{n}", actor=ME)
    assert len(store.versions(table.id)) > 40
    shop.table("a44", "x", "y")
    assert catalog.get("table", table.id, as_of=AtVersion("0.1")).seq == first


def test_a_diff_tells_what_is_new_gone_and_changed(
    store: Store, lineage: LineageService, shop: Shop
) -> None:
    for table in "abc":
        shop.table(table, "x", "y")
    view(lineage, "a", "b", ("x", "x"))
    shop.model(features={"f": ["b.x"]})
    then = store.sequence()
    shop.model(features={"f": ["c.x"]})
    diff = lineage.diff(CHURN, before=then, upstream=3)
    assert told(diff) == {
        "a": "removed", "b": "removed", "c": "added",
        "a -> b": "removed", "b -> churn": "removed", "c -> churn": "added",
    }  # fmt: skip
    assert (diff["from"], diff["to"], diff["truncated"]) == (then, store.sequence(), False)
    assert diff["root"]["name"] == "churn"
    assert [n["name"] for n in diff["nodes"] if n["change"] == "same"] == ["churn"]
    gone = next(edge for edge in diff["edges"] if edge["change"] == "removed")
    assert (gone["after"], gone["before"][0]["source"]) == ([], "view")
    fine = told(lineage.diff(CHURN, before=then, upstream=3, level="column"))
    assert fine == {
        "a.x": "removed", "b.x": "removed", "c.x": "added",
        "a.x -> b.x": "removed", "b.x -> churn.f": "removed", "c.x -> churn.f": "added",
    }  # fmt: skip
    feature = told(lineage.diff(CHURN, before=then, upstream=3, level="feature"))
    assert feature["c -> churn.f"] == "added"
    assert lineage.diff(CHURN, before=then, after=then)["edges"] == []


def test_a_diff_tells_details_that_changed(
    store: Store, lineage: LineageService, shop: Shop
) -> None:
    for table in "ab":
        shop.table(table, "x")
    edge: dict[str, Any] = {"fromEntity": f"table:{S}.a", "toEntity": f"table:{S}.b"}
    lineage.put_edge(edge, actor=ME)
    then = store.sequence()
    lineage.put_edge({**edge, "lineageDetails": {"description": "nightly"}}, actor=ME)
    diff = lineage.diff(f"{S}.a", before=then)
    assert told(diff) == {"a -> b": "changed"}
    (changed,) = diff["edges"]
    assert ("description" in changed["before"][0], changed["after"][0]["description"]) == (
        False,
        "nightly",
    )


def test_a_diff_tells_what_was_dropped_deleted_and_renamed(
    store: Store, catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    for table in "abc":
        shop.table(table, "x", "y")
    view(lineage, "a", "b", ("x", "x"))
    view(lineage, "c", "b", ("x", "y"))
    then = store.sequence()
    shop.table("a", "y")
    catalog.delete("table", ("table", f"{S}.c"), actor=ME)
    catalog.rename("table", ("table", f"{S}.b"), "renamed", actor=ME)
    diff = lineage.diff(f"{S}.renamed", before=then, level="column")
    assert told(diff) == dict.fromkeys(
        ["a.x", "c.x", "renamed", "renamed.x", "renamed.y"], "changed"
    )
    node = {n["fullyQualifiedName"].removeprefix(f"{S}."): n for n in diff["nodes"]}
    assert node["a.x"]["dropped"] is True
    assert "dropped" not in node["a.x"]["before"]
    assert node["c.x"]["deleted"] is True
    assert node["renamed.x"]["before"]["fullyQualifiedName"] == f"{S}.b.x"
    back = lineage.diff(f"{S}.renamed", before=store.sequence(), after=then, level="column")
    assert {n["change"] for n in back["nodes"]} == {"changed"}
    assert back["root"]["fullyQualifiedName"] == f"{S}.b"


def test_a_node_that_was_not_there_had_no_lineage(
    store: Store, catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    shop.table("a", "x")
    before = store.sequence()
    made = shop.model(features={"f": ["a.x"]})
    there = store.sequence()
    new = {"a": "added", "churn": "added", "a -> churn": "added"}
    assert told(lineage.diff(CHURN, before=before)) == new
    assert told(lineage.diff(CHURN, before=0)) == new
    catalog.delete("mlmodel", made.id, actor=ME)
    assert set(told(lineage.diff(CHURN, before=there)).values()) == {"removed"}
    with pytest.raises(NotFoundError):
        lineage.diff("nobody", before=0)


def test_a_diff_between_versions(store: Store, lineage: LineageService, shop: Shop) -> None:
    for table in "ab":
        shop.table(table, "x")
    shop.model(features={"f": ["a.x"]})
    shop.model(features={"f": ["b.x"]})
    shop.model(features={"f": ["b.x"]}, description="new")
    diff = lineage.diff(CHURN, before=AtVersion("0.1"), after=AtVersion("0.2"))
    assert told(diff) == {
        "a": "removed", "b": "added", "a -> churn": "removed", "b -> churn": "added"
    }  # fmt: skip
    assert diff["to"] < store.sequence()


def test_a_diff_of_a_graph_beyond_the_limit_claims_only_what_it_knows(
    store: Store, lineage: LineageService, shop: Shop
) -> None:
    shop.table("hub", "x")
    for n in range(8):
        shop.model(f"m{n}", features={"f": ["hub.x"]})
    then = store.sequence()
    shop.model("m4", features={"f": []})
    shop.model("m9", features={"f": ["hub.x"]})
    whole = {"m4": "removed", "hub -> m4": "removed", "m9": "added", "hub -> m9": "added"}
    assert told(lineage.diff(f"{S}.hub", before=then)) == whole
    cut = lineage.diff(f"{S}.hub", before=then, limit=5)
    assert cut["truncated"] is True
    assert told(cut).items() <= whole.items()


def test_a_column_that_returned_was_gone_in_between(
    store: Store, lineage: LineageService, shop: Shop
) -> None:
    shop.table("a", "x", "y")
    shop.model(features={"f": ["a.x"]})
    shop.table("a", "y")
    gone = store.sequence()
    shop.table("a", "x", "y")
    up: dict[str, Any] = {"upstream": 2, "downstream": 0, "level": "column"}
    flags = [n.get("dropped") for n in lineage.walk(CHURN, as_of=gone, **up)["nodes"]]
    assert flags == [None, None, True]
    assert drawn(lineage.walk(CHURN, as_of=gone, **up)) == drawn(lineage.walk(CHURN, **up))


def test_a_part_is_shown_at_column_level_unless_told_otherwise(
    lineage: LineageService, shop: Shop
) -> None:
    shop.table("a", "x", actor=BOT)
    shop.model(features={"f": ["a.x"]})
    assert lineage.walk(f"{S}.a.x")["level"] == "column"
    assert lineage.walk("mlFeature:headwater.churn.f")["level"] == "column"
    assert lineage.walk(f"{S}.a")["level"] == "entity"
    assert lineage.walk(f"{S}.a.x", level="entity")["level"] == "entity"
    page = lineage.neighbours(("column", f"{S}.a.x"))
    assert [node["kind"] for node in page["data"]] == ["mlFeature"]
    with pytest.raises(InvalidInputError, match="level is"):
        lineage.walk(f"{S}.a", level="table")


def test_neighbours_of_the_past_are_paged_as_they_were(
    store: Store, catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    shop.table("a", "x")
    shop.model(features={"f": ["a.x"]})
    for name in ("b", "c"):
        catalog.put(
            "mlmodel",
            {
                "name": name,
                "algorithm": "a",
                "mlFeatures": [{"name": "f", "featureSources": [shop.source("a.x")]}],
            },
            actor=ME,
        )
    before = store.sequence()
    shop.model(features={"f": []})
    catalog.rename("mlmodel", ("mlmodel", "headwater.b"), "renamed", actor=ME)
    catalog.delete("mlmodel", ("mlmodel", "headwater.c"), actor=ME)
    hub = ("table", f"{S}.a")
    assert names(lineage.neighbours(hub)["data"]) == ["headwater.renamed"]
    seen: list[str] = []
    after = None
    while True:
        page = lineage.neighbours(hub, as_of=before, limit=1, after=after)
        seen += names(page["data"])
        after = page["paging"].get("after")
        if after is None:
            break
    assert sorted(seen) == ["headwater.b", "headwater.c", "headwater.churn"]
    first = lineage.neighbours(hub, as_of=AtVersion("0.1"))
    assert names(first["data"]) == []
    with pytest.raises(NotFoundError, match="as of 1"):
        lineage.neighbours(hub, as_of=1)


def test_a_struct_in_the_past_is_walked_from_what_lies_inside_it_whatever_its_table_is_called(
    store: Store, catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    inner = {"name": "zip", "dataType": "STRING"}
    struct = {"name": "address", "dataType": "STRUCT", "children": [inner]}
    body = {"name": "t", "databaseSchema": shop.schema, "columns": [struct]}
    table = catalog.put("table", body, actor=ME)
    shop.model(features={"f": ["t.address.zip"]})
    column = load(catalog.get("table", table.id))["columns"][0]["id"]
    then = store.sequence()
    around = lineage.walk(column, kind="column", as_of=then)
    catalog.rename("table", table.id, "renamed", actor=ME)
    assert len(around["edges"]) == 1
    assert lineage.walk(column, kind="column", as_of=then) == around
