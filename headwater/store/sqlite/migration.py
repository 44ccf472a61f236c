"""From an older layout to this release's: a backup, then numbered steps in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from sqlite3 import Connection

from headwater.store.sqlite import layout, search
from headwater.store.sqlite.archive import SET_COUNTERS
from headwater.store.sqlite.backup import check_new, copy_database
from headwater.store.sqlite.order import rank

MAKE = f"make the tables of layout {layout.VERSION}"


def steps(stored: int, backup: Path | None) -> list[str]:
    """What has to be done to a database of a layout, in words; nothing to the newest."""
    if not stored:
        return [MAKE]
    to_do = [f"layout {number}: {words}" for number, (words, _) in _after(stored).items()]
    return [f"copy the database to {backup or 'a backup beside it'}", *to_do] if to_do else []


def migrate(connection: Connection, path: str, backup: Path | None) -> list[str]:
    """Do what has to be done, within a write transaction, and say what was done.

    Nobody else can write meanwhile, so the backup is exactly what was migrated.
    """
    stored = layout.stored_version(connection, path)
    done = steps(stored, backup)  # another process may have been first
    if not stored:
        layout.make(connection)
    elif done:
        if backup:
            check_new(backup)
        copy_database(path, backup or _backup_path(path, stored))
        for number, (_, work) in _after(stored).items():
            work(connection)
            connection.execute("UPDATE meta SET value = ? WHERE key = 'layout'", (str(number),))
    return done


def _after(stored: int) -> dict[int, tuple[str, Callable[[Connection], None]]]:
    return {number: step for number, step in _STEPS.items() if number > stored}


def _backup_path(path: str, stored: int) -> Path:
    now = datetime.now().astimezone().strftime("%Y%m%dT%H%M%S")
    return Path(f"{path}.layout-{stored}-{now}.backup")


def _to_2(connection: Connection) -> None:
    """Nodes get numbers, and edges what follows from them; documents are made searchable."""
    connection.create_function("rank", 1, rank, deterministic=True)
    layout.run(connection, _SET_ASIDE)
    layout.run(connection, layout.LAYOUT_2)
    layout.run(connection, _CARRY_OVER)
    search.catch_up(connection)


def _to_3(connection: Connection) -> None:
    layout.run(connection, layout.BROUGHT)


_OLD = (
    "meta", "log", "entity", "entity_past", "entity_reference", "node", "edge", "edge_past",
    "event",
)  # fmt: skip
_OLD_INDEXES = (
    "entity_child", "entity_deleted", "entity_past_rev", "entity_reference_target", "node_fqn",
    "node_owner", "edge_up", "edge_producer", "edge_past_up", "edge_past_producer",
)  # fmt: skip
_SET_ASIDE = ";\n".join(
    [
        "DROP VIEW entity_state",
        *(f"DROP INDEX {index}" for index in _OLD_INDEXES),
        *(f"ALTER TABLE {table} RENAME TO old_{table}" for table in _OLD),
    ]
)
_STATE = "node.key, old.id, old.kind, old.fqn, old.name, parent_id, version, rev, seq, old.deleted"
_EDGE = """
SELECT start.key, finish.key, CASE level WHEN 'coarse' THEN 0 WHEN 'fine' THEN 1 ELSE 2 END,
  label.key, rank(from_id), rank(to_id), details, opened_seq%s
FROM %s AS old JOIN node AS start ON start.id = from_id JOIN node AS finish ON finish.id = to_id
JOIN label USING (producer, source)
"""
_PLACE = "from_key, to_key, level, label, from_rank, to_rank, details, opened_seq"
_CARRY_OVER = ";\n".join(
    [
        "INSERT INTO meta SELECT * FROM old_meta",
        "INSERT INTO log SELECT *, 0, 0, 0 FROM old_log",
        # Owners before their parts, which are found by them.
        """
        INSERT INTO node (id, kind, fqn, name, dropped, deleted)
        SELECT id, kind, fqn, name, dropped, deleted FROM old_node
        WHERE owner_id IS NULL ORDER BY id
        """,
        """
        INSERT INTO node (id, kind, fqn, name, owner, dropped, deleted)
        SELECT old.id, old.kind, old.fqn, old.name, node.key, old.dropped, old.deleted
        FROM old_node AS old JOIN node ON node.id = old.owner_id ORDER BY old.id
        """,
        f"""
        INSERT INTO entity SELECT {_STATE}, document, origins
        FROM old_entity AS old JOIN node USING (id)
        """,
        f"""
        INSERT INTO entity_past SELECT {_STATE}, document, origins
        FROM old_entity_past AS old JOIN node USING (id) ORDER BY seq
        """,
        """
        INSERT INTO entity_reference SELECT holder.key, field, target.key
        FROM old_entity_reference JOIN node AS holder ON holder.id = entity_id
        JOIN node AS target ON target.id = target_id
        """,
        """
        INSERT INTO label (producer, source)
        SELECT producer, source FROM old_edge UNION SELECT producer, source FROM old_edge_past
        """,
        f"INSERT INTO edge ({_PLACE}) {_EDGE % ('', 'old_edge')}",
        f"""
        INSERT INTO edge_past ({_PLACE}, closed_seq) {_EDGE % (", closed_seq", "old_edge_past")}
        """,
        "INSERT INTO event SELECT * FROM old_event",
        SET_COUNTERS,
        *(f"DROP TABLE old_{table}" for table in _OLD),
    ]
)
_STEPS: dict[int, tuple[str, Callable[[Connection], None]]] = {
    2: ("number the nodes, keep records, fill the search index from the documents", _to_2),
    3: ("make room for who recorded, elsewhere, what an import brings", _to_3),
}
"""By the layout that a step leads to."""
