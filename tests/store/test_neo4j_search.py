"""How the Neo4j adapter's index comes to know what was committed, and what it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import neo4j
import pytest

from headwater.errors import InvalidInputError
from headwater.store.base import SearchQuery, Term
from headwater.store.neo4j import Neo4jStore, search
from headwater.store.neo4j.search import lucene
from headwater.store.neo4j.url import parse_url
from headwater.testing.store_build import entity, following, found_by, writes

WRITERS = 4
ROUNDS = 12


@pytest.fixture
def store(neo4j_url: str) -> Iterator[Neo4jStore]:
    store = Neo4jStore(neo4j_url)
    store.migrate()
    yield store
    store.close()


@pytest.fixture
def driver(neo4j_url: str) -> Iterator[neo4j.Driver]:
    address = parse_url(neo4j_url)
    with neo4j.GraphDatabase.driver(
        address.uri, auth=address.auth, notifications_min_severity="OFF"
    ) as driver:
        yield driver


def count(driver: neo4j.Driver, label: str) -> int:
    found: int = driver.execute_query(f"MATCH (n:{label}) RETURN count(n)").records[0][0]
    return found


def found(store: Neo4jStore, *words: str) -> set[str]:
    return {hit.name for hit in store.search(SearchQuery((Term(words),), limit=100)).records}


def test_commit_notes_what_a_search_has_indexed(store: Neo4jStore, driver: neo4j.Driver) -> None:
    write = entity("a", search=found_by("first"))
    store.commit(writes(write, entity("b", search=found_by("first"))))
    write = following(write, search=found_by("second"))
    store.commit(writes(write))
    assert (count(driver, "_SearchChange"), count(driver, "_Search")) == (2, 0)
    assert found(store, "first") == {"b"}
    assert (count(driver, "_SearchChange"), count(driver, "_Search")) == (0, 2)
    store.commit(writes(following(write, search=None)))
    assert count(driver, "_Search") == 2
    assert found(store, "second") == set()
    assert (count(driver, "_SearchChange"), count(driver, "_Search")) == (0, 1)


def test_many_changes_are_indexed_before_anyone_searches(
    store: Neo4jStore, driver: neo4j.Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MANY_CHANGES", 5)
    for name in "abcdef":
        store.commit(writes(entity(name, search=found_by("x"))))
    assert (count(driver, "_SearchChange"), count(driver, "_Search")) == (1, 5)


def test_erasing_leaves_no_word_behind(store: Neo4jStore, driver: neo4j.Driver) -> None:
    store.commit(writes(entity("a", search=found_by("secret")), entity("b")))
    assert found(store, "secret") == {"a"}
    noted = entity("b", expected_rev=1, search=found_by("secret"))
    store.commit(writes(noted))
    store.commit(writes(erased=("table-a", "table-b")))
    assert (count(driver, "_SearchChange"), count(driver, "_Search")) == (0, 0)


def test_whoever_has_written_finds_it(store: Neo4jStore, neo4j_url: str) -> None:
    """While others write and search, over two instances."""
    other = Neo4jStore(neo4j_url)

    def write_and_search(writer: int) -> None:
        mine = (store, other)[writer % 2]
        for number in range(ROUNDS):
            name = f"w{writer}n{number}"
            new = entity(name, search=found_by(name))
            mine.commit(writes(new))
            assert found(mine, name) == {name}
            mine.commit(writes(following(new, search=found_by("changed"))))
            assert found(mine, name) == set()
            if number % 2:
                mine.commit(writes(following(following(new), search=None, deleted=True)))
                assert name not in found(mine, "changed")

    try:
        with ThreadPoolExecutor(WRITERS) as pool:
            for each in [pool.submit(write_and_search, writer) for writer in range(WRITERS)]:
                each.result()
    finally:
        other.close()
    assert len(found(store, "changed")) == WRITERS * ROUNDS // 2


def test_hits_of_one_rank_come_by_name(store: Neo4jStore) -> None:
    names = ["b", "A", "\u00e9", "a.b", "a"]
    store.commit(writes(*(entity(name, search=found_by("same")) for name in names)))
    result = store.search(SearchQuery((Term(("same",)),)))
    assert [hit.name for hit in result.records] == sorted(names)


def test_common_word_in_the_name_counts_more_than_a_rare_one_in_the_text(
    store: Neo4jStore,
) -> None:
    many = [entity(f"n{number:02}", search=found_by("orders x y z")) for number in range(60)]
    store.commit(writes(*many, entity("rare", search=found_by(text="orders"))))
    result = store.search(SearchQuery((Term(("orders",)),), limit=100))
    assert result.records[-1].name == "rare"


def test_largest_query_is_answered_and_a_larger_one_refused(store: Neo4jStore) -> None:
    text = " ".join(f"w{number}" for number in range(100))
    store.commit(writes(entity("a", search=found_by(text, owner="ada"))))
    terms = tuple(Term((f"w{n}", f"w{n + 1}", "w"), prefix=True) for n in range(32))
    owners = tuple(f"o{number}" for number in range(search.MAX_VALUES - 1))
    query = SearchQuery(terms, {"owner": (*owners, "ada")})
    assert store.search(query).total == 1
    with pytest.raises(InvalidInputError, match="values of facets"):
        store.search(SearchQuery((), {"owner": (*owners, "ada", "bob")}))


def test_what_is_asked_is_quoted() -> None:
    query = SearchQuery((Term(('a"b', "c*")), Term(("d OR e",), prefix=True)))
    assert '"a\\"b c\\*"' in lucene(query)
    assert "d\\ OR\\ e*" in lucene(query)
