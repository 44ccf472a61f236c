"""The rows of a store as they were after one commit, read while writers go on.

A store's sections are read one after the other, each as it is by then. What is newer than the
commit is left out, and what it replaced or closed is put back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from typing import TypeVar, cast

from headwater.catalog.archive.row import SECTIONS
from headwater.catalog.part import parts_of
from headwater.catalog.reference import targets
from headwater.errors import StaleWriteError
from headwater.store.base import (
    Edge,
    Entry,
    EventRecord,
    Node,
    Record,
    Row,
    Section,
    StateRow,
    Store,
)
from headwater.store.draft import kind_of, load
from headwater.store.row import Commit

TOMBSTONE = "tombstone"
_BATCH = 500

R = TypeVar("R")


def rows_as_of(
    store: Store, seq: int, *, left_out: Collection[str] = ()
) -> Iterator[tuple[Section, Row]]:
    """Yield every row of the store as it was after a commit, in the order of ``Section``.

    Args:
        left_out: Types of entries to pass over.

    Raises:
        StaleWriteError: An entity was erased or renamed meanwhile, past and all.
    """
    for section in SECTIONS:
        for row in _READERS[section](store, seq):
            if not (isinstance(row, Entry) and row.type in left_out):
                yield section, row


def _commits(store: Store, seq: int) -> Iterator[Row]:
    for row in cast(Iterator[Commit], store.dump("commits")):
        if row.seq <= seq:
            yield row


def _states(store: Store, seq: int) -> Iterator[Row]:
    rows = (r for r in cast(Iterator[StateRow], store.dump("states")) if r.record.seq <= seq)
    for batch in batches(rows):
        past = {row.record.id for row in batch if row.references is None}
        written = bool(past) and store.sequence() != seq
        then = store.find_many(past, as_of=seq) if written else {}
        for row in batch:
            now = then.get(row.record.id)
            again = now is not None and now.rev == row.record.rev and row.references is None
            yield present(row.record) if again else row


def present(record: Record) -> StateRow:
    """The row of a state that was the present one, whether it still is or not."""
    found = targets(kind_of(record), load(record))
    return StateRow(record, tuple(sorted(found, key=lambda each: (each.field, each.target_id))))


def _parts(store: Store, seq: int) -> Iterator[Row]:
    for batch in batches(cast(Iterator[Node], store.dump("parts"))):
        yield from parts_then(store, batch, seq)


def parts_then(store: Store, parts: Sequence[Node], seq: int) -> Iterator[Node]:
    """Parts that were just read, as they were after a commit; those that were there by then.

    Raises:
        StaleWriteError: Their entity was erased or renamed meanwhile.
    """
    if store.sequence() == seq:
        yield from parts
        return
    owners = {str(part.owner_id) for part in parts}
    then = store.find_many(owners, as_of=seq)
    now = store.find_many(owners)
    for part in parts:
        owner, current = then.get(str(part.owner_id)), now.get(str(part.owner_id))
        if owner is None:
            continue
        if current is not None and owner.rev == current.rev:
            yield part
        elif current is None or owner.fqn != current.fqn:
            raise moved_on(owner)  # parts that are in no document have only their newest name
        else:
            yield from _part_then(store, part, owner, seq)


def _part_then(store: Store, part: Node, owner: Record, seq: int) -> Iterator[Node]:
    """A part as it was when its owner was in an earlier state; nothing if it was not yet there."""
    if (found := parts_of(kind_of(owner), load(owner)).get(part.id)) is not None:
        yield part._replace(fqn=found.fqn, name=found.name, dropped=False, deleted=owner.deleted)
        return
    # Not in the document: dropped, or a source that was waiting, which its edge tells.
    edges = store.edges(from_ids=[part.id], include_closed=True)
    edges += store.edges(to_ids=[part.id], include_closed=True)
    held = [edge for each in edges if (edge := edge_then(each, seq))]
    if held:
        waits = part.kind == "featureSource" and any(edge.closed_seq is None for edge in held)
        yield part._replace(dropped=not waits, deleted=owner.deleted)


def _edges(store: Store, seq: int) -> Iterator[Row]:
    for row in cast(Iterator[Edge], store.dump("edges")):
        if edge := edge_then(row, seq):
            yield edge


def edge_then(edge: Edge, seq: int) -> Edge | None:
    """An edge as it was after a commit, or None when it was not yet there."""
    if edge.opened_seq > seq:
        return None
    closed_since = edge.closed_seq is not None and edge.closed_seq > seq
    return edge._replace(closed_seq=None) if closed_since else edge


def _entries(store: Store, seq: int) -> Iterator[Row]:
    for row in cast(Iterator[Entry], store.dump("entries")):
        if row.seq <= seq:
            yield row
        elif row.type == TOMBSTONE:
            raise moved_on()


def _events(store: Store, seq: int) -> Iterator[Row]:
    for row in cast(Iterator[EventRecord], store.dump("events")):
        if row.seq <= seq:
            yield row


def moved_on(record: Record | None = None) -> StaleWriteError:
    """The error that says that the past itself has changed: it cannot be read any more."""
    what = f"{record.kind} {record.fqn!r}" if record else "an entity"
    return StaleWriteError(f"{what} was erased or renamed while it was being read; start again")


_READERS: dict[Section, Callable[[Store, int], Iterator[Row]]] = {
    "commits": _commits,
    "states": _states,
    "parts": _parts,
    "edges": _edges,
    "entries": _entries,
    "events": _events,
}


def batches(rows: Iterator[R]) -> Iterator[list[R]]:
    """Cut rows into lists that are asked about together."""
    while batch := list(islice(rows, _BATCH)):
        yield batch
