"""Connections of one database: a writer behind a lock, a reader for each thread. No SQL of ours."""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from sqlite3 import Connection
from typing import Concatenate, Literal, ParamSpec, TypeVar

from headwater.errors import StoreError
from headwater.store.sqlite.failure import RAW_ERRORS, translated
from headwater.store.sqlite.layout import check_owner
from headwater.store.sqlite.url import MEMORY

P = ParamSpec("P")
T = TypeVar("T")
Synchronous = Literal["FULL", "NORMAL"]

CACHE_KIB = 16_384  # of pages, for each connection
CHECKPOINT_PAGES = 4_000  # rare enough that a busy page is copied once for many commits


class Database:
    """One database, written by a thread at a time; a file is read by many beside the writer.

    A database in memory has one connection, which readers and writers take in turn.
    """

    def __init__(self, path: str, *, synchronous: Synchronous, busy_timeout: float) -> None:
        self.path = path
        self._memory = path == MEMORY
        self._synchronous = synchronous
        self._busy_timeout = busy_timeout
        self._lock = threading.Lock()
        self._guard: AbstractContextManager[object] = self._lock if self._memory else nullcontext()
        self._local = threading.local()
        self._readers: weakref.WeakSet[_Reader] = weakref.WeakSet()
        self._closed = False
        self._erasing = False
        try:
            self._writer = self._open_writer()
        except RAW_ERRORS as error:
            raise translated(error, path) from error

    def read(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do work that is one statement: a statement sees one state of the database."""
        try:
            if not self._memory:  # without a guard that does nothing: every request comes by here
                return work(self._reader(), *args, **kwargs)
            with self._guard:
                return work(self._writer, *args, **kwargs)
        except RAW_ERRORS as error:
            raise translated(error, self.path) from error

    def snapshot(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do work of several statements that all see the same state of the database."""
        try:
            with self._guard:
                connection = self._reader()
                connection.execute("BEGIN")
                try:
                    return work(connection, *args, **kwargs)
                finally:
                    connection.execute("COMMIT")
        except RAW_ERRORS as error:
            raise translated(error, self.path) from error

    def stream(
        self,
        work: Callable[Concatenate[Connection, P], Iterator[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Iterator[T]:
        """Yield what work yields, all of it from the state that the database has at the first.

        A file is read by a connection of its own, so that its thread can read and write meanwhile.
        """
        try:
            if self._memory:
                with self._guard:
                    rows = list(work(self._writer, *args, **kwargs))
                yield from rows
                return
            with closing(self._connect_to_read()) as connection:
                connection.execute("BEGIN")
                yield from work(connection, *args, **kwargs)
        except RAW_ERRORS as error:
            raise translated(error, self.path) from error

    def erase(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """As ``write``, and leave in no file what work deletes.

        Nobody waits for readers who still see it: then it is done after the next write that finds
        none, or when the last connection is closed.
        """

        def marked(connection: Connection, /, *args: P.args, **kwargs: P.kwargs) -> T:
            self._erasing = True
            return work(connection, *args, **kwargs)

        return self.write(marked, *args, **kwargs)

    def write(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do work in a transaction that no other writer is beside, and make it durable."""
        try:
            with self._lock:
                result = self._transact(work, *args, **kwargs)
                if self._erasing:
                    self._empty_log()
                return result
        except RAW_ERRORS as error:
            raise translated(error, self.path) from error

    def write_lazily(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """As ``write``, but a power cut may undo it: for what can be done again."""
        try:
            with self._lock:
                self._writer.execute("PRAGMA synchronous = NORMAL")
                try:
                    return self._transact(work, *args, **kwargs)
                finally:
                    self._writer.execute(f"PRAGMA synchronous = {self._synchronous}")
        except RAW_ERRORS as error:
            raise translated(error, self.path) from error

    def _empty_log(self) -> None:
        """Rid the log of pages as they were before an erasure, as far as no reader is in the way.

        The write is done, whatever becomes of this: it is tried again after the next.
        """
        with suppress(*RAW_ERRORS):
            self._writer.execute("PRAGMA busy_timeout = 0")
            (busy, *_) = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self._erasing = bool(busy)
        self._writer.execute(f"PRAGMA busy_timeout = {int(self._busy_timeout * 1000)}")

    def _transact(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        connection = self._writer
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(connection, *args, **kwargs)
            connection.execute("COMMIT")
        except BaseException:
            # A full disk may have rolled it back already.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return result

    def close(self) -> None:
        """Close every connection; what comes after is refused."""
        with self._lock:
            self._closed = True
            for reader in list(self._readers):
                reader.connection.close()
            self._writer.close()

    def _reader(self) -> Connection:
        if self._memory:
            return self._writer
        try:
            reader: _Reader = self._local.reader
        except AttributeError:
            reader = self._open_reader()
        return reader.connection

    def _open_reader(self) -> _Reader:
        reader = self._local.reader = _Reader(self._connect_to_read())
        self._readers.add(reader)
        return reader

    def _connect_to_read(self) -> Connection:
        if self._closed:
            raise StoreError(f"{self.path} is closed", path=self.path)
        connection = self._connect()
        connection.execute("PRAGMA query_only = 1")
        return connection

    def _open_writer(self) -> Connection:
        connection = self._connect()
        try:
            check_owner(connection, self.path)  # before anything is changed
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            connection.execute("PRAGMA secure_delete = 1")  # zeros where erased rows were
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect(self) -> Connection:
        connection = sqlite3.connect(
            self.path,
            timeout=self._busy_timeout,
            isolation_level=None,  # transactions are begun and ended here, by name
            check_same_thread=False,  # the writer serves all threads in turn; close comes from any
            cached_statements=256,
        )
        try:
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        except BaseException:  # the file may be no database
            connection.close()
            raise
        return connection


class _Reader:
    """A thread's connection, closed when the thread is gone."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def __del__(self) -> None:
        self.connection.close()
