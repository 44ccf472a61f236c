"""The rows of a branch: an entity and everything below it, with what they need around them.

Around them is what a store asks for to take them in: the entities above, those that are referred
to, and the stages that versions are in, and what these need in turn, each in its present state
alone. Past edges, commits and
events are the whole catalog's, and no branch has them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from headwater.catalog.archive.snapshot import (
    TOMBSTONE,
    batches,
    edge_then,
    moved_on,
    parts_then,
    present,
)
from headwater.catalog.model_summary import KIND as MODEL_VERSION
from headwater.store import stage
from headwater.store.base import Edge, Entry, Node, Record, Row, Section, StateRow, Store
from headwater.store.draft import load

_PAGE = 1000


def branch_rows(
    store: Store, seq: int, root: Record, *, left_out: Collection[str] = ()
) -> Iterator[tuple[Section, Row]]:
    """Yield the rows of a branch as it was after a commit, in the order of ``Section``.

    Args:
        root: Its entity, as of that commit.
        left_out: Types of entries to pass over.

    Raises:
        StaleWriteError: An entity that belongs to it was erased or renamed meanwhile.
    """
    below = [record.id for record in store.descendants(root.id)]
    found = store.find_many(below, as_of=seq) if below else {}
    branch = {record.id: present(record) for record in (root, *found.values())}
    around = _around(store, seq, branch)
    states = [*branch.values(), *around.values()]
    for entity_id, row in branch.items():
        states += [StateRow(record, None) for record in _past(store, entity_id, row.record.rev)]
    for state in sorted(states, key=lambda row: (row.record.seq, row.record.id, row.record.rev)):
        yield "states", state
    parts = _parts(store, seq, [*branch, *around])
    for part in parts:
        yield "parts", part
    for edge in _edges(store, seq, [*branch, *around, *(part.id for part in parts)]):
        yield "edges", edge
    for entry in _entries(store, seq, list(branch)):
        if entry.type not in left_out:
            yield "entries", entry


def _around(store: Store, seq: int, branch: dict[str, StateRow]) -> dict[str, StateRow]:
    found: dict[str, StateRow] = {}
    wanted = (_needs(branch.values()) | _stages(store, seq, branch.values())) - branch.keys()
    while wanted:
        records = store.find_many(wanted, as_of=seq)
        if len(records) < len(wanted):
            raise moved_on()
        more = {record.id: present(record) for record in records.values()}
        found |= more
        wanted = _needs(more.values()) | _stages(store, seq, more.values())
        wanted -= branch.keys() | found.keys()
    return found


def _needs(rows: Collection[StateRow]) -> set[str]:
    """The ids that must be stored for these entities to be."""
    parents = {row.record.parent_id for row in rows if row.record.parent_id}
    return parents | {each.target_id for row in rows for each in row.references or ()}


def _stages(store: Store, seq: int, rows: Collection[StateRow]) -> set[str]:
    """The ids of the stages that these entities are in: a version has its stage by name alone."""
    versions = [load(row.record) for row in rows if row.record.kind == MODEL_VERSION]
    names = {version["stage"] for version in versions} - set(stage.STAGES)
    found = store.find_many([(stage.KIND, name) for name in names], as_of=seq) if names else {}
    return {record.id for record in found.values()}


def _past(store: Store, entity_id: str, rev: int) -> Iterator[Record]:
    """The states of an entity before one of them."""
    while page := store.versions(entity_id, before_rev=rev, limit=_PAGE):
        yield from page
        rev = page[-1].rev


def _parts(store: Store, seq: int, owner_ids: list[str]) -> list[Node]:
    found: list[Node] = []
    for owners in batches(iter(owner_ids)):
        found += parts_then(store, store.nodes(owner_ids=owners), seq)
    return sorted(found, key=lambda part: part.id)


def _edges(store: Store, seq: int, node_ids: list[str]) -> list[Edge]:
    """The edges among nodes that were open after a commit."""
    nodes, found = set(node_ids), []
    for ids in batches(iter(node_ids)):
        for stored in store.edges(from_ids=ids, include_closed=True):
            edge = edge_then(stored, seq)
            if edge and edge.closed_seq is None and edge.key.to_id in nodes:
                found.append(edge)
    return sorted(found, key=lambda edge: edge.key)


def _entries(store: Store, seq: int, entity_ids: list[str]) -> list[Entry]:
    found: list[Entry] = []
    for ids in batches(iter(entity_ids)):
        before = None
        while page := store.entries(entity_ids=ids, before=before, as_of=seq, limit=_PAGE):
            found += [entry for entry in page if entry.type != TOMBSTONE]
            before = page[-1].number
    return sorted(found, key=lambda entry: entry.number)
