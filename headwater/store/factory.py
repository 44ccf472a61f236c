"""From a URL to a store that is ready to use. The only place that knows the adapters."""

from __future__ import annotations

from headwater.errors import InvalidInputError, NotInstalledError
from headwater.store.base import Store

NEO4J_SCHEMES = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")


def open_store(url: str) -> Store:
    """Open a store and bring it to this release's layout.

    Args:
        url: ``sqlite:///relative.db``, ``sqlite:////absolute.db``, a plain path, ``sqlite://`` (in
            memory), or ``neo4j://user:password@host:7687`` (also ``bolt``, ``+s`` and ``+ssc``).

    Raises:
        InvalidInputError: The scheme is none of these.
        NotInstalledError: The adapter's driver is not installed.
        StoreError: The store cannot be reached, is not one, or was written by a newer release.
    """
    store = _connect(url)
    try:
        store.migrate()
    except BaseException:
        store.close()
        raise
    return store


def _connect(url: str) -> Store:
    scheme, mark, _ = url.partition("://")
    if not mark or scheme == "sqlite":
        from headwater.store.sqlite import SqliteStore

        return SqliteStore(url)
    if scheme in NEO4J_SCHEMES:
        return _neo4j(url)
    known = ", ".join(("sqlite", *NEO4J_SCHEMES))
    # Only the scheme is named: the rest of a URL may hold a password.
    raise InvalidInputError(f"no store has the URL scheme {scheme!r}; there are {known}")


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
