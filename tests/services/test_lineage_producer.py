"""A producer's whole set of edges, replaced at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from headwater.catalog import Actor, CatalogService
from headwater.errors import AccessError, InvalidInputError
from headwater.lineage import LineageService
from headwater.store import Store
from headwater.store.base import WriteSet
from tests.services.shop import BOT, ME, Shop, drawn

S = "wh.main.shop"
DBT = Actor("ci", "bot", "dbt")


def edge(start: str, end: str, *pairs: str, **details: Any) -> dict[str, Any]:
    """An edge between tables; ``pairs`` of columns are ``from>to``."""
    body: dict[str, Any] = {"fromEntity": f"table:{S}.{start}", "toEntity": f"table:{S}.{end}"}
    if pairs:
        ends = [pair.split(">") for pair in pairs]
        details["columnsLineage"] = [
            {"fromColumns": [f"{S}.{start}.{a}"], "toColumn": f"{S}.{end}.{b}"} for a, b in ends
        ]
    return body | ({"lineageDetails": details} if details else {})


def put(lineage: LineageService, *edges: dict[str, Any], **fields: Any) -> dict[str, int]:
    """Replace dbt's edges; what was opened, closed and left."""
    answer = lineage.replace_edges("dbt", {"edges": [*edges], **fields}, actor=DBT)
    assert answer.pop("producer") == "dbt"
    return answer


@pytest.fixture
def tables(shop: Shop) -> list[str]:
    """Tables ``a`` to ``e`` with columns ``x`` and ``y``."""
    return [shop.table(name, "x", "y").fqn for name in "abcde"]


def around(lineage: LineageService, table: str = "a", level: str = "entity") -> set[str]:
    """The edges that table ``a``, or another, takes part in, directly or not."""
    return drawn(lineage.walk(("table", f"{S}.{table}"), upstream=5, downstream=5, level=level))


def test_what_is_said_again_stays_and_what_is_left_out_is_closed(
    store: Store, lineage: LineageService, tables: list[str]
) -> None:
    first = [edge("a", "b", "x>x", "y>x"), edge("b", "c", sqlQuery="SELECT 1")]
    assert put(lineage, *first) == {"opened": 4, "closed": 0, "unchanged": 0}
    assert around(lineage) == {"a -> b", "b -> c"}
    then = store.sequence()
    assert put(lineage, *first) == {"opened": 0, "closed": 0, "unchanged": 4}
    assert store.sequence() == then
    assert put(lineage, edge("a", "b", "x>x"), edge("c", "d")) == {
        "opened": 1, "closed": 2, "unchanged": 2
    }  # fmt: skip
    assert store.sequence() == then + 1
    assert around(lineage) == {"a -> b"}
    assert around(lineage, level="column") == {"a.x -> b.x"}
    assert around(lineage, "d") == {"c -> d"}
    assert put(lineage) == {"opened": 0, "closed": 3, "unchanged": 0}


def test_other_details_are_said_anew(lineage: LineageService, tables: list[str]) -> None:
    put(lineage, edge("a", "b", description="old"))
    assert put(lineage, edge("a", "b", description="new")) == {
        "opened": 1, "closed": 0, "unchanged": 0
    }  # fmt: skip
    (shown,) = lineage.walk(f"{S}.a")["edges"]
    assert [each["description"] for each in shown["assertions"]] == ["new"]


def test_others_edges_are_not_touched(lineage: LineageService, tables: list[str]) -> None:
    lineage.put_edge(edge("a", "b", "x>x"), actor=BOT)
    lineage.put_edge(edge("b", "c"), actor=ME)
    put(lineage, edge("a", "b"), edge("b", "c"))
    put(lineage)
    assert around(lineage) == {"a -> b", "b -> c"}


def test_what_a_person_took_away_stays_away(lineage: LineageService, tables: list[str]) -> None:
    put(lineage, edge("a", "b", "x>x", "y>y"), edge("b", "c", "x>x"))
    cut = {"fromEntity": f"column:{S}.a.x", "toEntity": f"column:{S}.b.x"}
    lineage.delete_edge(cut, actor=ME)
    lineage.delete_edge(edge("b", "c"), actor=ME)
    # Not even other columns of the two tables are tied again.
    again = [edge("a", "b", "x>x", "y>y"), edge("b", "c", "x>x", "y>y"), edge("c", "d")]
    assert put(lineage, *again) == {"opened": 1, "closed": 0, "unchanged": 2}
    assert around(lineage) == {"a -> b"}
    assert around(lineage, level="column") == {"a.y -> b.y"}
    for each in again:
        lineage.put_edge(each, actor=DBT)
    assert around(lineage, level="column") == {"a.y -> b.y"}


