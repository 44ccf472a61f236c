"""The adapter: the port's methods over one SQLite database. The work is in the modules beside."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from sqlite3 import Connection

from typing_extensions import override

from headwater.store.base import (
    Direction,
    Edge,
    Entry,
    EventRecord,
    Hop,
    Key,
    Level,
    Node,
    PageQuery,
    Record,
    Row,
    SearchQuery,
    SearchResult,
    Section,
    Store,
    WriteSet,
)
from headwater.store.sqlite import (
    archive,
    entity,
    entry,
    event,
    graph,
    layout,
    migration,
    search,
    write,
)
from headwater.store.sqlite.connection import Database, Synchronous
from headwater.store.sqlite.search import A, Q
from headwater.store.sqlite.url import database_path

_SEQUENCE = "SELECT coalesce(max(seq), 0) FROM log"
_RECORDED_AT = "SELECT at FROM log WHERE seq >= ? ORDER BY seq LIMIT 1"


class SqliteStore(Store):
    """A store in one SQLite file, which other processes may use too, or in memory.

    Args:
        url: ``sqlite:///relative.db``, ``sqlite:////absolute.db`` or a plain path; ``sqlite://``
            or ``:memory:`` for one that lives and dies with the instance.
        synchronous: ``FULL`` makes every commit survive a power cut; ``NORMAL`` may lose the last
            ones, and is quicker.
        busy_timeout: Seconds to wait for another process that writes.

    Raises:
        StoreError: The file cannot be opened, or is not Headwater's.
    """

    local = True

    def __init__(
        self, url: str, *, synchronous: Synchronous = "FULL", busy_timeout: float = 15.0
    ) -> None:
        self._database = Database(
            database_path(url), synchronous=synchronous, busy_timeout=busy_timeout
        )

    @override
    def commit(self, write_set: WriteSet) -> int:
        do = self._database.erase if write_set.erased else self._database.write
        seq = do(write.commit, write_set)
        if self.on_commit:
            self.on_commit(write_set, seq)
        return seq

    @override
    def find(
        self, key: Key, *, as_of: int | None = None, version: str | None = None
    ) -> Record | None:
        if as_of is None and version is None:
            return self._database.read(entity.find, key)
        return self._database.snapshot(entity.find_state, key, as_of=as_of, version=version)

    @override
    def find_many(self, keys: Collection[Key], *, as_of: int | None = None) -> dict[Key, Record]:
        ask = self._database.snapshot if len(keys) > 1 else self._database.read
        return ask(entity.find_many, keys, as_of=as_of)

    @override
    def page(self, query: PageQuery) -> list[Record]:
        if query.filters:
            return self._searched(search.page, query)
        return self._database.read(entity.page, query)

    @override
    def count(self, query: PageQuery) -> int:
        if query.filters:
            return self._searched(search.count, query)
        return self._database.read(entity.count, query)

    @override
    def versions(
        self, entity_id: str, *, before_rev: int | None = None, limit: int = 100
    ) -> list[Record]:
        return self._database.read(entity.versions, entity_id, before_rev=before_rev, limit=limit)

    @override
    def descendants(self, entity_id: str) -> list[Record]:
        return self._database.read(entity.descendants, entity_id)

    @override
    def referrers(self, entity_ids: Collection[str]) -> list[tuple[str, str, str]]:
        return self._database.read(entity.referrers, entity_ids)

    @override
    def nodes(
        self,
        *,
        ids: Collection[str] | None = None,
        fqns: Collection[str] | None = None,
        owner_ids: Collection[str] | None = None,
        kinds: Collection[str] | None = None,
    ) -> list[Node]:
        filters = {"id": ids, "fqn": fqns, "owner_id": owner_ids, "kind": kinds}
        return self._database.read(graph.nodes, filters)

    @override
    def expand(
        self,
        ids: Collection[str],
        direction: Direction,
        level: Level,
        *,
        limit: int,
        as_of: int | None = None,
        after: tuple[str, str] | None = None,
    ) -> list[Hop]:
        run = self._database.read if as_of is None and after is None else self._database.snapshot
        return run(graph.expand, ids, direction, level, limit=limit, as_of=as_of, after=after)

    @override
    def degrees(
        self,
        ids: Collection[str],
        direction: Direction,
        level: Level,
        *,
        as_of: int | None = None,
    ) -> dict[str, int]:
        return self._database.read(graph.degrees, ids, direction, level, as_of=as_of)

    @override
    def edges(
        self,
        *,
        source: str | None = None,
        producer: str | None = None,
        from_ids: Collection[str] | None = None,
        to_ids: Collection[str] | None = None,
        include_closed: bool = False,
    ) -> list[Edge]:
        ends = {"from_id": from_ids, "to_id": to_ids}
        labels = {"producer": producer, "source": source}
        return self._database.read(graph.edges, ends, labels, include_closed=include_closed)

    @override
    def events(self, *, after: int = 0, limit: int = 100) -> list[EventRecord]:
        return self._database.read(event.events, after, limit)

    @override
    def entries(
        self,
        *,
        entity_ids: Collection[str] | None = None,
        types: Collection[str] | None = None,
        keys: Collection[str] | None = None,
        before: int | None = None,
        as_of: int | None = None,
        latest: bool = False,
        limit: int = 100,
    ) -> list[Entry]:
        filters = {"entity_id": entity_ids, "type": types, "key": keys}
        return self._database.read(
            entry.entries, filters, before=before, as_of=as_of, latest=latest, limit=limit
        )

    @override
    def search(self, query: SearchQuery) -> SearchResult:
        return self._searched(search.search, query)

    @override
    def dump(self, section: Section) -> Iterator[Row]:
        return self._database.stream(archive.dump, section)

    @override
    def load(self, rows: Iterable[Row]) -> None:
        self._database.write(archive.load, rows)

    @override
    def sequence(self, at: int | None = None) -> int:
        return self._database.read(_sequence, at)

    @override
    def migrate(self, *, dry_run: bool = False, backup: Path | None = None) -> list[str]:
        # Looking first lets a process open a file while another one writes to it.
        path = self._database.path
        to_do = migration.steps(self._database.snapshot(layout.stored_version, path), backup)
        if dry_run or not to_do:
            return to_do
        return self._database.write(migration.migrate, path, backup)

    @override
    def close(self) -> None:
        self._database.close()

    def _searched(self, ask: Callable[[Connection, Q], A], query: Q) -> A:
        """Ask the index of search, which is brought up to date before."""
        for _ in range(3):
            answer = self._database.snapshot(search.if_current, ask, query)
            if answer is not None:
                return answer
            self._database.write_lazily(search.catch_up)
        # Others write all the time: let them wait.
        return self._database.write_lazily(search.caught_up, ask, query)


def _sequence(connection: Connection, at: int | None) -> int:
    (newest,) = connection.execute(_SEQUENCE).fetchone()
    if at is None:
        return int(newest)

    def recorded(seq: int) -> int:
        (time,) = connection.execute(_RECORDED_AT, (seq,)).fetchone()
        return int(time)

    # Recorded time never goes back, so that no index is needed: seqs are in its order.
    return bisect_right(range(1, newest + 1), at, key=recorded)
