"""A database of layout 1, as its release wrote it, becomes this release's and reads the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import neo4j
import pytest

from headwater.errors import StoreError
from headwater.schemas import Kind, kinds
from headwater.store.base import SearchQuery, Section
from headwater.store.neo4j import Neo4jStore, index, migration
from headwater.store.neo4j.url import parse_url
from headwater.store.text import terms
from headwater.testing.store_build import entity, entry, event, writes
from tests.store.frozen_answers import ALL, answers, frozen

# A relationship at a time, because the statement names its type.
_NODE = "CREATE (n {number: $number}) SET n:%s SET n = $properties, n.__number = $number"
_TIE = "MATCH (a {__number: $from}), (b {__number: $to}) CREATE (a)-[r:%s]->(b) SET r = $properties"

LAYOUTS = [
    "layout 2: make the search text of what is there",
    "layout 3: say of edges whether they mask",
]


@pytest.fixture
def driver(neo4j_url: str) -> Iterator[neo4j.Driver]:
    address = parse_url(neo4j_url)
    with neo4j.GraphDatabase.driver(
        address.uri, auth=address.auth, notifications_min_severity="OFF"
    ) as driver:
        yield driver


@pytest.fixture
def store(neo4j_url: str, driver: neo4j.Driver) -> Iterator[Neo4jStore]:
    """A store that holds what one of layout 1 held."""
    was = frozen("layout_1.neo4j")
    with driver.session() as session:
        for number, (labels, properties) in enumerate(was["nodes"]):
            session.run(_NODE % ":".join(labels), number=number, properties=properties).consume()
        for from_, type_, to, properties in was["relationships"]:
            tie = {"from": from_, "to": to, "properties": properties}
            session.run(_TIE % type_, tie).consume()
        session.run("MATCH (n) REMOVE n.__number").consume()
    store = Neo4jStore(neo4j_url)
    yield store
    store.close()


def give_indexes_of_layout_1(driver: neo4j.Driver) -> None:
    with driver.session() as session:
        for name in session.run("SHOW CONSTRAINTS YIELD name").value():
            session.run(f"DROP CONSTRAINT `{name}`").consume()
        for name in session.run("SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP'").value():
            session.run(f"DROP INDEX `{name}`").consume()
        for statement in frozen("layout_1.neo4j")["schema"]:
            session.run(statement).consume()
        session.run("CALL db.awaitIndexes()").consume()


def names(driver: neo4j.Driver) -> set[str]:
    found = driver.execute_query("SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name")
    return {record[0] for record in found.records}


def test_layout_1_reads_as_before_and_is_searched(store: Neo4jStore, driver: neo4j.Driver) -> None:
    give_indexes_of_layout_1(driver)
    expected = frozen("layout_1")
    before = names(driver)
    sections: tuple[Section, ...] = get_args(Section)
    was = {section: list(store.dump(section)) for section in sections}
    assert [len(was[each]) for each in ("commits", "states", "events")] == [28, 24, 25]
    steps = store.migrate(dry_run=True)
    assert names(driver) == before
    assert {"make entry_number", "make search_words", "drop state_seq"} < set(steps)
    assert steps[-2:] == LAYOUTS
    assert store.migrate() == steps
    assert store.migrate() == store.migrate(dry_run=True) == []
    assert names(driver) == set(index.indexes())
    flags = driver.execute_query("MATCH ()-[e:FEEDS|FEEDS_TABLE]->() RETURN DISTINCT e.masking")
    assert [record[0] for record in flags.records] == [False]

    assert answers(store, expected) == expected
    # Whoever migrates it could keep what was there.
    assert {section: list(store.dump(section)) for section in sections} == was

    def found(query: str, **filters: tuple[str, ...]) -> list[str]:
        result = store.search(SearchQuery(terms(query), filters))
        return sorted(record.fqn for record in result.records)

    assert found("churn") == ["headwater.churn"]
    assert found("uberweisungen") == ["warehouse.main.shop.\u00dcberweisungen"]
    assert found('"customer id"', kind=("table",)) == ["warehouse.main.shop.orders"]
    assert found("gone") == []

    new = entity("new")
    more = writes(new, events=(event(new.id),), entries=(entry(new.id),))
    assert store.commit(more) == expected["sequence"] + 1
    assert store.events(limit=ALL)[-1].number == len(expected["events"]) + 1
    assert [each.number for each in store.entries(entity_ids=[new.id])] == [1]


def test_interrupted_migration_is_run_again(
    store: Neo4jStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = frozen("layout_1")
    monkeypatch.setattr(migration, "_BATCH", 5)
    made = 0

    def fail(record: object) -> None:
        nonlocal made
        made += 1
        if made > 7:
            raise StoreError("in the middle")

    with monkeypatch.context() as patch:
        patch.setattr(migration, "stored_text", fail)
        with pytest.raises(StoreError, match="in the middle"):
            store.migrate()
    assert store.migrate(dry_run=True) == LAYOUTS
    store.migrate()
    assert store.migrate(dry_run=True) == []
    assert answers(store, expected) == expected
    assert store.search(SearchQuery(terms("churn"))).total == 1


def test_kind_that_comes_later_gets_its_index(
    store: Neo4jStore, driver: neo4j.Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.migrate()
    for name in ("notebook", "part"):  # of an earlier run on the same server
        driver.execute_query(f"DROP INDEX fqn_of_{name} IF EXISTS")
    table = kinds()["table"]
    own: dict[str, Any] = {
        "notebook": Kind("notebook", "notebooks", "Notebook", "", "", None, table.shape),
        # Of a class that is there already, and of none that could be a label.
        "sheet": Kind("sheet", "sheets", "Notebook", "", "", None, table.shape),
        "part": Kind("part", "parts", "A part!", "", "", None, table.shape),
    }
    monkeypatch.setattr(index, "kinds", lambda: {**kinds(), **own})
    monkeypatch.setattr("headwater.store.neo4j.layout.kinds", lambda: {**kinds(), **own})
    assert store.migrate() == ["make fqn_of_notebook", "make fqn_of_part"]
    assert store.migrate() == []
    store.commit(writes(entity("a", kind="notebook"), entity("b", kind="part")))
    found = driver.execute_query("MATCH (n:Entity&(Notebook|Part_)) RETURN n.id").records
    assert sorted(record[0] for record in found) == ["notebook-a", "part-b"]
    assert store.nodes(ids=["part-b"])[0].owner_id is None
