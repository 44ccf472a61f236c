"""The Neo4j adapter passes the store's conformance suite, and its graph answers people's Cypher."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any, get_args

import neo4j
import pytest

from headwater.errors import InvalidInputError, StoreError
from headwater.store.base import Direction, Level, PageQuery, Reference, SearchQuery, Store
from headwater.store.neo4j import Neo4jStore, load
from headwater.store.neo4j.index import SEARCH
from headwater.store.neo4j.layout import behind, label, link, place
from headwater.store.neo4j.search import _ASK
from headwater.store.neo4j.url import parse_url
from headwater.store.neo4j.write import _LOCK_AND_READ, _READ_ERASED, _STEPS
from headwater.testing.store import DurableStoreConformance
from headwater.testing.store_build import (
    edge,
    entity,
    entry,
    event,
    following,
    found_by,
    part,
    writes,
)

PEOPLES_QUERY = """
MATCH (c:Column {fqn: $f})-[:FEEDS*1..8]->(m) WHERE m:MlModel OR m:ModelVersion RETURN DISTINCT m.id
"""


@pytest.fixture
def store(neo4j_url: str) -> Iterator[Neo4jStore]:
    store = Neo4jStore(neo4j_url)
    store.migrate()
    yield store
    store.close()


@pytest.fixture
def driver(neo4j_url: str) -> Iterator[neo4j.Driver]:
    with open_driver(neo4j_url) as driver:
        yield driver


@contextmanager
def open_driver(url: str) -> Iterator[neo4j.Driver]:
    address = parse_url(url)
    with neo4j.GraphDatabase.driver(
        address.uri, auth=address.auth, notifications_min_severity="OFF"
    ) as driver:
        yield driver


def rows(driver: neo4j.Driver, statement: str, **parameters: Any) -> list[list[Any]]:
    return [list(record) for record in driver.execute_query(statement, parameters).records]


class TestNeo4jStore(DurableStoreConformance):
    @pytest.fixture
    def store(self, neo4j_url: str) -> Iterator[Store]:
        self.url = neo4j_url
        store = Neo4jStore(neo4j_url)
        store.migrate()
        yield store
        store.close()

    def reopen(self, store: Store) -> Store:
        return Neo4jStore(self.url)

    def emptied(self, store: Store) -> Store:
        with open_driver(self.url) as driver:
            rows(driver, "MATCH (n) DETACH DELETE n")
        again = Neo4jStore(self.url)
        again.migrate()
        return again


def test_peoples_query_finds_the_models_that_a_column_feeds(
    store: Neo4jStore, driver: neo4j.Driver
) -> None:
    feature = part("m", "age", kind="mlFeature")
    model = entity("m", kind="mlmodel", parts=(feature,))
    other = entity("o", kind="mlmodel", parts=(part("o", "age", kind="mlFeature"),))
    raw = entity("raw", parts=(part("raw", "a"),))
    view = entity("view", parts=(part("view", "a"),))
    first = edge("column-raw.a", "column-view.a", level="fine")
    chain = (
        edge("column-view.a", feature.id, level="fine"),
        edge(feature.id, model.id, level="fine"),
        edge("column-raw.a", "mlFeature-o.age", level="fine"),
        edge("mlFeature-o.age", other.id, level="fine"),
    )
    store.commit(writes(raw, view, model, other, edges=(first, *chain)))
    assert sorted(rows(driver, PEOPLES_QUERY, f="raw.a")) == [["mlmodel-m"], ["mlmodel-o"]]
    store.commit(writes(closed_edges=(first.key,)))
    assert rows(driver, PEOPLES_QUERY, f="raw.a") == [["mlmodel-o"]]
    assert rows(driver, PEOPLES_QUERY, f="view.a") == [["mlmodel-m"]]


def test_graph_has_class_labels_and_typed_containment(
    store: Neo4jStore, driver: neo4j.Driver
) -> None:
    features = (part("m", "f", kind="mlFeature"), part("m", "s", kind="featureSource"))
    service = entity("s", kind="databaseService")
    table = entity("t", parent_id=service.id, parts=(part("t", "c"),))
    store.commit(writes(table, service, entity("m", kind="mlmodel", parts=features)))
    links = "MATCH (a)-[r]->(b) RETURN labels(a), type(r), labels(b)"

    assert sorted(rows(driver, links)) == [
        [["Entity", "DatabaseService"], "CONTAINS", ["Entity", "Table"]],
        [["Entity", "MlModel"], "HAS_FEATURE", ["Part", "MlFeature"]],
        [["Entity", "MlModel"], "HAS_SOURCE", ["Part", "FeatureSource"]],
        [["Entity", "Table"], "HAS_COLUMN", ["Part", "Column"]],
    ]
    table = following(table, parent_id=None, dropped_parts=("column-t.c",))
    store.commit(writes(table))
    assert sorted(row[1] for row in rows(driver, links)) == ["HAS_FEATURE", "HAS_SOURCE"]
    store.commit(writes(following(table, parent_id=service.id, parts=(part("t", "c"),))))
    assert sorted(row[1] for row in rows(driver, links)) == [
        *("CONTAINS", "HAS_COLUMN", "HAS_FEATURE", "HAS_SOURCE")
    ]


def test_no_path_meets_history(store: Neo4jStore, driver: neo4j.Driver) -> None:
    def paths() -> int:
        count: int = rows(driver, "MATCH (n)-[*1..2]-(m) RETURN count(*)")[0][0]
        return count

    one = entity("a", parts=(part("a", "x"),), references=(Reference("next", "table-b"),))
    put = edge("table-a", "table-b")
    fine = edge("column-a.x", "table-b", level="fine")
    store.commit(writes(one, entity("b"), edges=(put, fine)))
    before = paths()
    assert before > 0
    for number in range(4):
        one = following(one, document=f"[{number}]", search=found_by("a"))
        store.commit(writes(one, events=(event(one.id),), entries=(entry(one.id),)))
        store.commit(writes(closed_edges=(put.key, fine.key)))
        store.commit(writes(edges=(put, fine, edge("table-b", "table-a", level="suppressed"))))
    assert store.search(SearchQuery()).total == 1
    assert paths() == before
    assert len(store.edges(from_ids=["table-a"], include_closed=True)) == 5
    assert len(store.versions("table-a")) == 5
    tied = "MATCH (n)--() UNWIND labels(n) AS label RETURN DISTINCT label"
    assert sorted(rows(driver, tied)) == [["Column"], ["Entity"], ["Part"], ["Table"]]


def test_names_may_be_swapped_in_one_commit(store: Neo4jStore) -> None:
    a, b = entity("a"), entity("b")
    store.commit(writes(a, b))
    store.commit(writes(following(a, fqn="b"), following(b, fqn="a")))
    assert [record.id for record in store.page(PageQuery("table", 9))] == ["table-b", "table-a"]


def test_every_read_is_served_by_an_index(
    store: Neo4jStore, driver: neo4j.Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On an empty database, where a scan is as cheap as it will ever look to the planner."""
    statements: set[str] = set()

    def explain(statement: str, **parameters: Any) -> list[list[Any]]:
        assert scans(driver, statement, **parameters) == []
        statements.add(statement)
        return []

    monkeypatch.setattr(store._database, "read", explain)
    monkeypatch.setattr(store._log, "_wait_for", lambda seq: None)
    for key in ("id", ("table", "fqn")):
        store.find(key)
        store.find(key, as_of=1)
        store.find(key, version="0.1")
    store.find_many(["id"])
    store.find_many(["id"], as_of=1)
    store.page(PageQuery("table", 10))
    store.page(PageQuery("table", 10, parent_id="id"))
    store.versions("id")
    store.descendants("id")
    store.referrers(["id"])
    for kinds in (None, ["table"]):
        store.nodes(ids=["x"], kinds=kinds)
        store.nodes(fqns=["x"], kinds=kinds)
        store.nodes(owner_ids=["x"], kinds=kinds)
    store.edges(from_ids=["x"], source="view", include_closed=True)
    store.edges(to_ids=["x"], source="view", include_closed=True)
    store.edges(producer="x", include_closed=True)
    for direction, level, as_of in product(get_args(Direction), get_args(Level), (None, 1)):
        store.expand(["x"], direction, level, limit=10, as_of=as_of)
        store.degrees(["x"], direction, level, as_of=as_of)
    store.events()
    store.sequence(1)
    for latest, as_of in product((False, True), (None, 1)):
        which: dict[str, Any] = {"latest": latest, "as_of": as_of}
        store.entries(entity_ids=["x"], **which)
        store.entries(entity_ids=["x"], types=["metric"], **which)
        store.entries(entity_ids=["x"], keys=["k"], **which)
        store.entries(entity_ids=["x"], types=["metric"], keys=["k"], **which)
        store.entries(types=["metric"], keys=["k"], **which)
    explain(_ASK, index=SEARCH, asked="*:*", anyway=True, most=1, count=1, begin=0, end=1)
    asked: dict[str, Any] = {name: [] for name in re.findall(r"[$](\w+)", _LOCK_AND_READ)}
    explain(_LOCK_AND_READ, **asked)
    explain(_READ_ERASED, ids=[])
    assert len(statements) > 60


