"""Filling an empty store with the rows of another, in batches under a mark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import groupby
from typing import Any
from uuid import uuid4

from headwater.errors import ConflictError, InvalidInputError, StoreError
from headwater.store.base import Commit, Edge, Entry, EventRecord, Node, Row, StateRow
from headwater.store.neo4j.database import Database, Run
from headwater.store.neo4j.layout import (
    FEEDS,
    edge_properties,
    entity_row,
    entry_row,
    event_row,
    label,
    link,
    part_row,
    state_row,
)
from headwater.store.neo4j.search import PUT, search_row
from headwater.store.text import stored_text

_BATCH_ROWS = 1_000
_BATCH_CHARACTERS = 4_000_000
"""Of documents; more would not fit into the memory of a small server."""

_LABELS = (
    *("Entity", "Part", "_State", "_Reference", "_Commit", "_Event", "_Entry"),
    *("_Suppression", "_ClosedEdge", "_Search", "_SearchChange"),
)
_CLEAR = "MATCH (n:{}) CALL (n) {{ DETACH DELETE n }} IN TRANSACTIONS"
_BEGIN = """
MATCH (counter:_Counter {name: 'commit'})
SET counter.held_by = $load
WITH counter, counter.loading IS NOT NULL AS again,
  counter.seq + counter.events + counter.entries > 0 AS filled
FOREACH (_ IN CASE WHEN filled AND NOT again THEN [] ELSE [1] END |
  SET counter.loading = $load, counter.loaded = 0,
      counter.seq = 0, counter.at = 0, counter.events = 0, counter.entries = 0)
RETURN again, filled
"""
# The SET takes the lock. A batch whose answer was lost is repeated, and may be there already.
# The SET takes the lock. A batch whose answer was lost is sent again, and may be there already.
_BATCH = """
MATCH (counter:_Counter {name: 'commit'})
SET counter.held_by = $load
WITH counter WHERE counter.loading = $load
WITH counter, counter.loaded AS before
SET counter.loaded = $number
RETURN before
"""
_END = """
MATCH (counter:_Counter {name: 'commit'})
SET counter.held_by = $load
FOREACH (_ IN CASE WHEN counter.loading = $load THEN [1] ELSE [] END |
  SET counter += $counts, counter.filled_by = $load
  REMOVE counter.loading, counter.loaded)
