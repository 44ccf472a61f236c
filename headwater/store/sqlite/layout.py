"""Tables and indexes, how they come to be, and how a file is known as Headwater's."""

from __future__ import annotations

from sqlite3 import Connection

from headwater.errors import StoreError

APPLICATION_ID = 0x48445752
"""``HDWR``: marks the file, so that a database of another program is never written to."""

VERSION = 3

# Most of a commit's time goes into writing pages, so that rows are small and what one commit writes
# lies together: nodes have numbers, in the order in which they came; who says so of an edge is a
# label. Walks are ordered by id: edges hold each end's rank too (``order.py``), which lets a page
# of a hub touch only itself. What is over (superseded states, closed assertions) lies in tables of
# its own, so that history costs present reads nothing. The log has the highest numbers that were
# given so far, so that none is given twice, whatever is erased.
LAYOUT_2 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE log (
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL,
  actor TEXT NOT NULL, actor_kind TEXT NOT NULL, producer TEXT,
  events INTEGER NOT NULL, entries INTEGER NOT NULL, nodes INTEGER NOT NULL
);

CREATE TABLE node (
  key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL, fqn TEXT NOT NULL, name TEXT NOT NULL,
  owner INTEGER, dropped INTEGER NOT NULL, deleted INTEGER NOT NULL
);
CREATE INDEX node_fqn ON node (fqn);
CREATE INDEX node_owner ON node (owner) WHERE owner IS NOT NULL;

CREATE TABLE entity (
  key INTEGER PRIMARY KEY, id TEXT NOT NULL, kind TEXT NOT NULL, fqn TEXT NOT NULL,
  name TEXT NOT NULL, parent_id TEXT, version TEXT NOT NULL, rev INTEGER NOT NULL,
  seq INTEGER NOT NULL, deleted INTEGER NOT NULL, document TEXT NOT NULL, origins TEXT NOT NULL,
  UNIQUE (kind, fqn)
);
CREATE INDEX entity_child ON entity (parent_id, kind, fqn, deleted) WHERE parent_id IS NOT NULL;
CREATE INDEX entity_deleted ON entity (kind, fqn) WHERE deleted;

CREATE TABLE entity_past (
  key INTEGER NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, fqn TEXT NOT NULL,
  name TEXT NOT NULL, parent_id TEXT, version TEXT NOT NULL, rev INTEGER NOT NULL,
  seq INTEGER NOT NULL, deleted INTEGER NOT NULL, document TEXT NOT NULL, origins TEXT NOT NULL
);
CREATE UNIQUE INDEX entity_past_rev ON entity_past (key, rev, seq);
CREATE VIEW entity_state AS SELECT * FROM entity UNION ALL SELECT * FROM entity_past;

CREATE TABLE entity_reference (
  key INTEGER NOT NULL, field TEXT NOT NULL, target INTEGER NOT NULL,
  PRIMARY KEY (key, field, target)
) WITHOUT ROWID;
CREATE INDEX entity_reference_target ON entity_reference (target);

CREATE TABLE label (
  key INTEGER PRIMARY KEY, producer TEXT NOT NULL, source TEXT NOT NULL, UNIQUE (producer, source)
);

CREATE TABLE edge (
  from_key INTEGER NOT NULL, to_key INTEGER NOT NULL, level INTEGER NOT NULL,
  label INTEGER NOT NULL, opened_seq INTEGER NOT NULL,
  from_rank BLOB NOT NULL, to_rank BLOB NOT NULL, details TEXT NOT NULL,
  UNIQUE (from_key, level, to_rank, label)
);
CREATE INDEX edge_up ON edge (to_key, level, from_rank, label);
CREATE INDEX edge_label ON edge (label);

CREATE TABLE edge_past (
  from_key INTEGER NOT NULL, to_key INTEGER NOT NULL, level INTEGER NOT NULL,
  label INTEGER NOT NULL, opened_seq INTEGER NOT NULL,
  from_rank BLOB NOT NULL, to_rank BLOB NOT NULL, details TEXT NOT NULL,
  closed_seq INTEGER NOT NULL,
  UNIQUE (from_key, level, to_rank, label, opened_seq)
);
CREATE INDEX edge_past_up ON edge_past (to_key, level, from_rank, label);
CREATE INDEX edge_past_label ON edge_past (label);

CREATE TABLE event (
  number INTEGER PRIMARY KEY, seq INTEGER NOT NULL, type TEXT NOT NULL,
  entity_id TEXT NOT NULL, kind TEXT NOT NULL, fqn TEXT NOT NULL, version TEXT NOT NULL,
  payload TEXT NOT NULL
);

CREATE TABLE entry (
  number INTEGER PRIMARY KEY, seq INTEGER NOT NULL,
  entity_id TEXT NOT NULL, type TEXT NOT NULL, key TEXT NOT NULL,
  at INTEGER NOT NULL, data TEXT NOT NULL
);
CREATE INDEX entry_entity ON entry (entity_id, type, key);
CREATE INDEX entry_key ON entry (key, type);

CREATE TABLE search (
  key INTEGER PRIMARY KEY,
  name TEXT NOT NULL, path TEXT NOT NULL, text TEXT NOT NULL, facets TEXT NOT NULL
);
CREATE TABLE search_behind (
  key INTEGER PRIMARY KEY, name TEXT, path TEXT, text TEXT, facets TEXT
);
CREATE VIRTUAL TABLE search_index USING fts5 (
  name, path, text, facets, content = '', tokenize = 'ascii'
);
"""
# Of entries that come from another store, what that one's log had of them.
BROUGHT = """
CREATE TABLE brought (
  entry INTEGER PRIMARY KEY,
  recorded_at INTEGER NOT NULL, recorded_by TEXT NOT NULL, recorded_for TEXT
)
"""
TABLES = f"{LAYOUT_2};\n{BROUGHT}"


def check_owner(connection: Connection, path: str) -> None:
    """Refuse a database that another program made; an empty one is anybody's.

    Raises:
        StoreError: It is not a Headwater database.
    """
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and _mark(connection) != APPLICATION_ID:
        raise StoreError(f"{path} is not a Headwater database; another program made it", path=path)


def stored_version(connection: Connection, path: str) -> int:
    """The layout that a database has; 0 for an empty one.

    Raises:
        StoreError: It is not a Headwater database, or a newer release wrote it.
    """
    check_owner(connection, path)
    if _mark(connection) != APPLICATION_ID:
        return 0
    (layout,) = connection.execute("SELECT value FROM meta WHERE key = 'layout'").fetchone()
    if int(layout) > VERSION:
        raise StoreError(
            f"{path} has layout {layout}, written by a newer release of Headwater; this one knows "
            f"layouts up to {VERSION}: upgrade Headwater",
            path=path,
            layout=int(layout),
        )
    return int(layout)


def make(connection: Connection) -> None:
    """Make the tables of an empty database."""
    run(connection, TABLES)
    connection.execute("INSERT INTO meta VALUES ('layout', ?)", (str(VERSION),))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def run(connection: Connection, script: str) -> None:
    """Run statements within the transaction that is open; the driver's own way would commit it."""
    for statement in script.split(";\n"):
        connection.execute(statement)


def _mark(connection: Connection) -> int:
    return int(connection.execute("PRAGMA application_id").fetchone()[0])
