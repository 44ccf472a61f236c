"""The SQLite adapter: the conformance suite on a file and in memory, and what only SQLite does."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from time import monotonic
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headwater.errors import InvalidInputError, StoreError
from headwater.store.base import MAX_HITS, Commit, SearchQuery, Store, Term
from headwater.store.factory import open_store
from headwater.store.sqlite import SqliteStore, backup, search
from headwater.store.sqlite.failure import translated
from headwater.store.sqlite.order import rank
from headwater.testing.store import DurableStoreConformance, StoreConformance
from headwater.testing.store_build import (
    NOON,
    edge,
    entity,
    entry,
    event,
    following,
    found_by,
    part,
    writes,
)

WRITER = Path(__file__).with_name("sqlite_writer.py")


class TestMemory(StoreConformance):
    def emptied(self, store: Store) -> Store:
        store.close()
        return open_store("sqlite://")

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        store = open_store("sqlite://")
        yield store
        store.close()


class TestFile(DurableStoreConformance):
    @pytest.fixture
    def store(self, path: Path) -> Iterator[Store]:
        self.path = path
        store = open_store(f"sqlite:///{path}")
        yield store
        store.close()

    def reopen(self, store: Store) -> Store:
        return open_store(str(self.path))

    def emptied(self, store: Store) -> Store:
        store.close()
        return open_store(str(self.path.with_name("empty.db")))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "headwater.db"


def start_writer(path: Path, times: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(WRITER), str(path), times]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_processes_that_write_one_file_lose_nothing(path: Path) -> None:
    """They also create the file at once: neither finds it there."""
    processes = [start_writer(path, "150") for _ in range(3)]
    assert [process.communicate()[0] for process in processes] == ["", "", ""]
    assert [process.returncode for process in processes] == [0, 0, 0]
    store = open_store(str(path))
    found = store.find("table-counter")
    assert found is not None
    assert (found.document, found.rev, store.sequence()) == ("450", 450, 450)
    assert [each.number for each in store.events(limit=1000)] == list(range(1, 451))
    store.close()


def test_what_was_acknowledged_survives_a_killed_writer(path: Path) -> None:
    for _ in range(3):
        with start_writer(path, "forever") as process:
            assert process.stdout is not None
            said = [process.stdout.readline() for _ in range(40)]
            process.kill()
            said += process.stdout.readlines()
        acknowledged = int([line for line in said if line.endswith("\n")][-1])
        store = open_store(str(path))
        newest = store.sequence()
        # The last commit may have been done and not yet said.
        assert acknowledged <= newest <= acknowledged + 1
        kept = store.find_many([f"table-n{seq}" for seq in range(1, newest + 1)])
        assert len(kept) == newest
        assert [each.seq for each in store.events(limit=10**6)] == list(range(1, newest + 1))
        store.close()


def test_killed_load_leaves_an_empty_store(path: Path) -> None:
    with start_writer(path, "load") as process:
        assert process.stdout is not None
        assert process.stdout.readline()  # a hundred megabytes are in the transaction
        process.kill()
    store = open_store(str(path))
    assert (store.sequence(), store.find("table-a"), list(store.dump("commits"))) == (0, None, [])
    store.load([Commit(7, NOON, "ada", "person", None)])
    assert store.sequence() == 7
    store.close()


def test_load_of_rows_that_contradict_each_other_is_refused() -> None:
    store = open_store("sqlite://")
    line = Commit(1, NOON, "ada", "person", None)
    with pytest.raises(InvalidInputError, match="contradict each other"):
        store.load([line, line])
    assert store.sequence() == 0
    store.close()


def test_backup_while_another_process_writes_is_one_state(path: Path) -> None:
    with start_writer(path, "forever") as process:
        assert process.stdout is not None
        process.stdout.readline()
        for number in range(5):
            backup(str(path), path.with_name(f"copy{number}.db"))
        process.kill()
    for number in range(5):
        copy = open_store(str(path.with_name(f"copy{number}.db")))
        newest = copy.sequence()
        assert newest > 0
        assert len(copy.events(limit=10**6)) == newest
        assert len(copy.find_many([f"table-n{seq}" for seq in range(1, newest + 1)])) == newest
        copy.close()


def test_database_of_another_program_is_refused_and_left_alone(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.commit()
    other.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"headwater\.db is not a Headwater database"):
        open_store(str(path))
    assert path.read_bytes() == before


def test_newer_layout_is_refused(path: Path) -> None:
    open_store(str(path)).close()
    later = sqlite3.connect(path)
    later.execute("UPDATE meta SET value = '99' WHERE key = 'layout'")
    later.commit()
    later.close()
    with pytest.raises(StoreError, match="newer release"):
        open_store(str(path))


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"not a database at all" * 500, "not an SQLite database"), (None, "folder")],
    ids=["text", "directory"],
)
def test_what_is_no_database_is_refused(path: Path, content: bytes | None, words: str) -> None:
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(StoreError, match=words) as caught:
        open_store(str(path))
    assert str(path) in caught.value.message


def test_missing_folder_is_named(path: Path) -> None:
    with pytest.raises(StoreError, match="check that its folder exists"):
        open_store(str(path / "deeper.db"))


def test_damaged_file_is_reported(path: Path) -> None:
    store = open_store(str(path))
    store.commit(writes(*(entity(f"t{n}", document="x" * 2000) for n in range(100))))
    store.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2)  # behind the tables' definitions, without which it does not open
        file.write(b"\xff" * (size - size // 2))
    store = SqliteStore(str(path))
    with pytest.raises(StoreError, match="damaged"):
        store.find_many([f"table-t{n}" for n in range(100)])
    store.close()


def test_writer_waits_for_a_lock_then_says_so(path: Path) -> None:
    open_store(str(path)).close()
    store = SqliteStore(str(path), busy_timeout=0.05)
    store.migrate()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="another process"):
        store.commit(writes(entity("a")))
    assert store.find("table-a") is None  # readers do not wait
    other.execute("ROLLBACK")
    assert store.commit(writes(entity("a"))) == 1
    other.close()
    store.close()


def test_full_disk_keeps_what_was_there(path: Path) -> None:
    store = SqliteStore(str(path))
    store.migrate()
    store.commit(writes(entity("a"), events=(event("table-a"),)))
    # A page limit is how SQLite itself stands in for a full disk.
    store._database._writer.execute("PRAGMA max_page_count = 1")
    with pytest.raises(StoreError, match="disk is full"):
        store.commit(writes(entity("b", document="x" * 1_000_000), events=(event("table-b"),)))
    store._database._writer.execute("PRAGMA max_page_count = 100000")
    assert store.find("table-b") is None
    assert store.commit(writes(entity("b"), events=(event("table-b"),))) == 2
    assert [each.number for each in store.events()] == [1, 2]
    store.close()


def test_read_only_file_is_named(path: Path) -> None:
    open_store(str(path)).close()
    # Not by permissions, which do not bind an administrator.
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    with pytest.raises(sqlite3.OperationalError) as caught:
        connection.execute("DELETE FROM meta")
    connection.close()
    assert "cannot be written" in translated(caught.value, str(path)).message


HEX = "0123456789abcdef"
UUIDS = st.integers(0, 2**128 - 1).map(lambda number: str(UUID(int=number)))
NEAR_UUIDS = st.builds(
    lambda uuid, at, text: uuid[:at] + text, UUIDS, st.integers(0, 36), st.text(f"{HEX}-gG~ ")
)


@given(st.lists(st.one_of(UUIDS, NEAR_UUIDS, st.text()), unique=True))
@example(["", "-", "0", str(UUID(int=0)), str(UUID(int=2**128 - 1)), "g", "F"])
@example(["10000000", "0fffffff-ffff-ffff-ffff-ffffffffffff", "1", "10000000-", "0fffffff-g"])
def test_ranks_are_in_the_order_of_ids(ids: list[str]) -> None:
    """As SQLite orders them: text before bytes."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (id TEXT, rank BLOB UNIQUE)")
    connection.executemany("INSERT INTO t VALUES (?, ?)", [(each, rank(each)) for each in ids])
    rows = connection.execute("SELECT id FROM t ORDER BY rank")
    assert [found for (found,) in rows] == sorted(ids)
    connection.close()


