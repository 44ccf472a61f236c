"""Databases of older layouts, frozen as their release wrote them, migrate and read the same."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from headwater.errors import ConflictError, InvalidInputError, StoreError
from headwater.store.base import Recorded, SearchQuery, Store
from headwater.store.factory import open_store
from headwater.store.sqlite import SqliteStore, backup, search
from headwater.store.text import terms
from headwater.testing.store_build import entity, entry, event, following, writes
from tests.store.frozen_answers import ALL, FROZEN, answers, frozen


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "headwater.db"
    path.write_bytes(gzip.decompress((FROZEN / "layout_1.db.gz").read_bytes()))
    return path


@pytest.fixture
def expected() -> Any:
    """What the release that wrote the database answered."""
    return frozen("layout_1")


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store = migrated(path)
    yield store
    store.close()


def migrated(path: Path) -> Store:
    store = SqliteStore(str(path))
    store.migrate()
    return store


def test_layout_1_reads_as_before(store: Store, expected: Any) -> None:
    now = answers(store, expected)
    for question, answer in expected.items():
        assert now[question] == answer, question


def test_layout_1_is_searched_by_its_documents(store: Store) -> None:
    def found(query: str, **filters: tuple[str, ...]) -> list[str]:
        result = store.search(SearchQuery(terms(query), filters))
        return sorted(record.fqn for record in result.records)

    assert found("churn") == ["headwater.churn"]
    assert found("uberweisungen") == ["warehouse.main.shop.\u00dcberweisungen"]
    assert found('"customer id"', kind=("table",)) == ["warehouse.main.shop.orders"]
    assert found("gone") == []
    assert found("simple") == []  # no kind's document: it is found from its next write on


def test_layout_1_takes_writes_as_any(store: Store, expected: Any) -> None:
    seq = store.commit(writes(entity("new"), events=(event("table-new"),)))
    assert seq == expected["sequence"] + 1
    assert store.events(limit=ALL)[-1].number == len(expected["events"]) + 1
    plain = entity("plain", expected_rev=2)
    store.commit(writes(following(plain, expected_rev=2)))
    assert [record.rev for record in store.versions("table-plain")] == [3, 2, 1]


def test_migration_says_what_it_would_do_and_does_it_once(path: Path) -> None:
    store = SqliteStore(str(path))
    before = path.read_bytes()
    steps = store.migrate(dry_run=True)
    assert (len(steps), path.read_bytes()) == (3, before)
    assert store.migrate() == steps
    assert store.migrate() == store.migrate(dry_run=True) == []
    store.close()


def test_layout_2_gets_room_for_who_recorded_elsewhere(path: Path) -> None:
    path.unlink()
    write = entry("table-a", recorded=Recorded(5, "bob", "dbt"))
    with closing(open_store(str(path))) as store:
        store.commit(writes(entity("a"), entries=(entry("table-a"),)))
        before = store.entries(entity_ids=["table-a"])
    with closing(sqlite3.connect(path)) as older:
        older.execute("DROP TABLE brought")
        older.execute("UPDATE meta SET value = '2' WHERE key = 'layout'")
        older.commit()
    with closing(migrated(path)) as store:
        assert store.entries(entity_ids=["table-a"]) == before
        store.commit(writes(entries=(write,)))
        assert store.entries(entity_ids=["table-a"])[0][2:5] == write.recorded


def test_migration_makes_the_backup_that_is_asked_for_and_no_other(path: Path) -> None:
    store, named = SqliteStore(str(path)), path.with_name("before.db")
    assert store.migrate(backup=named)[0] == f"copy the database to {named}"
    store.close()
    assert {each.name for each in path.parent.iterdir()} == {"headwater.db", "before.db"}


def test_migration_leaves_a_backup_that_is_what_was_there(path: Path, expected: Any) -> None:
    before = path.read_bytes()
    migrated(path).close()
    (backup_path,) = path.parent.glob("headwater.db.layout-1-*.backup")
    kept = sqlite3.connect(backup_path)
    assert kept.execute("SELECT value FROM meta WHERE key = 'layout'").fetchone() == ("1",)
    kept.close()
    assert len(backup_path.read_bytes()) == len(before)
    store = migrated(backup_path)  # it can take the place of the file that was migrated
    assert answers(store, expected) == expected
    store.close()


def test_migration_that_fails_changes_nothing(
    path: Path, expected: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(record: object) -> None:
        raise StoreError("in the middle")

    store = SqliteStore(str(path))
    with monkeypatch.context() as patch:
        patch.setattr(search, "stored_text", fail)
        with pytest.raises(StoreError, match="in the middle"):
            store.migrate()
    assert len(store.migrate(dry_run=True)) == 3
    store.migrate()
    assert answers(store, expected) == expected
    store.close()


def test_backup_is_a_store_of_its_own(path: Path, store: Store, expected: Any) -> None:
    copy = path.with_name("copy.db")
    backup(f"sqlite:///{path}", copy)
    store.commit(writes(entity("later")))
    other = open_store(str(copy))
    assert answers(other, expected) == expected
    other.close()
    assert {each.name for each in path.parent.iterdir() if "unfinished" in each.name} == set()


def test_backup_of_what_cannot_be_backed_up_is_refused(path: Path) -> None:
    with pytest.raises(ConflictError, match="name another file"):
        backup(str(path), path)
    with pytest.raises(InvalidInputError, match="export it"):
        backup("sqlite://", path.with_name("copy.db"))
    with pytest.raises(StoreError, match="there is no database"):
        backup(str(path.with_name("absent.db")), path.with_name("copy.db"))
    with pytest.raises(StoreError, match="folder"):
        backup(str(path), path.parent / "absent" / "copy.db")
