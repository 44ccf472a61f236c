"""One run of the SQL connector: read the database, write the catalog, then the views' lineage."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlglot.dialects.dialect import Dialect

from headwater.connectors.run import Run
from headwater.connectors.sql import Config
from headwater.connectors.sql_lineage import STATEMENT, LineageWriter
from headwater.connectors.sql_request import Place, table_request
from headwater.connectors.sql_source import SqlColumn, SqlSource, SqlTable, open_source
from headwater.connectors.sql_statements import StatementLineage
from headwater.sql.dialect import grammar_of
from headwater.sql.generated import read_generated
from headwater.sql.masking import Masking
from headwater.sql.relation import ColumnLineage, Relation, ViewLineage
from headwater.sql.routine import read_by
from headwater.sql.statement import column_names
from headwater.sql.view_lineage import ViewReader

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


def read(config: Config, run: Run) -> None:
    """See ``headwater.connectors.sql.Config.read``."""
    with open_source(config.url, password=config.password) as source:
        _Reader(run, source, config).read()


class _Reader:
    def __init__(self, run: Run, source: SqlSource, config: Config) -> None:
        self._run = run
        self._source = source
        self._config = config
        self._place = Place(config.service_name, source.database)
        self._grammar = grammar_of(source.dialect)

    def read(self) -> None:
        """Read everything, then write it, then what the views are made from."""
        tables = self._tables()
        if self._run.report.found or tables:
            self._write_containers(tables)
            requests = [self._request(table) for table in tables]
            written = self._run.put("table", requests, found=True)
            self._write_lineage([t for t in tables if self._fqn(t) in written], tables)

    def _tables(self) -> list[SqlTable]:
        tables: list[SqlTable] = []
        for schema in self._source.schemas():
            for table in self._source.tables(schema, wanted=self._config.wants):
                name = self._place.fqn(table.schema, table.name)
                if isinstance(table, SqlTable):
                    tables.append(self._with_columns(table) if table.fault else table)
                    continue
                self._run.saw("table", name)
                if table.reason:
                    self._run.report.found += 1
                    self._run.fail(name, table.reason)
        return tables

    def _with_columns(self, view: SqlTable) -> SqlTable:
        """A view whose columns the database does not tell, with those that its SQL names."""
        self._run.fail(self._fqn(view), view.fault)
        if self._grammar is None:
            return view
        named = column_names(view.definition or "", Dialect.get_or_raise(self._grammar))
        columns = tuple(SqlColumn(name, "", True, None) for name in named if name)
        whole = len(columns) == len(named)
        if not whole:
            reason = "not all of its columns are known: the SQL does not name them"
            self._run.leave_open(self._fqn(view), reason)
        return replace(view, columns=columns, whole=whole)

    def _write_containers(self, tables: Sequence[SqlTable]) -> None:
        place, run = self._place, self._run
        kind = SERVICE_TYPES.get(self._source.dialect, "CustomDatabase")
        run.put("databaseService", [{"name": place.service, "serviceType": kind}])
        run.put("database", [{"name": place.database, "service": place.service_fqn}])
        schemas = sorted({table.schema for table in tables})
        run.put("databaseSchema", [{"name": name, "database": place.fqn()} for name in schemas])
        for name in self._source.schemas():
            run.saw("databaseSchema", place.fqn(name))
        run.enumerated("databaseSchema", place.fqn())
        run.enumerated("table", place.service_fqn)

    def _request(self, table: SqlTable) -> dict[str, Any]:
        request = table_request(table, self._place, self._grammar)
        if table.fault:
            there = self._run.hw.find("table", self._fqn(table))
            known = there.to_wire() if there else {}
            if not table.columns or known.get("viewDefinition") == table.definition:
                del request["columns"]  # those that were known, with their types, stay
        return request

    def _write_lineage(self, written: Sequence[SqlTable], tables: Sequence[SqlTable]) -> None:
        views = [table for table in written if table.is_view]
        if self._grammar is None:
            for view in views:
                reason = f"the SQL of {self._source.dialect} cannot be read"
                self._run.leave_open(self._fqn(view), reason)
            for name in self._config.statements:
                self._run.leave_open(name, reason)
            return
        known = set(map(self._fqn, written))
        relations = [*map(_relation, tables)]
        dialect = Dialect.get_or_raise(self._grammar)
        routines = self._source.routines()
        reader = ViewReader(
            relations,
            dialect=self._grammar,
            database=self._source.database,
            default_schema=self._source.default_schema,
            masking=Masking(self._config.masking),
        ).within(behind=read_by(routines, relations, dialect))
        read = ((view, reader.read(_relation(view), view.definition or "")) for view in views)
        writer = LineageWriter(self._run, self._place)
        writer.write(read, known)
        # A table may stand where a view was; what a file says of it counts, if one does.
        plain = known.difference(map(self._fqn, views))
        said = self._write_statements(reader, self._grammar, written, known)
        own = plain.difference(said)
        places = {(each.schema, each.name): each for each in relations}
        writer.write(
            (
                (table, _own_lineage(table, places, reader, dialect))
                for table in written
                if self._fqn(table) in own
            ),
            known,
        )

    def _write_statements(
        self, reader: ViewReader, grammar: str, tables: Sequence[SqlTable], known: set[str]
    ) -> Collection[str]:
        """Write what files say; answer of which tables they say that they are views."""
        if not self._config.statements:
            self._run.replace_edges([], source=STATEMENT, targets=None)  # there were some, perhaps
            return ()
        told = {
            _relation(view): view.definition for view in tables if view.is_view and view.definition
        }
        places = {(each.schema, each.name): each for each in tables}
        parts = {
            self._fqn(each): [_relation(part) for part in _partitions(each, places)]
            for each in tables
            if each.type == "Partitioned"
        }
        lineage = StatementLineage(
            self._run,
            self._place,
            reader,
            dialect=grammar,
            known=known,
            told=told,
            passing={_relation(each) for each in tables if each.passes and each.definition},
            parts=parts,
        )
        return lineage.write(self._config.statements)

    def _fqn(self, table: SqlTable) -> str:
        return self._place.fqn(table.schema, table.name)


def _relation(table: SqlTable) -> Relation:
    columns = table.columns if table.whole else ()  # a star over some of them would give others
    names = tuple(column.name for column in columns)
    return Relation(table.schema, table.name, names, table.row_id)


def _partitions(table: SqlTable, tables: Mapping[tuple[str, str], SqlTable]) -> Iterator[SqlTable]:
    """The partitions of a table that are known, and theirs."""
    for part in (tables[each] for each in table.parts if each in tables):
        yield part
        yield from _partitions(part, tables)


def _own_lineage(
    table: SqlTable,
    relations: Mapping[tuple[str, str], Relation],
    reader: ViewReader,
    dialect: Dialect,
) -> ViewLineage:
    """What a table's own definition makes it from: others of its columns, and its parts."""
    made = {each.name: each.generated for each in table.columns if each.generated is not None}
    found = read_generated(_relation(table), made, reader, dialect)
    parts = tuple(relations[each] for each in table.parts if each in relations)
    of_parts = (
        ColumnLineage(
            each.name, tuple((part, each.name) for part in parts if each.name in part.columns), None
        )
        for each in table.columns
        if parts
    )
    return replace(found, relations=(*found.relations, *parts), columns=(*found.columns, *of_parts))
