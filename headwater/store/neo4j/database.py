"""Talks to the server: sessions, retries, lost connections. The driver's errors end here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar
from uuid import uuid4

import neo4j
from neo4j.exceptions import (
    AuthError,
    ClientError,
    DriverError,
    Neo4jError,
    ServiceUnavailable,
    SessionExpired,
    TransientError,
)

from headwater.errors import HeadwaterError, InvalidInputError, StoreError
from headwater.store.neo4j.url import parse_url

T = TypeVar("T")
Rows = list[list[Any]]
Run = Callable[..., Rows]
"""Runs a statement with its parameters within a transaction, and returns all rows."""

CONNECT_SECONDS = 5.0
COMMIT_SECONDS = 120.0
"""The server ends a commit that takes longer, so that one that hangs cannot lock out all others."""
STILL_SECONDS = 900.0
"""As long may a reader keep writers out who needs to see everything stand still."""

ALL = -1
STREAMED = 2_000
"""How many rows are fetched at once."""

_RAW_ERRORS = (DriverError, Neo4jError, OSError, OverflowError, UnicodeEncodeError)
_LOST = (ServiceUnavailable, SessionExpired, OSError)
_ATTEMPTS_BUSY = 8
_ATTEMPTS_LOST = 2  # the second meets no pooled connection of a server that has since restarted

# Whoever holds the counter's lock has finished once this is answered.
_OUTCOME = """
MATCH (counter:_Counter {name: 'commit'})
SET counter.held_by = $commit_id
WITH counter
MATCH (done:_Commit {id: $commit_id})
RETURN done.seq
"""


def whole(rows: Iterable[list[Any]], needed: int = 1) -> Rows:
    """The rows of nodes that were there until they were read: of others, properties are null.

    Args:
        needed: How many values, from the first on, are never null.
    """
    return [row for row in rows if None not in row[:needed]]


class Database:
    """A server's database: one statement for a read, one transaction for a write.

    Everything is asked of the cluster's leader, where a read sees every commit before it, whichever
    process made that.
    """

    def __init__(self, url: str) -> None:
        address = parse_url(url)
        self._shown = address.uri.partition("://")[2]
        self._name = address.database
        self._driver = neo4j.GraphDatabase.driver(
            address.uri,
            auth=address.auth,
            connection_timeout=CONNECT_SECONDS,
            notifications_min_severity="OFF",
        )

    def read(self, statement: str, **parameters: Any) -> Rows:
        """Run one statement by itself, and return all rows."""
        return self._attempt(lambda: self._run(statement, parameters))

    def transaction(self, work: Callable[[Run], T]) -> T:
        """Run work in a transaction and return its answer.

        When the connection breaks, work is done again, even if it had been written.
        """

        def attempt() -> T:
            with self._open() as open_:
                answer = work(_runner(open_))
                open_.commit()
            return answer

        return self._attempt(attempt)

    @contextmanager
    def still(self, lock: str) -> Iterator[None]:
        """Keep a lock while the block runs, which reads beside it.

        Args:
            lock: The statement that takes it.

        Raises:
            StoreError: The lock was lost, so that what was read need not go together.
        """
        self.read("RETURN 1")  # leaves no pooled connection of a server that has since restarted
        with ExitStack() as stack:
            with self._translating():
                run = _runner(stack.enter_context(self._open(STILL_SECONDS)))
                run(lock)
            yield
            with self._translating():
                run("RETURN 1")

    def stream(self, statement: str, **parameters: Any) -> Iterator[list[Any]]:
        """Run one statement by itself, and yield row after row as the server finds them."""
        with self._translating(), self._session(STREAMED) as session:
            for record in session.run(statement, parameters):
                yield record.values()

    def write(self, work: Callable[[Run, str], int]) -> int:
        """Run work in a transaction and return its answer, which is the commit's seq.

        Work gets ``run`` and a commit id, which it must store in a ``_Commit`` node; it is called
        again when the server asks to retry.

        Raises:
            StoreError: ``details["outcome"]`` is ``unknown`` when it may have been written.
        """
        return self._attempt(lambda: self._write(work, uuid4().hex))

    def close(self) -> None:
        """Close every connection."""
        self._driver.close()

    def _session(self, fetch_size: int = ALL) -> neo4j.Session:
        return self._driver.session(
            database=self._name, default_access_mode=neo4j.WRITE_ACCESS, fetch_size=fetch_size
        )

    @contextmanager
    def _open(self, seconds: float = COMMIT_SECONDS) -> Iterator[neo4j.Transaction]:
        """A transaction, which is rolled back when the block has not committed it."""
        with self._session() as session, session.begin_transaction(timeout=seconds) as open_:
            yield open_

    def _run(self, statement: str, parameters: dict[str, Any]) -> Rows:
        with self._session() as session:
            return session.run(statement, parameters).values()

    def _write(self, work: Callable[[Run, str], int], commit_id: str) -> int:
        with self._open() as open_:
            seq = work(_runner(open_), commit_id)
            try:
                open_.commit()
            except (*_LOST, Neo4jError) as error:
                if isinstance(error, (TransientError, ClientError)):
                    raise  # the server says that it is rolled back
                return self._outcome(commit_id, error)
        return seq

    def _outcome(self, commit_id: str, error: Exception) -> int:
        """The seq of a commit that was not answered, or the error when it was not written."""
        try:
            rows = self.read(_OUTCOME, commit_id=commit_id)
        except StoreError as unknown:
            raise StoreError(
                f"Neo4j at {self._shown} was lost during a commit, and it is not known whether it"
                " was written; read before writing again",
                outcome="unknown",
            ) from unknown
        if not rows:
            raise error
        seq: int = rows[0][0]
        return seq

    def _attempt(self, work: Callable[[], T]) -> T:
        attempt = 0
        while True:
            try:
                return work()
            except _RAW_ERRORS as error:
                attempt += 1
                lost = isinstance(error, _LOST)
                again = lost or (isinstance(error, Neo4jError) and error.is_retryable())
                if not again or attempt >= (_ATTEMPTS_LOST if lost else _ATTEMPTS_BUSY):
                    raise self._translated(error) from error
                time.sleep(0.005 * 2**attempt)

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except _RAW_ERRORS as error:
            raise self._translated(error) from error

    def _translated(self, error: Exception) -> HeadwaterError:
        if isinstance(error, OverflowError):
            return InvalidInputError("a number does not fit in 64 bits")
        if isinstance(error, UnicodeEncodeError):
            return InvalidInputError(f"text is not valid Unicode: {error.reason}")
        if isinstance(error, AuthError):
            return StoreError(f"Neo4j at {self._shown} refused the user or the password")
        if isinstance(error, _LOST):
            return StoreError(f"Neo4j at {self._shown} cannot be reached: {error}")
        return StoreError(f"Neo4j at {self._shown} failed: {error}")


def _runner(open_: neo4j.Transaction) -> Run:
    def run(statement: str, **parameters: Any) -> Rows:
        return open_.run(statement, parameters).values()

    return run