def test_a_source_limits_what_is_replaced(lineage: LineageService, tables: list[str]) -> None:
    put(lineage, edge("a", "b"), source="manifest")
    put(lineage, edge("b", "c", source="catalog"), source="catalog")
    assert around(lineage) == {"a -> b", "b -> c"}
    put(lineage, source="catalog")
    assert around(lineage) == {"a -> b"}
    put(lineage, edge("b", "c", source="own"))  # without one, all that was said before goes
    assert around(lineage, "c") == {"b -> c"}
    assert around(lineage) == {"x"} - {"x"}


def test_targets_limit_what_is_closed(lineage: LineageService, tables: list[str]) -> None:
    put(lineage, edge("a", "c", "x>x"), edge("b", "c", "y>y"), edge("a", "d", "x>x", "y>y"))
    kept = put(lineage, edge("a", "c", "x>x"), edge("a", "d", "x>x"), targets=[f"table:{S}.c"])
    assert kept == {"opened": 0, "closed": 3, "unchanged": 4}
    assert around(lineage, "c", "column") == {"a.x -> c.x"}
    assert around(lineage, "d", "column") == {"a.x -> d.x"}
    # An edge to what is no target is added, and closes no other that leads there.
    put(lineage, edge("b", "d"), targets=[])
    assert {"a -> d", "b -> d"} <= around(lineage, "d")
    with pytest.raises(InvalidInputError) as caught:
        put(lineage, targets=[f"table:{S}.c", "table:nowhere"])
    assert [fault["pointer"] for fault in caught.value.errors] == ["/targets/1"]


def test_edges_lead_between_any_kinds_and_parts(
    catalog: CatalogService, lineage: LineageService, shop: Shop, tables: list[str]
) -> None:
    model = shop.model(features={"f": ["a.x"]})
    ids = {"fromEntity": {"id": model.id}, "toEntity": {"id": lineage.find(f"{S}.e").id.upper()}}
    column = {
        "fromEntity": f"{S}.a.x",
        "toEntity": {"type": "column", "fullyQualifiedName": f"{S}.b.x"},
    }
    named = edge("a", "b", description="all of it")
    put(lineage, ids, column, named)
    assert around(lineage, "e") >= {"a -> headwater.churn", "headwater.churn -> e"}
    assert "a.x -> b.x" in around(lineage, level="column")
    coarse = [e for e in lineage.walk(f"{S}.b")["edges"] if e["level"] == "coarse"]
    # What names the two tables counts before what a column of theirs implies.
    assert [each.get("description") for each in coarse[0]["assertions"]] == ["all of it"]


def test_one_event_for_each_entity_whose_lineage_changes(
    store: Store, lineage: LineageService, tables: list[str]
) -> None:
    before = len(store.events(limit=1000))
    put(lineage, edge("a", "c", "x>x"), edge("b", "c"), edge("c", "d"))
    told = [each.event for each in store.events(limit=1000)[before:]]
    assert [(event.type, event.fqn, event.payload) for event in told] == [
        ("lineageChanged", f"{S}.c", '{"opened":3,"closed":0}'),
        ("lineageChanged", f"{S}.d", '{"opened":1,"closed":0}'),
    ]


