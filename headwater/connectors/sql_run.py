"""One run of the SQL connector: read the database, write the catalog, then the views' lineage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from sqlalchemy import make_url
from sqlglot.dialects.dialect import Dialect

from headwater.connectors.relation import Relation
from headwater.connectors.report import Failure, Report, Unresolved
from headwater.connectors.sql_lineage import LineageWriter
from headwater.connectors.sql_request import Place, table_request
from headwater.connectors.sql_source import SqlSource, SqlTable, Unread, open_source
from headwater.connectors.view_lineage import ViewReader
from headwater.sdk import Headwater

SERVICE_TYPES = {
    "awsathena": "Athena",
    "bigquery": "BigQuery",
    "clickhouse": "ClickHouse",
    "clickhousedb": "ClickHouse",
    "databricks": "Databricks",
    "duckdb": "DuckDB",
    "hive": "Hive",
    "mariadb": "MariaDB",
    "mssql": "Mssql",
    "mysql": "Mysql",
    "oracle": "Oracle",
    "postgresql": "Postgres",
    "redshift": "Redshift",
    "snowflake": "Snowflake",
    "sqlite": "Sqlite",
    "trino": "Trino",
}
"""The catalog's word for what a SQLAlchemy dialect speaks to; any other is a CustomDatabase."""

_GRAMMARS = {
    "awsathena": "athena",
    "clickhousedb": "clickhouse",
    "mariadb": "mysql",
    "mssql": "tsql",
    "postgresql": "postgres",
}
"""sqlglot's name of a SQLAlchemy dialect, where it has another."""


def run(hw: Headwater, url: str, service: str | None) -> Report:
    """See ``headwater.connectors.sql.ingest``."""
    with open_source(url) as source:
        name = service or default_service(url)
        # Header fields are ASCII.
        producer = f"sql:{name if name.isascii() else quote(name)}"
        return _Run(hw.as_producer(producer), source, name).report


def default_service(url: str) -> str:
    """Name a service by its URL: the backend, and the host where there is one."""
    parsed = make_url(url)
    backend = parsed.get_backend_name()
    return f"{backend}-{parsed.host}" if parsed.host else backend


class _Run:
    def __init__(self, hw: Headwater, source: SqlSource, service: str) -> None:
        self.report = Report(service)
        self._hw = hw
        self._source = source
        self._place = Place(service, source.database)
        grammar = _GRAMMARS.get(source.dialect, source.dialect)
        self._grammar = grammar if Dialect.get(grammar) else None
        tables = self._read()
        if tables:
            self._write_containers(tables)
            written = self._write("table", [self._request(table) for table in tables])
            self._write_lineage([t for t in tables if self._fqn(t) in written], tables)

    def _read(self) -> list[SqlTable]:
        tables: list[SqlTable] = []
        for schema in self._source.schemas():
            for table in self._source.tables(schema):
                if isinstance(table, Unread):
                    self.report.seen += 1
                    self.report.tables += 1
                    name = self._place.fqn(table.schema, table.name)
                    self.report.failed.append(Failure(name, table.reason))
                else:
                    tables.append(table)
        self.report.tables += len(tables)
        return tables

    def _write_containers(self, tables: Sequence[SqlTable]) -> None:
        place = self._place
        kind = SERVICE_TYPES.get(self._source.dialect, "CustomDatabase")
        schemas = sorted({table.schema for table in tables})
        self._write("databaseService", [{"name": place.service, "serviceType": kind}])
        database = {"name": place.database, "service": place.service_fqn}
        self._write("database", [database])
        requests = [{"name": name, "database": place.fqn()} for name in schemas]
        self._write("databaseSchema", requests)

    def _write(self, kind: str, requests: Sequence[Mapping[str, Any]]) -> set[str]:
        """Write entities of a kind; the names of those that are in the catalog now."""
        report = self.report
        result = self._hw.bulk(kind, requests)
        report.seen += len(requests)
        report.created += result.created
        report.changed += result.updated
        report.unchanged += result.unchanged
        for failure in result.failed:
            name = failure.name or str(requests[failure.index]["name"])
            report.failed.append(Failure(f"{kind} {name}", failure.message))
        return {str(entity.to_wire()["fullyQualifiedName"]) for entity in result.entities}

    def _request(self, table: SqlTable) -> dict[str, Any]:
        return table_request(table, self._place, self._grammar)

    def _write_lineage(self, written: Sequence[SqlTable], tables: Sequence[SqlTable]) -> None:
        views = [table for table in written if table.type != "Regular"]
        if self._grammar is None:
            reason = f"the SQL of {self._source.dialect} cannot be read"
            self.report.unresolved += [Unresolved(self._fqn(v), 1, reason) for v in views]
            return
        known = set(map(self._fqn, written))
        reader = ViewReader(
            map(_relation, tables),
            dialect=self._grammar,
            database=self._source.database,
            default_schema=self._source.default_schema,
        )
        read = ((view, reader.read(_relation(view), view.definition or "")) for view in views)
        LineageWriter(self._hw, self._place, self.report).write(read, known)

    def _fqn(self, table: SqlTable) -> str:
        return self._place.fqn(table.schema, table.name)


def _relation(table: SqlTable) -> Relation:
    return Relation(table.schema, table.name, tuple(column.name for column in table.columns))