def test_hops_are_ordered_by_id_whatever_ids_are(path: Path) -> None:
    ids = [str(UUID(int=n)) for n in (0, 5, 2**100, 2**128 - 1)]
    ids += ["0", "table-a", f"{ids[1]}x", f"{ids[1][:-1]}G", ids[2].upper() + "A"]
    store = open_store(str(path))
    tables = [entity(each, id=each) for each in ids]
    puts = tuple(edge(start, finish) for start in ids for finish in ids)
    store.commit(writes(*tables, edges=puts))
    found = store.expand(ids, "downstream", "coarse", limit=1000)
    assert [hop.edge.key[:2] for hop in found] == [(a, b) for a in sorted(ids) for b in sorted(ids)]
    for at, hop in enumerate(found, start=1):
        after = (hop.edge.key.from_id, hop.node.id)
        assert store.expand(ids, "downstream", "coarse", limit=1000, after=after) == found[at:]
    store.close()


def test_search_finds_what_was_just_written_while_others_write(path: Path) -> None:
    """Also what another instance wrote; the index catches up by itself when much is written."""
    stores = [open_store(str(path)) for _ in range(2)]

    def write_and_look(writer: int) -> None:
        for number in range(60):
            store = stores[number % 2]
            word = f"w{writer}x{number}"
            store.commit(writes(entity(word, search=found_by(word))))
            for each in stores:
                hits = each.search(SearchQuery((Term((word,)),)))
                assert [hit.name for hit in hits.records] == [word]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write_and_look, range(4)))
    for store in stores:
        assert store.search(SearchQuery()).total == 240
        store.close()


