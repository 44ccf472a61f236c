"""From a URL to a store that is ready to use. The only place that knows the adapters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

from headwater.errors import InvalidInputError, NotInstalledError, StoreError
from headwater.store.base import Store

NEO4J_SCHEMES = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")


def open_store(
    url: str, *, back_up: Callable[[Store], None] | None = None, to_fill: bool = False
) -> Store:
    """Open a store; an older one is brought to this release's layout if it may be.

    A file of an older layout is copied first, beside itself. Other stores have no file, so that
    what is to be done before theirs changes is the caller's.

    Args:
        url: ``sqlite:///relative.db``, ``sqlite:////absolute.db``, a plain path, ``sqlite://`` (in
            memory), or ``neo4j://user:password@host:7687`` (also ``bolt``, ``+s`` and ``+ssc``).
        back_up: Saves what an older store without a file holds; without it an older store, with a
            file or without, is left as it is and refused.
        to_fill: The store is opened to be loaded: one that a load left half done will do.

    Raises:
        InvalidInputError: The scheme is none of these.
        NotInstalledError: The adapter's driver is not installed.
        StoreError: The store cannot be reached, is not one, was written by a newer release, or has
            an older layout and is not to be changed.
    """
    store = connect_store(url)
    try:
        if changes_layout(store.migrate(dry_run=True)):
            if back_up is None:
                raise StoreError(
                    "the store has the layout of an older release; `headwater migrate` saves it and"
                    " brings it to this one's"
                )
            if engine_of(url) != "sqlite":
                back_up(store)
        store.migrate()
    except StoreError as error:
        if to_fill and error.details.get("half_loaded"):
            return store
        store.close()
        raise
    except BaseException:
        store.close()
        raise
    return store


@contextmanager
def store_to_fill(url: str) -> Iterator[Store]:
    """Open a store that is to be loaded; a file that this makes is gone again if that fails.

    Raises:
        HeadwaterError: As ``open_store`` does.
    """
    file = _file_of(url)
    is_new = file is not None and not file.exists()
    unused = False
    try:
        with closing(open_store(url, to_fill=True)) as store:
            try:
                yield store
            except BaseException:
                unused = is_new and store.sequence() == 0  # else another writes there meanwhile
                raise
    finally:
        if unused and file is not None:
            file.unlink(missing_ok=True)


def _file_of(url: str) -> Path | None:
    """The file of an SQLite store; None of a store that has none."""
    if engine_of(url) != "sqlite":
        return None
    from headwater.store.sqlite.url import MEMORY, database_path

    path = database_path(url)
    return None if path == MEMORY else Path(path)


def changes_layout(steps: list[str]) -> bool:
    """Whether steps of a migration change what is stored, and not only add what is missing."""
    return any(step.startswith("layout ") for step in steps)


def connect_store(url: str) -> Store:
    """Open a store as it is, whatever its layout.

    Raises:
        InvalidInputError: The scheme is none that ``open_store`` knows.
        NotInstalledError: The adapter's driver is not installed.
        StoreError: The store cannot be reached, or is not one.
    """
    if engine_of(url) == "neo4j":
        return _neo4j(url)
    from headwater.store.sqlite import SqliteStore

    return SqliteStore(url)


def engine_of(url: str) -> Literal["sqlite", "neo4j"]:
    """Which adapter a URL means.

    Raises:
        InvalidInputError: The scheme is none that ``open_store`` knows.
    """
    scheme, mark, _ = url.partition("://")
    if not mark or scheme == "sqlite":
        return "sqlite"
    if scheme in NEO4J_SCHEMES:
        return "neo4j"
    known = ", ".join(("sqlite", *NEO4J_SCHEMES))
    # Only the scheme is named: the rest of a URL may hold a password.
    raise InvalidInputError(f"no store has the URL scheme {scheme!r}; there are {known}")


def copy_file(url: str, file: Path) -> None:
    """Copy the file of an SQLite store as it is now; others may use it meanwhile.

    Raises:
        InvalidInputError: The store has no file of its own.
        ConflictError: The target is there already.
        StoreError: There is no such store, or a disk failed.
    """
    if engine_of(url) != "sqlite":
        raise InvalidInputError("only an SQLite store has a file to copy; export the others")
    from headwater.store.sqlite import backup

    backup(url, file)


def _neo4j(url: str) -> Store:
    try:
        from headwater.store.neo4j import Neo4jStore
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "neo4j":
            raise
        raise NotInstalledError(
            "the Neo4j store needs its driver: pip install 'headwater[neo4j]'", extra="neo4j"
        ) from error
    return Neo4jStore(url)
