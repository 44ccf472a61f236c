"""The embedded store: one SQLite file, or memory."""

from headwater.store.sqlite.backup import backup
from headwater.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore", "backup"]
