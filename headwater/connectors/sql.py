"""The SQL connector: tables, views and what views' columns are made from, of any SQLAlchemy URL."""

from __future__ import annotations

from importlib.util import find_spec

from headwater.connectors.report import Report
from headwater.errors import NotInstalledError
from headwater.sdk import Headwater


def ingest(hw: Headwater, url: str, *, service: str | None = None) -> Report:
    """Bring the catalog to what a database says: its schemas, tables, views and views' lineage.

    Writes as the producer ``sql:<service>``. What cannot be written or resolved is in the report,
    and holds up nothing else; a second run over an unchanged database writes nothing.

    Args:
        hw: The catalog.
        url: The database, as SQLAlchemy writes it: ``duckdb:///warehouse.duckdb``.
        service: Name of the database service in the catalog; the backend's name for a file
            (``sqlite``), the backend and host for a server (``postgresql-db.example.com``).

    Raises:
        InvalidInputError: The URL is wrong, or the database cannot be reached or read. The message
            has no password.
        NotInstalledError: The extra ``headwater[sql]`` or the database's own driver is missing.
        ClientError: The catalog cannot be reached.
    """
    for package in ("sqlalchemy", "sqlglot"):
        if find_spec(package) is None:
            raise NotInstalledError(
                f"reading databases needs {package}: pip install 'headwater[sql]'", extra="sql"
            )
    from headwater.connectors.sql_run import run  # it imports what was just looked for

    return run(hw, url, service)
