"""Paths between two nodes, where data begins, and circles, through the service."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from headwater.catalog import CatalogService
from headwater.errors import InvalidInputError, NotFoundError
from headwater.lineage import LineageService
from headwater.lineage.path import shortest_path
from headwater.store import Store
from tests.services.shop import ME, Shop, names, view

S = "wh.main.shop"


def short(found: list[dict[str, Any]]) -> list[str]:
    """The FQNs of nodes without what all share."""
    return [name.removeprefix(f"{S}.").removeprefix("headwater.") for name in names(found)]


def chain(lineage: LineageService, shop: Shop, *tables: str) -> None:
    """Tables whose column ``x`` makes that of the next."""
    for name in tables:
        shop.table(name, "x", "y")
    for start, end in pairwise(tables):
        view(lineage, start, end, ("x", "x"))


def test_a_path_of_columns_goes_before_one_of_tables(lineage: LineageService, shop: Shop) -> None:
    chain(lineage, shop, "a", "b", "c")
    shop.model(features={"f": ["c.x"]})
    fine = lineage.path(f"table:{S}.a", "mlmodel:headwater.churn")
    assert (fine["found"], fine["level"], fine["truncated"]) == (True, "column", False)
    assert short(fine["nodes"]) == ["a.x", "b.x", "c.x", "churn.f", "churn"]
    assert [edge["from"] for edge in fine["edges"]] == [node["id"] for node in fine["nodes"][:-1]]
    assert [edge["to"] for edge in fine["edges"]] == [node["id"] for node in fine["nodes"][1:]]
    assert [each["source"] for edge in fine["edges"] for each in edge["assertions"]] == [
        "view", "view", "featureSources", "featureSources"
    ]  # fmt: skip
    coarse = lineage.path(f"{S}.a", "headwater.churn", level="entity")
    assert (coarse["level"], short(coarse["nodes"])) == ("entity", ["a", "b", "c", "churn"])


def test_a_path_that_no_column_takes_is_one_of_tables(lineage: LineageService, shop: Shop) -> None:
    chain(lineage, shop, "a", "b")
    untied = lineage.path(f"{S}.a.y", f"{S}.b.y")
    assert (untied["level"], short(untied["nodes"])) == ("entity", ["a", "b"])
    assert untied["edges"][0]["level"] == "coarse"
    assert f"the data of column {S}.a.y and column {S}.b.y takes it" in untied["note"]
    for start, end in ((f"{S}.a.y", f"{S}.b"), (f"{S}.a", f"{S}.b.y")):
        assert ".y takes it" in lineage.path(start, end, level="entity")["note"]
    none = lineage.path(f"{S}.a.y", f"{S}.b.y", level="column")
    assert (none["found"], none["nodes"], none["edges"]) == (False, [], [])
    assert none.keys().isdisjoint({"level", "note"})
    for level in ("any", "entity"):
        assert "note" not in lineage.path(f"{S}.a", f"{S}.b", level=level)
    assert "note" not in lineage.path(f"{S}.a.x", f"{S}.b.x")


def test_the_shortest_of_many_paths_is_found(lineage: LineageService, shop: Shop) -> None:
    chain(lineage, shop, "a", "b", "c", "d", "e")
    for start, end in ("ac", "bd", "ad"):
        view(lineage, start, end, ("x", "x"))
    assert short(lineage.path(f"{S}.a", f"{S}.e")["nodes"]) == ["a.x", "d.x", "e.x"]


def test_nothing_leads_against_the_flow_of_data(lineage: LineageService, shop: Shop) -> None:
    chain(lineage, shop, "a", "b")
    assert lineage.path(f"{S}.b", f"{S}.a")["found"] is False
    # Not even where both are parts of one table.
    assert lineage.path(f"{S}.a.x", f"{S}.a.y")["found"] is False


def test_a_node_is_its_own_path(lineage: LineageService, shop: Shop) -> None:
    shop.table("a", "x")
    for name in (f"{S}.a", f"{S}.a.x"):
        found = lineage.path(name, name)
        assert (names(found["nodes"]), found["edges"]) == ([name], [])


def test_ends_are_named_by_id_by_kind_and_name_or_by_name(
    lineage: LineageService, shop: Shop
) -> None:
    chain(lineage, shop, "a", "b")
    ids = [lineage.find(f"column:{S}.{table}.x").id for table in "ab"]
    by_id = lineage.path(ids[0], ids[1].upper())
    assert by_id == lineage.path(f"{S}.a.x", f"column:{S}.b.x")
    assert [node["id"] for node in by_id["nodes"]] == ids
    with pytest.raises(NotFoundError, match="nobody"):
        lineage.path("nobody", ids[0])
    with pytest.raises(InvalidInputError, match="level is"):
        lineage.path(*ids, level="feature")


def test_a_search_that_meets_its_bound_says_so(
    store: Store, catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    shop.table("hub", "x")
    shop.table("other", "x")
    feature = {"name": "f", "featureSources": [shop.source("hub.x")]}
    models = [{"name": f"m{n:02}", "algorithm": "a", "mlFeatures": [feature]} for n in range(30)]
    assert not catalog.put_bulk("mlmodel", models, actor=ME).failed
    hub, other = lineage.find(f"{S}.hub"), lineage.find(f"{S}.other")
    model = lineage.find("headwater.m17")
    # From the narrow side, where the hub is met soon.
    found = shortest_path(store, hub, model, level="any", as_of=None, work=5)
    assert (short(found["nodes"]), found["truncated"]) == (["hub.x", "m17.f", "m17"], False)
    view(lineage, "hub", "other", ("x", "x"))
    wide = shortest_path(store, hub, other, level="entity", as_of=None, work=5)
    assert (short(wide["nodes"]), wide["truncated"]) == (["hub", "other"], False)
    for table in ("s", "t"):
        shop.table(table, "x")
        view(lineage, table, "hub", ("x", "x"))
    sources = [lineage.find(f"{S}.{table}") for table in ("s", "t")]
    cut = shortest_path(store, sources[0], sources[1], level="any", as_of=None, work=0)
    assert (cut["found"], cut["truncated"]) == (False, False)  # nothing feeds t: no bound is met
    cut = shortest_path(store, sources[0], model, level="any", as_of=None, work=1)
    assert (cut["found"], cut["truncated"]) == (False, True)


def test_a_path_as_of_the_past_and_through_what_is_deleted(
    store: Store, catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    chain(lineage, shop, "a", "b", "c")
    then = store.sequence()
    ends = {"fromEntity": f"table:{S}.a", "toEntity": f"table:{S}.b"}
    lineage.delete_edge(ends, actor=ME)
    assert lineage.path(f"{S}.a", f"{S}.c")["found"] is False
    before = lineage.path(f"{S}.a", f"{S}.c", as_of=then)
    assert short(before["nodes"]) == ["a.x", "b.x", "c.x"]
    assert all(edge["assertions"] for edge in before["edges"])
    lineage.put_edge(ends, actor=ME)
    catalog.delete("table", ("table", f"{S}.b"), actor=ME)
    through = lineage.path(f"{S}.a", f"{S}.c", level="entity")
    assert [node.get("deleted", False) for node in through["nodes"]] == [False, True, False]
    with pytest.raises(NotFoundError, match="is deleted"):
        lineage.path(f"{S}.a", f"{S}.b")


def test_roots_are_what_nothing_feeds(lineage: LineageService, shop: Shop) -> None:
    chain(lineage, shop, "a", "b", "c")
    shop.table("d", "x")
    shop.model(features={"f": ["c.x", "d.x"], "g": ["nowhere"]})
    churn = "mlmodel:headwater.churn"
    found = lineage.roots(churn)
    assert (short(found["roots"]), found["total"]) == (["a", "d"], 2)
    assert [node["depth"] for node in found["roots"]] == [-3, -1]
    assert (found["level"], found["cycles"], found["truncated"]) == ("entity", [], False)
    fine = lineage.roots(churn, level="column")
    assert short(fine["roots"]) == ["churn.g.nowhere", "a.x", "d.x"]
    assert short(lineage.roots(f"{S}.c.x")["roots"]) == ["a.x"]
    assert (lineage.roots(f"{S}.a")["roots"], lineage.roots(f"{S}.a")["total"]) == ([], 0)


def test_roots_beyond_the_depth_or_the_limit_are_not_passed_over_in_silence(
    lineage: LineageService, shop: Shop
) -> None:
    chain(lineage, shop, "a", "b", "c")
    shop.table("d", "x")
    view(lineage, "d", "c", ("x", "x"))
    near = lineage.roots(f"{S}.c", depth=1)
    assert (short(near["roots"]), near["truncated"]) == (["d"], True)
    whole = lineage.roots(f"{S}.c", depth=2)
    assert (short(whole["roots"]), whole["truncated"]) == (["a", "d"], False)
    few = lineage.roots(f"{S}.c", limit=1)
    assert (short(few["roots"]), few["total"], few["truncated"]) == (["a"], 2, True)


def test_a_circle_that_nothing_else_feeds_is_told_with_the_roots(
    lineage: LineageService, shop: Shop
) -> None:
    chain(lineage, shop, "a", "b", "c")
    view(lineage, "b", "a", ("x", "x"))
    found = lineage.roots(f"{S}.c")
    assert (found["roots"], [short(each) for each in found["cycles"]]) == ([], [["a", "b"]])
    assert lineage.roots(f"{S}.c", depth=1)["truncated"] is True
    shop.table("z", "x")
    view(lineage, "z", "a", ("x", "x"))
    found = lineage.roots(f"{S}.c")
    assert (short(found["roots"]), found["cycles"]) == (["z"], [])


def test_cycles_start_at_their_first_node_and_the_shortest_comes_first(
    lineage: LineageService, shop: Shop
) -> None:
    chain(lineage, shop, "s", "c", "b", "a", "c")
    view(lineage, "b", "c", ("x", "x"))
    shop.table("far", "x")
    for level in ("entity", "column"):
        found = lineage.cycles(f"{S}.s", level=level)
        dot = ".x" if level == "column" else ""
        assert [short(each) for each in found["cycles"]] == [
            [f"b{dot}", f"c{dot}"],
            [f"a{dot}", f"c{dot}", f"b{dot}"],
        ]
        assert found["truncated"] is False
    assert lineage.cycles(f"{S}.far")["cycles"] == []
    few = lineage.cycles(f"{S}.s", limit=1)
    assert (len(few["cycles"]), few["truncated"]) == (1, True)
    near = lineage.cycles(f"{S}.s", depth=3)
    assert (near["truncated"], len(near["cycles"])) == (True, 1)


def test_many_circles_end_at_the_limit(lineage: LineageService, shop: Shop) -> None:
    tables = [f"t{n}" for n in range(7)]
    for name in tables:
        shop.table(name, "x")
    for start in tables:
        for end in tables:
            if start != end:
                view(lineage, start, end, ("x", "x"))
    found = lineage.cycles(f"{S}.t0", limit=20)
    assert (len(found["cycles"]), found["truncated"]) == (20, True)
    assert found == lineage.cycles(f"{S}.t0", limit=20)
    assert lineage.cycles(f"{S}.t0", limit=3000)["truncated"] is False


def test_analyses_as_of_the_past(store: Store, lineage: LineageService, shop: Shop) -> None:
    chain(lineage, shop, "a", "b", "a")
    then = store.sequence()
    ends = {"fromEntity": f"table:{S}.b", "toEntity": f"table:{S}.a"}
    lineage.delete_edge(ends, actor=ME)
    assert lineage.cycles(f"{S}.a")["cycles"] == []
    assert short(lineage.roots(f"{S}.b")["roots"]) == ["a"]
    assert [short(each) for each in lineage.cycles(f"{S}.a", as_of=then)["cycles"]] == [["a", "b"]]
    assert lineage.roots(f"{S}.b", as_of=then)["roots"] == []


@pytest.mark.parametrize("ask", ["roots", "cycles"])
def test_an_analysis_of_what_is_not_there(lineage: LineageService, shop: Shop, ask: str) -> None:
    with pytest.raises(NotFoundError):
        getattr(lineage, ask)("nobody")
    with pytest.raises(InvalidInputError, match="level is entity or column"):
        getattr(lineage, ask)(S, level="feature")
