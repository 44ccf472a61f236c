"""The commit, step by step, within the transaction that ``SqliteStore.commit`` opens."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from sqlite3 import Connection, IntegrityError

from headwater.errors import AlreadyExistsError, StaleWriteError
from headwater.store.base import EdgeKey, EdgeWrite, EntityWrite, WriteSet
from headwater.store.sqlite import entry, event, search
from headwater.store.sqlite.entity import COLUMNS
from headwater.store.sqlite.erase import check_erased, erase
from headwater.store.sqlite.graph import ANY, listed

_LOG = """
INSERT INTO log (at, actor, actor_kind, producer)
SELECT max(?1, coalesce((SELECT at FROM log ORDER BY seq DESC LIMIT 1), ?1)), ?2, ?3, ?4
"""
_STORED = "SELECT kind, fqn, name, deleted, rev FROM entity WHERE id = ?"
_SPELLING = """
SELECT id FROM entity WHERE parent_id = ?1 UNION
SELECT entity_id FROM entity_reference WHERE target_id = ?1
"""
_LIVE_CHILD = "SELECT fqn FROM entity WHERE parent_id = ? AND NOT deleted LIMIT 1"
_INSERT = f"INSERT INTO entity ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_PAST = _INSERT.replace("entity", "entity_past")
_KEEP = f"INSERT INTO entity_past ({COLUMNS}) SELECT {COLUMNS} FROM entity WHERE id = ?"
_UPDATE = """
UPDATE entity SET kind = ?2, fqn = ?3, name = ?4, parent_id = ?5, version = ?6, rev = ?7, seq = ?8,
  deleted = ?9, document = ?10, origins = ?11
WHERE id = ?1
"""
_INSERT_NODE = """
INSERT INTO node (id, kind, fqn, name, owner_id, dropped, deleted) VALUES (?, ?, ?, ?, ?, 0, ?)
"""
_PUT_PART = f"""{_INSERT_NODE}
ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, fqn = excluded.fqn, name = excluded.name,
  dropped = 0, deleted = excluded.deleted
"""
_UPDATE_NODE = "UPDATE node SET kind = ?, fqn = ?, name = ?, deleted = ? WHERE id = ?"
_DELETE_PARTS = "UPDATE node SET deleted = ? WHERE owner_id = ? AND deleted <> ?"
_DROP_PART = "UPDATE node SET dropped = 1 WHERE id = ? AND owner_id = ?"
_REFERENCES = "SELECT entity_id, field, target_id FROM entity_reference WHERE entity_id = ?"
_DROP_REFERENCE = "DELETE FROM entity_reference WHERE entity_id = ? AND field = ? AND target_id = ?"
_PUT_REFERENCE = "INSERT INTO entity_reference (entity_id, field, target_id) VALUES (?, ?, ?)"
_EDGE = "from_id, to_id, level, source, producer"
_THIS_EDGE = "from_id = ?1 AND to_id = ?2 AND level = ?3 AND source = ?4 AND producer = ?5"
_OPEN_EDGE = f"""
INSERT INTO edge ({_EDGE}, details, opened_seq) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
# Keeps what is closed: all of it for NULL as the new details, else only what has other details.
_KEEP_EDGE = f"""
INSERT OR IGNORE INTO edge_past ({_EDGE}, details, opened_seq, closed_seq)
SELECT {_EDGE}, details, opened_seq, ?7 FROM edge
WHERE {_THIS_EDGE} AND details IS NOT ?6 AND opened_seq < ?7
"""
_REOPEN_EDGE = f"UPDATE edge SET details = ?6, opened_seq = ?7 WHERE {_THIS_EDGE} AND details <> ?6"


def commit(connection: Connection, write_set: WriteSet) -> int:
    """See ``Store.commit``."""
    erased = write_set.erased
    _check_expected(connection, write_set.expects)
    who = (write_set.at, write_set.actor, write_set.actor_kind, write_set.producer)
    connection.execute(_LOG, who)
    seq = int(connection.execute("SELECT last_insert_rowid()").fetchone()[0])
    erase(connection, erased)
    moved = [write.id for write in write_set.entities if _put_entity(connection, write, seq)]
    _check_moved(connection, moved, {write.id for write in write_set.entities})
    for write in write_set.entities:
        _check_family(connection, write)
        _put_references(connection, write)
        search.put(connection, write.id, None if write.deleted else write.search)
    check_erased(connection, erased)
    _close_edges(connection, write_set.closed_edges, seq)
    _put_edges(connection, write_set.edges, seq)
    event.append(connection, write_set.events, seq)
    event.drop(connection, write_set.events_before)
    entry.append(connection, write_set.entries, seq, erased=erased)
    return seq


def _check_expected(connection: Connection, expects: Mapping[str, int]) -> None:
    if not expects:
        return
    rows = connection.execute(f"SELECT id, rev FROM entity WHERE id {ANY}", (listed(expects),))
    stored: dict[str, int] = dict(rows.fetchall())
    for entity_id, rev in expects.items():
        found = stored.get(entity_id, 0)
        if not found or rev not in (0, found):
            raise StaleWriteError(
                f"entity {entity_id}, which the write depends on, has changed",
                id=entity_id,
                expected=rev,
                rev=found,
            )


