"""The adapter: the port's methods over one Neo4j database. The work is in the modules beside."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from typing_extensions import override

from headwater.errors import StoreError
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
from headwater.store.neo4j import entity, entry, graph, search
from headwater.store.neo4j.database import Database, Run
from headwater.store.neo4j.dump import dump
from headwater.store.neo4j.load import load
from headwater.store.neo4j.log import Log
from headwater.store.neo4j.migration import migrate
from headwater.store.neo4j.write import commit


class Neo4jStore(Store):
    """A store in a Neo4j database (5.26 or newer, any edition), which other processes may use too.

    Args:
        url: ``neo4j://user:password@host:7687``, with ``/database`` for another than the user's
            home database; also ``bolt``, and ``+s`` and ``+ssc`` for TLS.

    Raises:
        InvalidInputError: The URL cannot be read.
    """

    local = False

    def __init__(self, url: str) -> None:
        self._database = Database(url)
        self._log = Log(self._database)

    @override
    def commit(self, write_set: WriteSet) -> int:
        changes = 0

        def work(run: Run, commit_id: str) -> int:
            nonlocal changes
            seq, changes = commit(run, commit_id, write_set)
            return seq

        seq = self._database.write(work)
        self._log.settled(seq)
        if changes >= search.MANY_CHANGES:
            with suppress(StoreError):  # what is written is written; whoever searches tries again
                search.index_changes(self._database)
        return seq

    @override
    def find(
        self, key: Key, *, as_of: int | None = None, version: str | None = None
    ) -> Record | None:
        return entity.find(self._database, key, as_of=as_of, version=version)

    @override
    def find_many(self, keys: Collection[Key], *, as_of: int | None = None) -> dict[Key, Record]:
        return entity.find_many(self._database, keys, as_of=as_of)

    @override
    def page(self, query: PageQuery) -> list[Record]:
        if query.filters:
            return search.page(self._database, query)
        return entity.page(self._database, query)

    @override
    def count(self, query: PageQuery) -> int:
        if query.filters:
            return search.count(self._database, query)
        return entity.count(self._database, query)

    @override
    def versions(
        self, entity_id: str, *, before_rev: int | None = None, limit: int = 100
    ) -> list[Record]:
        return entity.versions(self._database, entity_id, before_rev=before_rev, limit=limit)

    @override
    def descendants(self, entity_id: str) -> list[Record]:
        return entity.descendants(self._database, entity_id)

    @override
    def referrers(self, entity_ids: Collection[str]) -> list[tuple[str, str, str]]:
        return entity.referrers(self._database, entity_ids)

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
        return graph.nodes(self._database, filters)

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
        return graph.expand(
            self._database, ids, direction, level, limit=limit, as_of=as_of, after=after
        )

    @override
    def degrees(
        self,
        ids: Collection[str],
        direction: Direction,
        level: Level,
        *,
        as_of: int | None = None,
    ) -> dict[str, int]:
        return graph.degrees(self._database, ids, direction, level, as_of=as_of)

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
        filters = {"from_id": from_ids, "to_id": to_ids, "producer": producer, "source": source}
        return graph.edges(self._database, filters, include_closed=include_closed)

    @override
    def events(self, *, after: int = 0, limit: int = 100) -> list[EventRecord]:
        return self._log.events(after, limit)

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
        return entry.entries(
            self._database, filters, before=before, as_of=as_of, latest=latest, limit=limit
        )

    @override
    def search(self, query: SearchQuery) -> SearchResult:
        return search.search(self._database, query)

    @override
    def dump(self, section: Section) -> Iterator[Row]:
        return dump(self._database, section)

    @override
    def load(self, rows: Iterable[Row]) -> None:
        load(self._database, rows)

    @override
    def sequence(self, at: int | None = None) -> int:
        return self._log.sequence(at)

    @override
    def migrate(self, *, dry_run: bool = False, backup: Path | None = None) -> list[str]:
        return migrate(self._database, dry_run=dry_run)

    @override
    def close(self) -> None:
        self._database.close()
