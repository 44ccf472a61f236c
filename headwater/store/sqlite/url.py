"""What a URL says about where a database is."""

from __future__ import annotations

from headwater.errors import InvalidInputError

MEMORY = ":memory:"


def database_path(url: str) -> str:
    """The path that ``sqlite:///relative.db``, ``sqlite:////absolute.db`` or a plain path names.

    Raises:
        InvalidInputError: It names none.
    """
    if "://" not in url:
        path = url
    elif url in ("sqlite://", "sqlite:///"):
        path = MEMORY
    else:
        path = url.removeprefix("sqlite:///")
    if not path or "://" in path:
        raise InvalidInputError(
            "an SQLite URL is sqlite:///relative.db, sqlite:////absolute.db or sqlite://"
        )
    return path