def _put_entity(connection: Connection, write: EntityWrite, seq: int) -> bool:
    """Write the new state; return whether the entity was known by another FQN."""
    stored = connection.execute(_STORED, (write.id,)).fetchone()
    rev = stored[-1] if stored else 0
    if rev != write.expected_rev:
        raise StaleWriteError(
            f"{write.kind} {write.fqn} is at rev {rev}, not {write.expected_rev}",
            id=write.id,
            expected=write.expected_rev,
            rev=rev,
        )
    if write.history and not stored:
        rev = _put_history(connection, write, seq)
    deleted = int(write.deleted)
    head = (write.kind, write.fqn, write.name)
    row = (write.id, *head, write.parent_id, write.version, rev + 1, seq, deleted)
    try:
        if stored:
            connection.execute(_KEEP, (write.id,))
        connection.execute(_UPDATE if stored else _INSERT, (*row, write.document, write.origins))
    except IntegrityError as error:
        if error.sqlite_errorname != "SQLITE_CONSTRAINT_UNIQUE":
            raise
        raise AlreadyExistsError(
            f"another {write.kind} is called {write.fqn}", kind=write.kind, fqn=write.fqn
        ) from error
    if not stored:
        connection.execute(_INSERT_NODE, (write.id, *head, None, deleted))
    elif stored[:-1] != (*head, deleted):
        connection.execute(_UPDATE_NODE, (*head, deleted, write.id))
        connection.execute(_DELETE_PARTS, (deleted, write.id, deleted))
    _put_parts(connection, write, deleted)
    return bool(stored) and stored[1] != write.fqn


def _check_moved(connection: Connection, moved: Sequence[str], written: set[str]) -> None:
    """Whatever spells an FQN that changes is written with it, also what came since it was read."""
    for entity_id in moved:
        for (other,) in connection.execute(_SPELLING, (entity_id,)):
            if other not in written:
                raise StaleWriteError(
                    f"entity {other} spells the old name of {entity_id}", id=other
                )


def _put_history(connection: Connection, write: EntityWrite, seq: int) -> int:
    """Keep the states that a new entity brings along, and return the last one's rev."""
    states = [state._replace(id=write.id, seq=seq) for state in write.history]
    connection.executemany(_INSERT_PAST, states)
    return states[-1].rev


def _check_family(connection: Connection, write: EntityWrite) -> None:
    """Nothing live lies below what is deleted, whichever of the two was written last."""
    if write.deleted:
        child = connection.execute(_LIVE_CHILD, (write.id,)).fetchone()
        if child:
            raise StaleWriteError(f"{write.kind} {write.fqn} has a child: {child[0]}", id=write.id)
    elif write.parent_id is not None:
        parent = connection.execute(_STORED, (write.parent_id,)).fetchone()
        if parent is None or parent[3]:
            raise StaleWriteError(
                f"the parent of {write.kind} {write.fqn} is gone", id=write.parent_id
            )


def _put_parts(connection: Connection, write: EntityWrite, deleted: int) -> None:
    if write.parts:
        rows = [(p.id, p.kind, p.fqn, p.name, write.id, deleted) for p in write.parts]
        connection.executemany(_PUT_PART, rows)
    if write.dropped_parts:
        connection.executemany(_DROP_PART, [(part, write.id) for part in write.dropped_parts])


def _put_references(connection: Connection, write: EntityWrite) -> None:
    """Write the difference alone: most writes of an entity leave its references as they are."""
    if write.references is None:
        return
    wanted = {(write.id, each.field, each.target_id) for each in write.references}
    stored: set[tuple[str, str, str]] = set()
    if write.expected_rev:
        stored.update(connection.execute(_REFERENCES, (write.id,)))
    connection.executemany(_DROP_REFERENCE, stored - wanted)
    new = sorted(wanted - stored)
    if new:
        _check_there(connection, "entity", {target for _, _, target in new})
        connection.executemany(_PUT_REFERENCE, new)


def _close_edges(connection: Connection, keys: Sequence[EdgeKey], seq: int) -> None:
    if keys:
        rows = [_key_row(key) for key in keys]
        connection.executemany(_KEEP_EDGE, [(*row, None, seq) for row in rows])
        connection.executemany(f"DELETE FROM edge WHERE {_THIS_EDGE}", rows)


def _put_edges(connection: Connection, edges: Sequence[EdgeWrite], seq: int) -> None:
    if not edges:
        return
    rows = [(*_key_row(edge.key), edge.details, seq) for edge in edges]
    _check_there(connection, "node", {end for row in rows for end in row[:2]})
    opened = connection.executemany(_OPEN_EDGE, rows).rowcount
    if opened < len(rows):  # some were open: keep and replace those with other details
        connection.executemany(_KEEP_EDGE, rows)
        connection.executemany(_REOPEN_EDGE, rows)


def _key_row(key: EdgeKey) -> tuple[str, str, str, str, str]:
    return key.from_id, key.to_id, key.level, key.source, key.producer


def _check_there(connection: Connection, table: str, ids: Collection[str]) -> None:
    rows = connection.execute(f"SELECT id FROM {table} WHERE id {ANY}", (listed(ids),))
    absent = sorted(set(ids) - {found for (found,) in rows})
    if absent:
        raise StaleWriteError(
            f"the write names a {table} that is not there: {absent[0]}", ids=absent
        )