def test_of_too_many_hits_those_by_name_come_first_then_by_path(path: Path) -> None:
    store = open_store(str(path))
    store.commit(
        writes(*(entity(f"n{n}", search=found_by("x", text="a same")) for n in range(MAX_HITS)))
    )
    store.commit(writes(entity("p", search=found_by("x", path="the same"))))
    store.commit(writes(entity("n", search=found_by("same"))))
    found = store.search(SearchQuery((Term(("same",)),), limit=MAX_HITS))
    assert [record.name for record in found.records[:2]] == ["n", "p"]
    assert (found.total, found.approximate) == (len(found.records), True)
    store.close()


@pytest.mark.parametrize("size", [1, 30])
def test_search_index_never_falls_far_behind(
    path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(search, "_MAX_WAITING", 60)
    monkeypatch.setattr(search, "_AT_ONCE", 20)
    store = open_store(str(path))
    text = json.dumps({"name": "same", "fullyQualifiedName": "same"})
    for start in range(0, 300, size):
        new = (entity(f"n{n}", search="document" if n % 3 else found_by("same"), document=text)
               for n in range(start, start + size))  # fmt: skip
        store.commit(writes(*new))
    reader = sqlite3.connect(path)
    (found,) = reader.execute("SELECT count(*) FROM search").fetchone()
    reader.close()
    assert 300 - 60 - search.LOOKS_EVERY <= found < 300
    assert store.search(SearchQuery((Term(("same",)),))).total == 300
    store.close()


SECRET = b"Xq7PalimpsestZw"


def holds_secret(path: Path) -> list[str]:
    """The files of a store that have the secret in them, in any case."""
    files = sorted(path.parent.glob(f"{path.name}*"))
    return [each.name for each in files if SECRET.lower() in each.read_bytes().lower()]


def keep_secret(store: Store) -> None:
    """An entity among others with the secret in its past, its parts and what finds it."""
    word = SECRET.decode()
    text = json.dumps({"description": word * 300})
    store.commit(writes(*(entity(f"n{n}", search=found_by("other")) for n in range(60))))
    secret = entity(
        "secret", document=text, search=found_by(word.lower()), parts=(part("secret", word),)
    )
    store.commit(writes(secret, events=(event("table-secret", payload=text),)))
    store.search(SearchQuery((Term(("other",)),)))
    for rev in (1, 2):
        store.commit(writes(following(secret, expected_rev=rev, document=f"{rev}{text}")))
    store.commit(writes(entries=(entry("table-secret", data=text),)))


def test_what_is_erased_is_in_no_file(path: Path) -> None:
    with closing(open_store(str(path))) as store:
        keep_secret(store)
        assert holds_secret(path)
        store.commit(writes(erased=("table-secret",)))
        assert holds_secret(path) == []
        assert store.search(SearchQuery((Term(("other",)),))).total == 60
    assert holds_secret(path) == []


def test_what_a_reader_still_sees_of_an_erasure_goes_with_the_next_commit(path: Path) -> None:
    with closing(open_store(str(path))) as store:
        keep_secret(store)
        reading = store.dump("states")
        next(reading)
        start = monotonic()
        store.commit(writes(erased=("table-secret",)))
        assert monotonic() - start < 5  # nobody waits for it
        assert holds_secret(path)
        assert SECRET.decode() in str(list(reading))
        store.commit(writes(entity("later")))
        assert holds_secret(path) == []


def test_what_waits_for_a_search_is_there_when_the_store_is_opened_again(path: Path) -> None:
    text = json.dumps({"name": "orders", "fullyQualifiedName": "orders"})
    with closing(open_store(str(path))) as store:
        store.commit(writes(entity("orders", search="document", document=text)))
    with closing(open_store(str(path))) as store:
        (hit,) = store.search(SearchQuery((Term(("orders",)),))).records
        assert hit.name == "orders"


def test_memory_is_private_to_the_instance() -> None:
    one, other = open_store("sqlite://"), open_store(":memory:")
    one.commit(writes(entity("a")))
    assert other.find("table-a") is None
    one.close()
    other.close()


@pytest.mark.parametrize("url", ["", "sqlite://host/path", "sqlite://relative.db"])
def test_url_without_a_path_is_refused(url: str) -> None:
    with pytest.raises(InvalidInputError, match="sqlite:///relative"):
        open_store(url)


def test_relative_path_is_below_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    open_store("sqlite:///a.db").close()
    open_store("b.db").close()
    assert {each.name for each in tmp_path.iterdir()} == {"a.db", "b.db"}
