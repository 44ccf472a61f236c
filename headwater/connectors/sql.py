"""The SQL connector: tables, views and what views' columns are made from, of any SQLAlchemy URL."""

from __future__ import annotations

from fnmatch import fnmatchcase
from importlib.util import find_spec
from typing import ClassVar, Literal

from pydantic import Field

from headwater.connectors.config import Name, SourceConfig
from headwater.connectors.ingest import ingest_source
from headwater.connectors.report import Report
from headwater.connectors.run import Run, RunOptions
from headwater.errors import NotInstalledError
from headwater.sdk import Headwater


class Config(SourceConfig):
    """A database.

    Attributes:
        url: As SQLAlchemy writes it, such as ``duckdb:///warehouse.duckdb``.
        password: In place of the one in the URL.
        include: Tables and views to read, as patterns of ``schema.table``; all unless said.
        exclude: Tables and views to leave out, as patterns.
        masking: Functions that hash or mask their arguments, beside those of
            ``headwater.sql.masking``.
        statements: Files, folders, or patterns of them, with SQL that fills tables.
    """

    secrets: ClassVar[frozenset[str]] = frozenset({"password"})

    type: Literal["sql"] = "sql"
    url: str = Field(min_length=1)
    password: str | None = None
    include: tuple[Name, ...] = Field(default=("*",), title="patterns")
    exclude: tuple[Name, ...] = Field(default=(), title="patterns")
    masking: tuple[Name, ...] = Field(default=(), title="functions")
    statements: tuple[Name, ...] = Field(default=(), title="files, folders or patterns")

    @property
    def service_name(self) -> str:
        """The service's name; unless given the backend's, and for a server its host's, too."""
        if self.service:
            return self.service
        _need_packages()
        from headwater.connectors.sql_source import default_service

        return default_service(self.url)

    def wants(self, schema: str, table: str) -> bool:
        """Whether a table or view is to be read."""
        name = f"{schema}.{table}"
        return any(fnmatchcase(name, each) for each in self.include) and not any(
            fnmatchcase(name, each) for each in self.exclude
        )

    def read(self, run: Run) -> None:
        """See ``SourceConfig.read``."""
        _need_packages()
        from headwater.connectors.sql_run import read  # it imports what was just looked for

        read(self, run)


def ingest(
    hw: Headwater,
    url: str,
    *,
    service: str | None = None,
    options: RunOptions | None = None,
) -> Report:
    """Bring the catalog to what a database says: its schemas, tables, views and views' lineage.

    Writes as the producer ``sql:<service>``. What cannot be written or resolved is in the report,
    and holds up nothing else; a second run over an unchanged database writes nothing.

    Args:
        hw: The catalog.
        url: The database, as SQLAlchemy writes it: ``duckdb:///warehouse.duckdb``.
        service: Name of the database service in the catalog; the backend's name for a file
            (``sqlite``), the backend and host for a server (``postgresql-db.example.com``).
        options: How the run goes.

    Raises:
        SourceError: The database cannot be reached or read. The message has no password.
        InvalidInputError: The URL is none.
        NotInstalledError: The extra ``headwater[sql]`` or the database's own driver is missing.
        ClientError: The catalog cannot be reached.
    """
    _need_packages()
    return ingest_source(hw, Config(url=url, service=service), options=options, strict=True)


def _need_packages() -> None:
    for package in ("sqlalchemy", "sqlglot"):
        if find_spec(package) is None:
            raise NotInstalledError(
                f"reading databases needs {package}: pip install 'headwater[sql]'", extra="sql"
            )
