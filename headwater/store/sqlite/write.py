"""The commit, step by step, within the transaction that ``SqliteStore.commit`` opens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from sqlite3 import Connection, IntegrityError
from typing import Any

from headwater.errors import AlreadyExistsError, StaleWriteError
from headwater.store.base import EntityWrite, WriteSet
from headwater.store.sqlite import edge, entry, event, search
from headwater.store.sqlite.entity import COLUMNS
from headwater.store.sqlite.erase import check_erased, erase
from headwater.store.sqlite.node import ANY, Known, Nodes, listed, nodes_of
from headwater.store.sqlite.node import INSERT as INSERT_NODE

_NEWEST = "SELECT seq, at, events, entries, nodes FROM log ORDER BY seq DESC LIMIT 1"
_LOG = """
INSERT INTO log (seq, at, actor, actor_kind, producer, events, entries, nodes)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
INSERT = f"INSERT INTO entity (key, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
INSERT_PAST = INSERT.replace("entity", "entity_past")
_KEEP = f"INSERT INTO entity_past (key, {COLUMNS}) SELECT key, {COLUMNS} FROM entity WHERE key = ?"
# Most writes leave what the indexes hold as it is; to set it would write their pages, too.
_UPDATE = """
UPDATE entity SET version = ?7, rev = ?8, seq = ?9, document = ?11, origins = ?12
WHERE key = ?1 AND id = ?2 AND (kind, fqn, name, parent_id, deleted) IS (?3, ?4, ?5, ?6, ?10)
"""
_UPDATE_WHOLE = """
UPDATE entity SET kind = ?3, fqn = ?4, name = ?5, parent_id = ?6, version = ?7, rev = ?8, seq = ?9,
  deleted = ?10, document = ?11, origins = ?12
WHERE key = ?1 AND id = ?2
"""
_REV = "SELECT rev FROM entity WHERE key = (SELECT key FROM node WHERE id = ?)"
_SPELLING = """
SELECT id FROM entity WHERE parent_id = ?1
UNION SELECT id FROM entity_reference JOIN entity USING (key) WHERE target = ?2
"""
_LIVE_CHILD = "SELECT fqn FROM entity WHERE parent_id = ? AND NOT deleted LIMIT 1"
_UPDATE_NODE = "UPDATE node SET kind = ?, fqn = ?, name = ?, deleted = ? WHERE key = ?"
_DELETE_PARTS = "UPDATE node SET deleted = ? WHERE owner = ? AND deleted <> ?"
_STORED_PARTS = f"SELECT id, key FROM node WHERE owner = ? AND id {ANY}"
_UPDATE_PART = """
UPDATE node SET kind = ?, fqn = ?, name = ?, dropped = 0, deleted = ? WHERE key = ?
"""
_DROP_PART = "UPDATE node SET dropped = 1 WHERE id = ? AND owner = ?"
_REFERENCES = "SELECT key, field, target FROM entity_reference WHERE key = ?"
_DROP_REFERENCE = "DELETE FROM entity_reference WHERE key = ? AND field = ? AND target = ?"
PUT_REFERENCE = "INSERT INTO entity_reference (key, field, target) VALUES (?, ?, ?)"


def commit(connection: Connection, write_set: WriteSet) -> int:
    """See ``Store.commit``."""
    newest = connection.execute(_NEWEST).fetchone() or (0, write_set.at, 0, 0, 0)
    seq, at, events, entries, newest_node = newest
    seq += 1
    nodes = nodes_of(connection, write_set, newest_node)
    _check_expected(nodes, write_set.expects)
    edge.check_open(connection, write_set.expects_open)
    erased = erase(connection, nodes, write_set.erased)
    moved = [write.id for write in write_set.entities if _put_entity(connection, nodes, write, seq)]
    if moved:
        _check_moved(connection, nodes, moved, {write.id for write in write_set.entities})
    for write in write_set.entities:
        _check_family(connection, nodes, write)
        _put_references(connection, nodes, write)
    search.put_all(connection, [(nodes.keys[write.id], write) for write in write_set.entities])
    if seq % search.LOOKS_EVERY == 0 or len(write_set.entities) > search.LOOKS_EVERY:
        search.make_room(connection, nodes.newest)
    check_erased(connection, write_set.erased, erased)
    edge.close(connection, nodes, write_set.closed_edges, seq)
    edge.put(connection, nodes, write_set.edges, seq)
    events = event.append(connection, write_set.events, seq, newest=events)
    event.drop(connection, write_set.events_before)
    entries = entry.append(connection, nodes, write_set, seq, newest=entries)
    who = (write_set.actor, write_set.actor_kind, write_set.producer)
    connection.execute(_LOG, (seq, max(at, write_set.at), *who, events, entries, nodes.newest))
    return int(seq)


def _check_expected(nodes: Nodes, expects: Mapping[str, int]) -> None:
    for entity_id, rev in expects.items():
        stored = nodes.entities.get(entity_id)
        if stored is None or rev not in (0, stored.rev):
            raise StaleWriteError(
                f"entity {entity_id}, which the write depends on, has changed",
                id=entity_id,
                expected=rev,
                rev=stored.rev if stored else 0,
            )


