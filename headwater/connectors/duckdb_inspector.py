"""SQLAlchemy's inspector for DuckDB, from DuckDB's own catalog functions.

The inspector that duckdb-engine brings is PostgreSQL's; under SQLAlchemy 2.1 it asks DuckDB for
tables that only PostgreSQL has, and fails on every column.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, RowMapping, text
from sqlglot.dialects.duckdb import DuckDB

from headwater.sql.generated import expressions


class DuckdbInspector:
    """Answers what SQLAlchemy's inspector answers, in its shapes; types are text.

    The catalog of the database is read once, when the inspector is made.
    """

    default_schema_name = "main"

    def __init__(self, engine: Engine) -> None:
        with engine.connect() as connection:

            def rows(query: str) -> list[RowMapping]:
                return list(connection.execute(text(query)).mappings())

            self.database = str(rows("SELECT current_database() AS name")[0]["name"])

            def here(query: str) -> list[RowMapping]:
                found = rows(query)
                return [row for row in found if row["database_name"] == self.database]

            self._schemas = here("FROM duckdb_schemas()")
            self._tables = _by_table(here("FROM duckdb_tables()"))
            self._views = _by_table(here("FROM duckdb_views() WHERE NOT internal"), "view_name")
            self._columns = _by_table(here("FROM duckdb_columns() ORDER BY column_index"))
            self._macros = here("FROM duckdb_functions() WHERE NOT internal")
            self._constraints = _by_table(here("FROM duckdb_constraints()"))

    def get_schema_names(self) -> list[str]:
        """Names of the database's schemas."""
        return [row["schema_name"] for row in self._schemas]

    def get_table_names(self, schema: str) -> list[str]:
        """Names of a schema's tables."""
        return [table for place, table in self._tables if place == schema]

    def get_view_names(self, schema: str) -> list[str]:
        """Names of a schema's views."""
        return [view for place, view in self._views if place == schema]

    def get_columns(self, table_name: str, schema: str) -> list[dict[str, Any]]:
        """Columns of a table or view, in order."""
        key = schema, table_name
        sql = self._tables[key][0]["sql"] if key in self._tables else ""
        made = expressions(sql, DuckDB())
        return [
            {
                "name": row["column_name"],
                "type": row["data_type"],
                "nullable": row["is_nullable"],
                "comment": row["comment"],
                **({"computed": {"sqltext": made[name]}} if name in made else {}),
            }
            for row in self._columns.get(key, ())
            for name in [row["column_name"]]
        ]

    def get_pk_constraint(self, table_name: str, schema: str) -> dict[str, Any]:
        """The primary key; its columns are empty where there is none."""
        keys = self._of(table_name, schema, "PRIMARY KEY")
        return {"constrained_columns": keys[0]["constraint_column_names"] if keys else []}

    def get_unique_constraints(self, table_name: str, schema: str) -> list[dict[str, Any]]:
        """Unique constraints."""
        found = self._of(table_name, schema, "UNIQUE")
        return [{"column_names": row["constraint_column_names"]} for row in found]

    def get_foreign_keys(self, table_name: str, schema: str) -> list[dict[str, Any]]:
        """Foreign keys; DuckDB has them within a schema only."""
        return [
            {
                "constrained_columns": row["constraint_column_names"],
                "referred_schema": schema,
                "referred_table": row["referenced_table"],
                "referred_columns": row["referenced_column_names"],
            }
            for row in self._of(table_name, schema, "FOREIGN KEY")
        ]

    def get_table_comment(self, table_name: str, schema: str) -> dict[str, Any]:
        """The comment of a table or view."""
        key = schema, table_name
        found = self._tables.get(key) or self._views.get(key)
        return {"text": found[0]["comment"] if found else None}

    def get_view_definition(self, view_name: str, schema: str) -> str | None:
        """The ``CREATE VIEW`` of a view, on one line: DuckDB keeps it so."""
        found = self._views.get((schema, view_name))
        return str(found[0]["sql"]) if found else None

    def get_routines(self) -> list[tuple[str, str | None]]:
        """Macros, and what they stand for."""
        return [(row["function_name"], row["macro_definition"]) for row in self._macros]

    def _of(self, table: str, schema: str, kind: str) -> list[RowMapping]:
        rows = self._constraints.get((schema, table), ())
        return [row for row in rows if row["constraint_type"] == kind]


def _by_table(
    rows: list[RowMapping], name: str = "table_name"
) -> dict[tuple[str, str], list[RowMapping]]:
    """The rows of each table, by its schema and name."""
    found: dict[tuple[str, str], list[RowMapping]] = {}
    for row in rows:
        found.setdefault((row["schema_name"], row[name]), []).append(row)
    return found