RETURN counter.filled_by = $load
"""
_IS_MINE = "MATCH (counter:_Counter {name: 'commit'}) RETURN counter.loading = $load"
_GIVE_UP = """
MATCH (counter:_Counter {name: 'commit'}) WHERE counter.loading = $load
REMOVE counter.loading, counter.loaded
"""
_TAKEN_OVER = "another process has begun to load into this store; this load has ended"

# What is made of the rows of each class, in this order. NAME is a label or a type.
_STEPS = {
    "commits": "UNWIND $rows AS row CREATE (n:_Commit) SET n = row",
    "states": "UNWIND $rows AS row CREATE (n:_State) SET n = row",
    "entities": """
        UNWIND $rows AS row CREATE (n:Entity {id: row.id}) SET n += row.properties, n:NAME""",
    "references": """
        UNWIND $rows AS row
        CREATE (:_Reference {entity_id: row[0], field: row[1], target_id: row[2]})""",
    "search": PUT,
    "placed": """
        UNWIND $rows AS row
        MATCH (n:Entity {id: row[0]}) MATCH (parent:Entity {id: row[1]})
        CREATE (parent)-[:CONTAINS]->(n)""",
    "parts": "UNWIND $rows AS row CREATE (n:Part {id: row.id}) SET n += row.properties, n:NAME",
    "linked": """
        UNWIND $rows AS row
        MATCH (n:Entity {id: row[0]}) MATCH (p:Part {id: row[1]})
        CREATE (n)-[:NAME]->(p)""",
    "closed": "UNWIND $rows AS row CREATE (n:_ClosedEdge) SET n = row",
    "suppressed": "UNWIND $rows AS row CREATE (n:_Suppression) SET n = row",
    "opened": """
        UNWIND $rows AS row
        MATCH (a:Entity|Part {id: row.from_id}) MATCH (b:Entity|Part {id: row.to_id})
        CREATE (a)-[e:NAME]->(b) SET e = row""",
    "entries": "UNWIND $rows AS row CREATE (n:_Entry) SET n = row",
    "events": "UNWIND $rows AS row CREATE (n:_Event) SET n = row",
}
_ORDER = list(_STEPS)
Step = tuple[str, str, Any]
"""A step, the label or type that it gives or "", and one of its rows."""


def load(database: Database, rows: Iterable[Row]) -> None:
    """See ``Store.load``."""
    loader = _Loader(database)
    loader.begin()
    try:
        loader.fill(rows)
        loader.end()
    except BaseException:
        with suppress(StoreError):  # then the mark stays, and says what became of the store
            loader.give_up()
        raise


class _Loader:
    """One load. All that is there until its end is marked as its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._load = uuid4().hex
        self._batches = 0
        self._counts = {"seq": 0, "at": 0, "events": 0, "entries": 0}
        self._below: list[Step] = []

    def begin(self) -> None:
        """Take the store, if it is empty or what a load left behind."""
        answer = self._database.read(_BEGIN, load=self._load)
        if not answer:
            raise StoreError("the Neo4j database has no layout yet: call migrate() first")
        again, filled = answer[0]
        if filled and not again:
            raise ConflictError("the store holds something already; load into an empty one")
        if again:
            self._clear()

    def fill(self, rows: Iterable[Row]) -> None:
        """Write all rows, batch by batch."""
        for batch in _batches(self._steps(rows)):
            self._batches += 1
            self._database.transaction(partial(self._write, batch=batch))

    def end(self) -> None:
        """Make a store of it."""
        ((done,),) = self._database.read(_END, load=self._load, counts=self._counts)
        if not done:
            raise StoreError(_TAKEN_OVER)

    def give_up(self) -> None:
        """Leave an empty store, unless it is another load's by now."""
        ((mine,),) = self._database.read(_IS_MINE, load=self._load)
        if mine:
            self._clear()
            self._database.read(_GIVE_UP, load=self._load)

    def _clear(self) -> None:
        for name in _LABELS:
            self._database.read(_CLEAR.format(name))

    def _write(self, run: Run, batch: Sequence[Step]) -> None:
        answer = run(_BATCH, load=self._load, number=self._batches)
        if not answer:
            raise StoreError(_TAKEN_OVER)
        if answer[0][0] == self._batches:
            return
        lists: dict[tuple[str, str], list[Any]] = {}
        for step, name, row in batch:
            lists.setdefault((step, name), []).append(row)
        for step, name in sorted(lists, key=lambda key: _ORDER.index(key[0])):
            rows = lists[step, name]
            statement = _STEPS[step].replace("NAME", f"`{name}`")
            ((made,),) = run(f"{statement}\nRETURN count(*)", rows=rows)
            if made < len(rows):
                raise InvalidInputError(
                    f"of {len(rows)} rows to load ({step}), {len(rows) - made} name an entity or a"
                    " part that is not among the rows before them"
                )

    def _steps(self, rows: Iterable[Row]) -> Iterator[Step]:
        for kind, group in groupby(rows, type):
            for row in group:
                yield from self._of(row)
            if kind is StateRow:  # a parent may come behind its children
                yield from self._below
                self._below.clear()

    def _of(self, row: Row) -> Iterator[Step]:
        """What is made of a row."""
        counts = self._counts
        match row:
            case Commit():
                counts.update(seq=row.seq, at=row.at)
                yield "commits", "", row._asdict()
            case StateRow():
                yield from self._state(row)
            case Node():
                yield "parts", label(row.kind), part_row(row)
                if not row.dropped:
                    yield "linked", link(row.kind), [row.owner_id, row.id]
            case Edge():
                yield _edge(row)
            case Entry():
                counts["entries"] = row.number
                yield "entries", "", entry_row(row)
            case EventRecord():
                counts["events"] = row.number
                yield "events", "", event_row(row)

    def _state(self, row: StateRow) -> Iterator[Step]:
        record = row.record
        yield "states", "", state_row(record)
        if row.references is None:
            return
        yield "entities", label(record.kind), entity_row(record)
        for each in row.references:
            yield "references", "", [record.id, each.field, each.target_id]
        text = stored_text(record)
        if text:
            yield "search", "", search_row(record, text)
        if record.parent_id is not None:
            self._below.append(("placed", "", [record.id, record.parent_id]))


def _edge(edge: Edge) -> Step:
    properties = edge_properties(edge.key, edge.details, edge.opened_seq)
    if edge.closed_seq is not None:
        return "closed", "", {**properties, "closed_seq": edge.closed_seq}
    if edge.key.level == "suppressed":
        return "suppressed", "", properties
    return "opened", FEEDS[edge.key.level], properties


def _batches(steps: Iterable[Step]) -> Iterator[list[Step]]:
    batch: list[Step] = []
    size = 0
    for step in steps:
        batch.append(step)
        size += len(str(step[2]))
        if len(batch) >= _BATCH_ROWS or size >= _BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
