"""Tables and indexes, how they come to be, and how a file is known as Headwater's."""

from __future__ import annotations

from sqlite3 import Connection

from headwater.errors import StoreError
from headwater.store.sqlite import entry, search

APPLICATION_ID = 0x48445752
"""``HDWR``: marks the file, so that a database of another program is never written to."""

VERSION = 2

# Keys are text: walks are ordered by id, and an index in that order is what lets a page of a hub
# touch only itself. Most of a commit's time goes into writing pages, and ids are random: what many
# rows of one commit share (edges, and their index by producer) is therefore kept by rowid, where
# new rows lie side by side. What is over (superseded states, closed assertions) lies in tables of
# its own, so that history costs present reads nothing.
TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE log (
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL,
  actor TEXT NOT NULL, actor_kind TEXT NOT NULL, producer TEXT
);

CREATE TABLE entity (
  id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, fqn TEXT NOT NULL, name TEXT NOT NULL,
  parent_id TEXT, version TEXT NOT NULL, rev INTEGER NOT NULL, seq INTEGER NOT NULL,
  deleted INTEGER NOT NULL, document TEXT NOT NULL, origins TEXT NOT NULL,
  UNIQUE (kind, fqn)
);
CREATE INDEX entity_child ON entity (parent_id, kind, fqn, deleted) WHERE parent_id IS NOT NULL;
CREATE INDEX entity_deleted ON entity (kind, fqn) WHERE deleted;

CREATE TABLE entity_past (
  id TEXT NOT NULL, kind TEXT NOT NULL, fqn TEXT NOT NULL, name TEXT NOT NULL,
  parent_id TEXT, version TEXT NOT NULL, rev INTEGER NOT NULL, seq INTEGER NOT NULL,
  deleted INTEGER NOT NULL, document TEXT NOT NULL, origins TEXT NOT NULL
);
CREATE UNIQUE INDEX entity_past_rev ON entity_past (id, rev, seq);
CREATE VIEW entity_state AS SELECT * FROM entity UNION ALL SELECT * FROM entity_past;

CREATE TABLE entity_reference (
  entity_id TEXT NOT NULL, field TEXT NOT NULL, target_id TEXT NOT NULL,
  PRIMARY KEY (entity_id, field, target_id)
) WITHOUT ROWID;
CREATE INDEX entity_reference_target ON entity_reference (target_id);

CREATE TABLE node (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, fqn TEXT NOT NULL, name TEXT NOT NULL,
  owner_id TEXT, dropped INTEGER NOT NULL, deleted INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX node_fqn ON node (fqn);
CREATE INDEX node_owner ON node (owner_id) WHERE owner_id IS NOT NULL;

CREATE TABLE edge (
  from_id TEXT NOT NULL, to_id TEXT NOT NULL,
  level TEXT NOT NULL, source TEXT NOT NULL, producer TEXT NOT NULL,
  details TEXT NOT NULL, opened_seq INTEGER NOT NULL,
  UNIQUE (from_id, level, to_id, source, producer)
);
CREATE INDEX edge_up ON edge (to_id, level, from_id, source, producer);
CREATE INDEX edge_producer ON edge (producer, source);

CREATE TABLE edge_past (
  from_id TEXT NOT NULL, to_id TEXT NOT NULL,
  level TEXT NOT NULL, source TEXT NOT NULL, producer TEXT NOT NULL,
  details TEXT NOT NULL, opened_seq INTEGER NOT NULL, closed_seq INTEGER NOT NULL,
  UNIQUE (from_id, level, to_id, source, producer, opened_seq)
);
CREATE INDEX edge_past_up ON edge_past (to_id, level, from_id, source, producer);
CREATE INDEX edge_past_producer ON edge_past (producer, source);
"""


EVENT = """
CREATE TABLE event (
  number INTEGER PRIMARY KEY AUTOINCREMENT, seq INTEGER NOT NULL, type TEXT NOT NULL,
  entity_id TEXT NOT NULL, kind TEXT NOT NULL, fqn TEXT NOT NULL, version TEXT NOT NULL,
  payload TEXT NOT NULL
);
"""


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
    run(connection, TABLES + EVENT + entry.TABLES + search.TABLES)
    connection.execute("INSERT INTO meta VALUES ('layout', ?)", (str(VERSION),))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def run(connection: Connection, script: str) -> None:
    """Run statements within the transaction that is open; the driver's own way would commit it."""
    for statement in script.split(";\n"):
        connection.execute(statement)


def _mark(connection: Connection) -> int:
    return int(connection.execute("PRAGMA application_id").fetchone()[0])