def test_only_the_producer_itself_replaces_its_edges(
    lineage: LineageService, tables: list[str]
) -> None:
    for actor in (ME, BOT, Actor("ci", "bot", None)):
        with pytest.raises(AccessError, match="X-Headwater-Producer"):
            lineage.replace_edges("dbt", {"edges": []}, actor=actor)


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/edges"]),
        ({"edges": [{"fromEntity": 5, "toEntity": ""}]},
         ["/edges/0/fromEntity", "/edges/0/toEntity/fullyQualifiedName"]),
        ({"edges": [edge("a", "b"), edge("no", "b"), edge("a", "nothing")]},
         ["/edges/1/fromEntity", "/edges/2/toEntity"]),
        ({"edges": [{"fromEntity": "twin", "toEntity": {}}]},
         ["/edges/0/fromEntity", "/edges/0/toEntity"]),
        ({"edges": [edge("a", "a"), edge("a", "b", "x>no"), edge("a", "b", "no>x")]},
         ["/edges/0/toEntity", "/edges/1/lineageDetails/columnsLineage/0/toColumn",
          "/edges/2/lineageDetails/columnsLineage/0/fromColumns/0"]),
        ({"source": "s", "edges": [edge("a", "b", source="t")]},
         ["/edges/0/lineageDetails/source"]),
        ({"edges": [edge("a", "b"), edge("a", "b", description="else")]}, ["/edges/1"]),
        ({"edges": [edge("a", "gone")]}, ["/edges/0/toEntity"]),
        ({"source": "x\x01y", "edges": [edge("a", "b", source="s" * 257)]},
         ["/source", "/edges/0/lineageDetails/source"]),
        ({"edges": [{**edge("a", "b"), "a/b": 1}]}, ["/edges/0/a~1b"]),
    ],
)  # fmt: skip
def test_every_fault_has_its_place_and_nothing_is_written(
    store: Store,
    catalog: CatalogService,
    lineage: LineageService,
    shop: Shop,
    tables: list[str],
    body: dict[str, Any],
    pointers: list[str],
) -> None:
    for kind in ("databaseService", "mlmodelService"):
        catalog.put(kind, {"name": "twin"}, actor=ME)
    catalog.delete("table", shop.table("gone", "x").id, actor=ME)
    before = store.sequence()
    with pytest.raises(InvalidInputError) as caught:
        lineage.replace_edges("dbt", body, actor=DBT)
    assert [fault["pointer"] for fault in caught.value.errors] == pointers
    assert store.sequence() == before


def test_a_set_is_read_in_a_few_look_ups_however_large(
    store: Store, lineage: LineageService, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(40):
        shop.table(f"t{n:02}", "x", "y")
    edges = [edge(f"t{a:02}", f"t{a + 1:02}", "x>x", "y>y") for a in range(39)]
    calls = 0
    for name in ("nodes", "edges", "find", "find_many", "expand"):
        inner = getattr(store, name)

        def counted(*args: Any, inner: Any = inner, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            return inner(*args, **kwargs)

        monkeypatch.setattr(store, name, counted)
    assert put(lineage, *edges) == {"opened": 117, "closed": 0, "unchanged": 0}
    assert (
        put(lineage, *edges[1:], targets=[f"table:{S}.t{n:02}" for n in range(40)])["closed"] == 3
    )
    assert calls <= 16


def test_a_new_column_of_a_table_whose_edge_a_person_took_away_is_not_tied(
    lineage: LineageService, shop: Shop, tables: list[str]
) -> None:
    made = shop.model(features={"f": ["a.x", "b.x"]})
    cut = {"fromEntity": f"table:{S}.a", "toEntity": "mlmodel:headwater.churn"}
    lineage.delete_edge(cut, actor=ME)
    shop.model(features={"f": ["a.x", "b.x"], "g": ["a.y", "a.later"]})
    assert around(lineage, level="column") == set()
    shop.table("a", "x", "y", "later")
    assert around(lineage, level="column") == set()
    lineage.add_mlmodel_lineage(made.id, actor=ME)
    assert {"a.y -> headwater.churn.g", "a.later -> headwater.churn.g"} <= around(
        lineage, level="column"
    )


def test_of_two_sets_at_once_one_is_left_whole(lineage: LineageService, tables: list[str]) -> None:
    sets = [
        [edge("a", "b", "x>x"), edge("b", "c", "x>x")],
        [edge("a", "d", "y>y"), edge("d", "c", "y>y"), edge("a", "e")],
    ]
    left = {frozenset({"a -> b", "b -> c"}), frozenset({"a -> d", "d -> c", "a -> e"})}
    for _ in range(6):
        with ThreadPoolExecutor(4) as pool:
            jobs = [pool.submit(put, lineage, *sets[number % 2]) for number in range(8)]
            assert all(job.result() for job in jobs)
        assert around(lineage) in left


@pytest.mark.parametrize("source", [None, "manual"])
def test_a_set_is_built_on_what_another_run_has_just_left(
    store: Store,
    lineage: LineageService,
    tables: list[str],
    monkeypatch: pytest.MonkeyPatch,
    source: str | None,
) -> None:
    limits = {"source": source} if source else {}
    put(lineage, edge("a", "e"), edge("a", "d"))
    commit, waiting = store.commit, [[edge("a", "b")], [edge("a", "d")]]

    def slow(write_set: WriteSet) -> int:
        if waiting:
            put(lineage, *waiting.pop())
        return commit(write_set)

    monkeypatch.setattr(store, "commit", slow)
    assert put(lineage, edge("a", "c"), **limits) == {"opened": 1, "closed": 1, "unchanged": 0}
    assert around(lineage) == {"a -> c"}
