"""From an empty database or an earlier layout to this release's, in steps that can be repeated."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from headwater.errors import StoreError
from headwater.store.neo4j.database import Database, Run
from headwater.store.neo4j.index import OUTGROWN, indexes
from headwater.store.neo4j.layout import LOCK, unpack
from headwater.store.neo4j.search import PUT, search_row
from headwater.store.text import stored_text

LAYOUT = 3
"""Counts the releases of the layout."""

_BATCH = 500
_EDGES = 10_000
_STATE = """
OPTIONAL MATCH (layout:_Counter {name: 'layout'})
OPTIONAL MATCH (counter:_Counter {name: 'commit'})
RETURN layout.version, counter.loading
"""
# ON CREATE alone: of two processes that come at once, the second changes nothing.
_COUNTERS = """
MERGE (c:_Counter {name: 'commit'}) ON CREATE SET c.seq = 0, c.at = 0, c.events = 0, c.entries = 0
MERGE (l:_Counter {name: 'layout'}) ON CREATE SET l.version = $version
"""
_REACHED = "MATCH (l:_Counter {name: 'layout'}) SET l.version = $version"
_COUNT_ENTRIES = """
MATCH (c:_Counter {name: 'commit'}) SET c.entries = coalesce(c.entries, 0)
"""
_ENTITIES = """
MATCH (e:Entity) USING INDEX SEEK e:Entity(id) WHERE e.id > $after
RETURN e.id, e.state ORDER BY e.id LIMIT $limit
"""
_MASKING = """
MATCH ()-[e:FEEDS|FEEDS_TABLE]->() WHERE e.masking IS NULL
WITH e LIMIT $limit
SET e.masking = e.details CONTAINS '"masking":true'
RETURN count(e)
"""


def migrate(database: Database, *, dry_run: bool) -> list[str]:
    """See ``Store.migrate``. Kinds that are new since then get their index."""
    ((version, loading),) = database.read(_STATE)
    if version is not None and version > LAYOUT:
        raise StoreError(
            f"the store has layout {version}, this release knows {LAYOUT}: it was written by a"
            " newer release of Headwater"
        )
    if loading is not None:
        raise StoreError(
            "filling this store was interrupted, so it holds a part of what it should: load it"
            " again, which begins anew",
            half_loaded=True,
        )
    there = {name for (name,) in database.read("SHOW INDEXES YIELD name")}
    missing = {name: statement for name, statement in indexes().items() if name not in there}
    outgrown = [name for name in OUTGROWN if name in there]
    data = {} if version is None else {n: it for n, it in _MIGRATIONS.items() if n > version}
    if not dry_run:
        for statement in missing.values():
            database.read(statement)
        if missing:
            database.read("CALL db.awaitIndexes()")
        for name in outgrown:
            database.read(f"DROP INDEX {name} IF EXISTS")
        if version is None:
            database.read(_COUNTERS, version=LAYOUT)
        for number, (_, step) in sorted(data.items()):
            step(database)
            database.read(_REACHED, version=number)
    return [
        *(f"make {name}" for name in missing),
        *(f"drop {name}" for name in outgrown),
        *(f"layout {number}: {what}" for number, (what, _) in sorted(data.items())),
    ]


def _search_and_entries(database: Database) -> None:
    """Make the search text of what is there, and begin to count entries."""
    database.read(_COUNT_ENTRIES)
    after: str | None = ""
    while after is not None:
        after = database.transaction(partial(_fill_search, after=after))


def _fill_search(run: Run, after: str) -> str | None:
    """Make the search text of some entities, and return the last one's id; None at the end."""
    run(LOCK + "RETURN seq")  # nobody writes between what is read and what is made of it
    found = run(_ENTITIES, after=after, limit=_BATCH)
    records = [unpack(state) for _, state in found]
    rows = [search_row(record, stored_text(record)) for record in records]
    run(PUT, rows=[row for row in rows if "name" in row])
    return found[-1][0] if len(found) == _BATCH else None


def _masking(database: Database) -> None:
    """Say of every open edge whether it masks."""
    while database.transaction(lambda run: run(_MASKING, limit=_EDGES)[0][0]):
        pass


_MIGRATIONS: dict[int, tuple[str, Callable[[Database], None]]] = {
    2: ("make the search text of what is there", _search_and_entries),
    3: ("say of edges whether they mask", _masking),
}
