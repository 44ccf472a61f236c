"""Reads a store's URL. Nothing is connected here."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from headwater.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is and who asks.

    Attributes:
        uri: What the driver takes: the URL without credentials and database.
        auth: User and password, or None for a server that asks for neither.
        database: The database's name; None for the user's home database.
    """

    uri: str
    auth: tuple[str, str] | None = field(repr=False)
    database: str | None


def parse_url(url: str) -> Address:
    """Read ``neo4j://user:password@host:7687/database``.

    User and password may be percent-encoded; they, the port and the database may be missing.

    Raises:
        InvalidInputError: It has no host, a port that is none, or a query. The message does not
            repeat the URL, which may hold a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidInputError("the Neo4j URL's host or port is not one") from None
    if not parts.hostname:
        raise InvalidInputError("the Neo4j URL names no host")
    if parts.query or parts.fragment:
        raise InvalidInputError(
            "a Neo4j URL has no query: neo4j://user:password@host:7687/database"
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    auth = None
    if parts.username is not None:
        auth = (unquote(parts.username), unquote(parts.password or ""))
    return Address(
        uri=f"{parts.scheme}://{host}" + (f":{port}" if port else ""),
        auth=auth,
        database=unquote(parts.path.strip("/")) or None,
    )