@pytest.mark.parametrize(
    "step",
    [*_STEPS.values(), *load._STEPS.values()],
    ids=[*_STEPS, *(f"load_{name}" for name in load._STEPS)],
)
def test_every_step_of_a_commit_and_of_a_load_is_served_by_an_index(
    store: Neo4jStore, driver: neo4j.Driver, step: str
) -> None:
    assert scans(driver, step.replace("NAME", "FEEDS"), rows=[], commit={"seq": 1}) == []


def scans(driver: neo4j.Driver, statement: str, **parameters: Any) -> list[str]:
    """The operators of a statement's plan that look at more than an index leads to."""
    plan = driver.execute_query("EXPLAIN " + statement, parameters).summary.plan
    assert plan is not None
    return [operator for operator in operators(plan) if "Scan" in operator]


def operators(plan: dict[str, Any]) -> Iterator[str]:
    yield plan["operatorType"]
    for child in plan.get("children", ()):
        yield from operators(child)


def test_reading_a_hub_touches_only_what_is_returned(
    store: Neo4jStore, driver: neo4j.Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"n{number}" for number in range(500)]
    puts = tuple(edge("table-hub", f"table-{name}") for name in names)
    store.commit(writes(entity("hub"), *(entity(name) for name in names), edges=puts))
    profiles: list[dict[str, Any]] = []

    def profiled(statement: str, **parameters: Any) -> list[list[Any]]:
        profile = driver.execute_query("PROFILE " + statement, parameters).summary.profile
        assert profile is not None
        profiles.append(profile)
        return []

    monkeypatch.setattr(store._database, "read", profiled)
    store.expand(["table-hub", "table-n1"], "downstream", "coarse", limit=20)
    (profile,) = profiles
    # About ten hits for each edge: itself, its properties, the far node and its properties.
    assert sum(hits(profile)) < 20 * 25


