"""What the Neo4j adapter says and keeps when connections break and servers die."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Literal, get_args

import pytest

from headwater.errors import ConflictError, InvalidInputError, StoreError
from headwater.store.base import Row, SearchQuery, Section, StateRow, Store, Term
from headwater.store.factory import open_store
from headwater.store.neo4j import Neo4jStore, load
from headwater.store.neo4j.database import Database
from headwater.testing.neo4j import Neo4jServer
from headwater.testing.store_build import edge, entity, event, found_by, part, writes

COMMIT = b"\x00\x02\xb0\x12\x00\x00"
"""The Bolt message that ends a transaction, framed (Bolt protocol, "COMMIT")."""

WRITERS = 4
KEPT = SearchQuery((Term(("kept",)),))
KILL_AFTER = 60


class Cutter:
    """A way to a server that can be told to break the connection at the next COMMIT.

    Attributes:
        cut: Break ``before`` the server gets it, or ``after`` it has answered.
        cuts: How often it was broken.
        stay_shut: Let nobody in after the cut.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        self.cut: Literal["before", "after"] | None = None
        self.cuts = 0
        self.stay_shut = False
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for each in (self._listener, *self._sockets):
            _shut(each)  # wakes the thread that waits for it
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._port))
            self._sockets += (client, server)
            for pump in (self._to_server, self._to_client):
                threading.Thread(target=pump, args=(client, server), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        while data := _received(client):
            if COMMIT in data and self.cut == "before":
                self._break(client, server)
                return
            _send(server, data)
        _shut(server)

    def _to_client(self, client: socket.socket, server: socket.socket) -> None:
        while data := _received(server):
            # Within a transaction, the answer to COMMIT is the only one that has a bookmark.
            if self.cut == "after" and b"bookmark" in data:
                self._break(client, server)
                return
            _send(client, data)
        _shut(client)

    def _break(self, client: socket.socket, server: socket.socket) -> None:
        self.cut = None
        self.cuts += 1
        if self.stay_shut:
            _shut(self._listener)
        for each in (client, server):
            _shut(each)


def _received(source: socket.socket) -> bytes:
    try:
        return source.recv(65536)
    except OSError:
        return b""


def _send(target: socket.socket, data: bytes) -> None:
    with suppress(OSError):  # it was cut; whoever waits for an answer finds out
        target.sendall(data)


def _shut(each: socket.socket) -> None:
    with suppress(OSError):  # the other side was quicker
        each.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def cutter(neo4j_url: str) -> Iterator[Cutter]:
    cutter = Cutter(int(neo4j_url.rpartition(":")[2]))
    yield cutter
    cutter.close()


@pytest.fixture
def store(neo4j_url: str, cutter: Cutter) -> Iterator[Store]:
    credentials = neo4j_url.partition("://")[2].rpartition("@")[0]
    # Over bolt, because a neo4j URL leads to the address that the server advertises.
    store = Neo4jStore(f"bolt://{credentials}@127.0.0.1:{cutter.port}")
    store.migrate()
    yield store
    store.close()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_commit_whose_answer_is_lost_is_written_once(
    store: Store, cutter: Cutter, moment: Literal["before", "after"]
) -> None:
    store.commit(writes(entity("a")))
    cutter.cut = moment
    assert store.commit(writes(entity("b"), events=(event("table-b"),))) == 2
    assert cutter.cuts == 1
    assert store.sequence() == 2
    assert [each.event.entity_id for each in store.events()] == ["table-b"]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_commit_with_unknown_outcome_says_so(
    store: Store, cutter: Cutter, moment: Literal["before", "after"], neo4j_url: str
) -> None:
    cutter.cut, cutter.stay_shut = moment, True
    with pytest.raises(StoreError, match="not known whether it was written") as raised:
        store.commit(writes(entity("a")))
    assert raised.value.details == {"outcome": "unknown"}
    straight = Neo4jStore(neo4j_url)
    try:
        assert straight.sequence() == (1 if moment == "after" else 0)
    finally:
        straight.close()


def all_rows(store: Store) -> list[Row]:
    sections: tuple[Section, ...] = get_args(Section)
    return [row for section in sections for row in store.dump(section)]


@pytest.fixture
def archive(neo4j_url: str) -> list[Row]:
    """Rows of a store that is gone."""
    store = Neo4jStore(neo4j_url)
    store.migrate()
    tables = [entity(f"t{n}", parts=(part(f"t{n}", "x"),)) for n in range(20)]
    puts = tuple(edge("table-t0", table.id) for table in tables)
    store.commit(writes(*tables, edges=puts, events=(event("table-t0"),)))
    rows = all_rows(store)
    store.close()
    empty(neo4j_url)
    return rows


def empty(url: str) -> None:
    database = Database(url)
    database.read("MATCH (n) DETACH DELETE n")
    database.close()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_batch_of_a_load_whose_answer_is_lost_is_written_once(
    archive: list[Row], store: Store, cutter: Cutter, moment: Literal["before", "after"]
) -> None:
    cutter.cut = moment
    store.load(archive)
    assert cutter.cuts == 1
    assert all_rows(store) == archive
    assert store.commit(writes(entity("more"))) == 2


@pytest.mark.parametrize("moment", ["before", "after"])
def test_load_that_is_cut_off_leaves_a_store_that_is_refused_until_it_is_loaded_again(
    archive: list[Row],
    store: Store,
    cutter: Cutter,
    moment: Literal["before", "after"],
    neo4j_url: str,
) -> None:
    cutter.cut, cutter.stay_shut = moment, True
    with pytest.raises(StoreError, match="cannot be reached"):
        store.load(archive)
    straight = Neo4jStore(neo4j_url)
    try:
        for dry_run in (True, False):
            with pytest.raises(StoreError, match="load it again"):
                straight.migrate(dry_run=dry_run)
        with pytest.raises(StoreError, match="load it again"):
            open_store(neo4j_url)
        with pytest.raises(StoreError, match="being filled"):
            straight.commit(writes(entity("a")))
        straight.load(archive)
        assert straight.migrate() == []
        assert all_rows(straight) == archive
        assert straight.search(SearchQuery()).total == 0
        with pytest.raises(ConflictError):
            straight.load(archive)
    finally:
        straight.close()


def test_load_that_another_one_took_over_ends(
    archive: list[Row], store: Store, neo4j_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "_BATCH_ROWS", 5)
    other = Neo4jStore(neo4j_url)

    def rows() -> Iterator[Row]:
        yield from archive[:20]
        other.load(archive)
        yield from archive[20:]

    try:
        with pytest.raises(StoreError, match="another process"):
            store.load(rows())
        assert all_rows(other) == archive
    finally:
        other.close()


def test_rows_that_name_what_is_not_there_are_refused(archive: list[Row], store: Store) -> None:
    def without(entity_id: str) -> list[Row]:
        return [
            row for row in archive if not (isinstance(row, StateRow) and row.record.id == entity_id)
        ]

    with pytest.raises(InvalidInputError, match=r"1 name an entity or a part"):
        store.load(without("table-t3"))
    assert store.migrate() == []
    store.load(archive)


def test_acknowledged_commits_survive_a_killed_server(neo4j_url: str) -> None:
    """Uses a server of its own; the fixture is asked for where there is none at all."""
    with Neo4jServer(brief=True) as server:
        store = Neo4jStore(server.url)
        try:
            store.migrate()
            store.commit(writes(entity("hub")))
            kept = commit_until_killed(store, server)
            server.start()
            check_kept(store, kept)
        finally:
            store.close()


def commit_until_killed(store: Store, server: Neo4jServer) -> dict[str, int]:
    """Commit from several threads, and return the seq of every commit that was acknowledged."""
    kept: dict[str, int] = {}
    many = threading.Event()

    def write(writer: int) -> None:
        number = 0
        while True:
            new = entity(f"{writer}-{number}", search=found_by("kept"))
            put = edge(new.id, "table-hub")
            try:
                if number % 10 == 5:
                    store.search(KEPT)  # has what was committed indexed
                kept[new.id] = store.commit(writes(new, edges=(put,), events=(event(new.id),)))
            except StoreError:
                return
            number += 1
            if len(kept) >= KILL_AFTER:
                many.set()

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    assert many.wait(60)
    server.kill()
    for thread in threads:
        thread.join()
    return kept


def check_kept(store: Store, kept: dict[str, int]) -> None:
    """Every acknowledged commit is there, whole, and at most one more of each writer."""
    last = store.sequence()
    assert max(kept.values()) <= last <= len(kept) + 1 + WRITERS
    found = store.find_many(kept)
    assert {id_: record.seq for id_, record in found.items()} == kept
    events = {each.event.entity_id: each.seq for each in store.events(limit=last)}
    assert kept.items() <= events.items()
    assert {each.key.from_id: each.opened_seq for each in store.edges(producer="ada")} == events
    assert store.search(KEPT).total == len(events)
    assert store.commit(writes(entity("after"))) == last + 1