def _put_entity(connection: Connection, nodes: Nodes, write: EntityWrite, seq: int) -> bool:
    """Store the new state of an entity, with its node and its parts.

    Returns:
        Whether it was known by another FQN.
    """
    stored = nodes.entities.get(write.id)
    if (stored.rev if stored else 0) != write.expected_rev:
        raise _stale(write, stored.rev if stored else 0)
    try:
        if stored:
            _replace(connection, nodes, write, seq, stored)
        else:
            _add(connection, nodes, write, seq)
    except IntegrityError as error:
        if error.sqlite_errorname != "SQLITE_CONSTRAINT_UNIQUE":
            raise
        there = connection.execute(_REV, (write.id,)).fetchone()
        if there and not stored:
            raise _stale(write, there[0]) from error
        raise AlreadyExistsError(
            f"another {write.kind} is called {write.fqn}", kind=write.kind, fqn=write.fqn
        ) from error
    _put_parts(connection, nodes, write)
    return stored is not None and stored.fqn != write.fqn


def _stale(write: EntityWrite, rev: int) -> StaleWriteError:
    return StaleWriteError(
        f"{write.kind} {write.fqn} is at rev {rev}, not {write.expected_rev}",
        id=write.id,
        expected=write.expected_rev,
        rev=rev,
    )


def _add(connection: Connection, nodes: Nodes, write: EntityWrite, seq: int) -> None:
    """Store a new entity, and the states that it brings along."""
    rev = write.history[-1].rev + 1 if write.history else 1
    key, head = nodes.new_key(write.id), (write.id, write.kind, write.fqn, write.name)
    connection.execute(INSERT_NODE, (key, *head, None, False, write.deleted))
    nodes.entities[write.id] = Known(key, rev, write.fqn, write.deleted)
    if write.history:
        past = [(key, *state._replace(id=write.id, seq=seq)) for state in write.history]
        connection.executemany(INSERT_PAST, past)
    connection.execute(INSERT, _state(key, write, rev, seq))


def _replace(
    connection: Connection, nodes: Nodes, write: EntityWrite, seq: int, stored: Known
) -> None:
    """Store the next state of an entity, and keep the present one."""
    rev, key = write.expected_rev + 1, stored.key
    connection.execute(_KEEP, (key,))
    state = _state(key, write, rev, seq)
    if not connection.execute(_UPDATE, state).rowcount:
        connection.execute(_UPDATE_WHOLE, state)
        connection.execute(_UPDATE_NODE, (write.kind, write.fqn, write.name, write.deleted, key))
    if stored.deleted != write.deleted:
        connection.execute(_DELETE_PARTS, (write.deleted, key, write.deleted))
    nodes.entities[write.id] = Known(key, rev, write.fqn, write.deleted)


def _state(key: int, write: EntityWrite, rev: int, seq: int) -> tuple[Any, ...]:
    return (
        key, write.id, write.kind, write.fqn, write.name, write.parent_id, write.version, rev, seq,
        write.deleted, write.document, write.origins,
    )  # fmt: skip


def _put_parts(connection: Connection, nodes: Nodes, write: EntityWrite) -> None:
    owner, deleted = nodes.keys[write.id], write.deleted
    stored: dict[str, int] = {}
    if write.expected_rev and write.parts:
        ids = listed([part.id for part in write.parts])
        stored = dict(connection.execute(_STORED_PARTS, (owner, ids)).fetchall())
    new, changed = [], []
    for part in write.parts:
        if part.id in stored:
            changed.append((part.kind, part.fqn, part.name, deleted, stored[part.id]))
        else:
            key = nodes.new_key(part.id)
            new.append((key, part.id, part.kind, part.fqn, part.name, owner, False, deleted))
    if new:
        connection.executemany(INSERT_NODE, new)
    if changed:
        connection.executemany(_UPDATE_PART, changed)
    if write.dropped_parts:
        connection.executemany(_DROP_PART, [(part, owner) for part in write.dropped_parts])


def _check_moved(
    connection: Connection, nodes: Nodes, moved: Sequence[str], written: set[str]
) -> None:
    """Whatever spells an FQN that changes is written with it, also what came since it was read."""
    for entity_id in moved:
        for (other,) in connection.execute(_SPELLING, (entity_id, nodes.keys[entity_id])):
            if other not in written:
                raise StaleWriteError(
                    f"entity {other} spells the old name of {entity_id}", id=other
                )


def _check_family(connection: Connection, nodes: Nodes, write: EntityWrite) -> None:
    """Nothing live lies below what is deleted, whichever of the two was written last."""
    if write.deleted:
        child = connection.execute(_LIVE_CHILD, (write.id,)).fetchone()
        if child:
            raise StaleWriteError(f"{write.kind} {write.fqn} has a child: {child[0]}", id=write.id)
    elif write.parent_id is not None:
        parent = nodes.entities.get(write.parent_id)
        if parent is None or parent.deleted:
            raise StaleWriteError(
                f"the parent of {write.kind} {write.fqn} is gone", id=write.parent_id
            )


def _put_references(connection: Connection, nodes: Nodes, write: EntityWrite) -> None:
    """Write the difference alone: most writes of an entity leave its references as they are."""
    if write.references is None:
        return
    key = nodes.keys[write.id]
    wanted = set()
    for reference in write.references:
        target = nodes.entities.get(reference.target_id)
        if target is None:
            raise StaleWriteError(
                f"{reference.field} of {write.kind} {write.fqn} refers to what is not there: "
                f"{reference.target_id}",
                id=reference.target_id,
            )
        wanted.add((key, reference.field, target.key))
    if write.expected_rev:
        stored = set(connection.execute(_REFERENCES, (key,)))
        connection.executemany(_DROP_REFERENCE, stored - wanted)
        wanted -= stored
    if wanted:
        connection.executemany(PUT_REFERENCE, sorted(wanted))