def hits(profile: dict[str, Any]) -> Iterator[int]:
    yield profile["dbHits"]
    for child in profile.get("children", ()):
        yield from hits(child)


def test_places_sort_alike_by_code_point_and_by_utf16_unit() -> None:
    texts = ["a", "a.b", "aa", "", "\u00e9", "\ud7fe", "\ud7ff", "\ue000", "\uff5e", "\U0001f30a"]
    texts += [text + "x" for text in texts]
    texts.sort()
    places = [place(text) for text in texts]
    assert places == sorted(places)
    assert places == sorted(places, key=lambda text: text.encode("utf-16-be"))
    pairs = sorted((first, second) for first in texts for second in texts)
    assert [place(*pair) for pair in pairs] == sorted(place(*pair) for pair in pairs)
    for text in texts:
        assert place(text, texts[-1]) < behind(text) < place(text + "\u0020")


def test_labels_come_from_kinds_and_hold_nothing_else() -> None:
    assert [label(kind) for kind in ("table", "mlmodel", "mlFeature", "newKind")] == [
        *("Table", "MlModel", "MlFeature", "NewKind")
    ]
    assert [link(kind) for kind in ("column", "newPart")] == ["HAS_COLUMN", "HAS_NEW_PART"]
    for kind in ("", "a b", "a`) DETACH DELETE n //", "\u00e9", "_event", "1a"):
        with pytest.raises(InvalidInputError):
            label(kind)


def test_store_of_a_newer_release_is_refused(store: Neo4jStore, driver: neo4j.Driver) -> None:
    rows(driver, "MATCH (l:_Counter {name: 'layout'}) SET l.version = l.version + 1")
    with pytest.raises(StoreError, match="newer release"):
        store.migrate()


def test_commit_before_migrate_says_so(neo4j_url: str, store: Neo4jStore) -> None:
    with open_driver(neo4j_url) as driver:
        rows(driver, "MATCH (n:_Counter) DELETE n")
    with pytest.raises(StoreError, match="migrate"):
        store.commit(writes(entity("a")))


@pytest.mark.parametrize(
    ("user", "host", "said"),
    [
        ("neo4j", "127.0.0.1:9", "cannot be reached"),
        ("neo4j", "nowhere.invalid:7687", "cannot be reached"),
        ("nobody", None, "refused the user or the password"),
    ],
)
def test_server_that_cannot_be_used_is_a_store_error(
    neo4j_url: str, user: str, host: str | None, said: str
) -> None:
    store = Neo4jStore(f"neo4j://{user}:s3cr3t@{host or neo4j_url.rpartition('@')[2]}")
    try:
        for use in (store.migrate, store.sequence, lambda: store.commit(writes(entity("a")))):
            with pytest.raises(StoreError, match=said) as raised:
                use()
            assert "s3cr3t" not in f"{raised.value} {raised.value!r} {raised.value.details}"
    finally:
        store.close()


def test_closed_store_says_so(neo4j_url: str) -> None:
    store = Neo4jStore(neo4j_url)
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.sequence()


def test_url_is_read() -> None:
    address = parse_url("neo4j+s://ada:p%40ss%2Fword@db.example:7000/catalog")
    assert (address.uri, address.database) == ("neo4j+s://db.example:7000", "catalog")
    assert address.auth == ("ada", "p@ss/word")
    assert "p@ss" not in repr(address)
    assert parse_url("bolt://[::1]").uri == "bolt://[::1]"
    for bad in ("neo4j://", "neo4j://u:s3cr3t@host:port", "neo4j://u:s3cr3t@host?policy=x"):
        with pytest.raises(InvalidInputError) as raised:
            parse_url(bad)
        assert "s3cr3t" not in str(raised.value)
