"""SQLAlchemy's inspector for PostgreSQL, from PostgreSQL's own catalog: all of it in few queries.

SQLAlchemy's own asks for each table by itself, has no type for what extensions bring (``vector``),
and names what a view or a key refers to by the reader's search path.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, RowMapping, text

if TYPE_CHECKING:
    from headwater.connectors.sql_source import TableType

_SCHEMAS = r"""
    SELECT oid, nspname AS schema FROM pg_namespace
    WHERE nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema'
"""
_TABLES = f"""
    SELECT c.oid, s.schema, c.relname AS name, c.relkind::text AS kind,
      obj_description(c.oid, 'pg_class') AS comment
    FROM pg_class c JOIN ({_SCHEMAS}) s ON s.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm')
"""  # noqa: S608 - of constants, like those below
_COLUMNS = f"""
    SELECT t.oid, a.attnum AS number, a.attname AS name, a.attnotnull AS not_null,
      format_type(a.atttypid, a.atttypmod) AS type, d.description AS comment
    FROM pg_attribute a JOIN ({_TABLES}) t ON t.oid = a.attrelid
    LEFT JOIN pg_description d
      ON d.objoid = t.oid AND d.objsubid = a.attnum AND d.classoid = 'pg_class'::regclass
    WHERE a.attnum > 0 AND NOT a.attisdropped ORDER BY t.oid, a.attnum
"""  # noqa: S608
# Before its version 12 PostgreSQL has no such column.
_GENERATED = """
    SELECT d.adrelid AS oid, d.adnum AS number, pg_get_expr(d.adbin, d.adrelid) AS sql
    FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    WHERE to_jsonb(a) ->> 'attgenerated' <> ''
"""
_PARTS = "SELECT inhparent AS oid, inhrelid AS part FROM pg_inherits ORDER BY inhparent, inhrelid"
_CONSTRAINTS = """
    SELECT conrelid AS oid, contype::text AS kind, conkey AS numbers,
      confrelid AS referred, confkey AS referred_numbers
    FROM pg_constraint WHERE contype IN ('p', 'u', 'f') AND conrelid <> 0
"""
_DEFINITIONS = f"""
    SELECT oid, pg_get_viewdef(oid) AS sql FROM ({_TABLES}) t WHERE kind IN ('v', 'm')
"""  # noqa: S608
_PASSING = f"""
    SELECT oid FROM ({_TABLES}) t
    WHERE kind = 'v' AND pg_relation_is_updatable(oid, false) & 12 <> 0
      AND NOT EXISTS (SELECT FROM pg_rewrite WHERE ev_class = t.oid AND rulename <> '_RETURN')
      AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = t.oid AND tgtype & 64 <> 0)
"""  # noqa: S608 - 12: INSERT or UPDATE; 64: INSTEAD OF
_ROUTINES = f"""
    SELECT p.proname AS name, CASE
      WHEN p.prokind <> 'a' AND l.lanname IN ('sql', 'plpgsql') THEN pg_get_functiondef(p.oid)
    END AS sql
    FROM pg_proc p JOIN ({_SCHEMAS}) s ON s.oid = p.pronamespace
    JOIN pg_language l ON l.oid = p.prolang
    WHERE NOT EXISTS (
      SELECT FROM pg_depend d
      WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    )
"""  # noqa: S608
_CALLING = """
    SELECT o.oprname AS name, o.oprcode::regproc::text AS sql FROM pg_operator o
    WHERE o.oprcode <> 0 AND o.oid >= 16384
    UNION ALL
    SELECT '::' || format_type(c.casttarget, NULL), c.castfunc::regproc::text FROM pg_cast c
    WHERE c.castfunc <> 0 AND c.oid >= 16384
"""
"""Operators and casts, each with the function behind it. The numbers below are PostgreSQL's own."""
# Without a search path PostgreSQL spells every table in a view with its schema.
_NO_SEARCH_PATH = "SET LOCAL search_path = ''"

_TYPES: dict[str, TableType] = {
    "r": "Regular",
    "p": "Partitioned",
    "f": "Foreign",
    "v": "View",
    "m": "MaterializedView",
}


class PostgresInspector:
    """Answers what SQLAlchemy's inspector answers, in its shapes; types are text.

    The catalog of the database is read once, when the inspector is made, in one snapshot.
    """

    def __init__(self, engine: Engine) -> None:
        snapshot = engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        with snapshot.connect() as connection:

            def rows(query: str) -> Sequence[RowMapping]:
                return connection.execute(text(query)).mappings().all()

            self.default_schema_name = connection.scalar(text("SELECT current_schema()"))
            self._schemas = [str(row["schema"]) for row in rows(_SCHEMAS)]
            self._tables = {(row["schema"], row["name"]): row for row in rows(_TABLES)}
            self._by_oid = {row["oid"]: row for row in self._tables.values()}
            self._columns = _by_oid(rows(_COLUMNS))
            self._constraints = _by_oid(rows(_CONSTRAINTS))
            self._routines = [*rows(_ROUTINES), *rows(_CALLING)]
            self._parts = _by_oid(rows(_PARTS))
            self._passing = {row["oid"] for row in rows(_PASSING)}
            connection.execute(text(_NO_SEARCH_PATH))
            self._definitions = _by_oid(rows(_DEFINITIONS))
            self._generated = _by_oid(rows(_GENERATED))

    def get_schema_names(self) -> list[str]:
        """Names of the schemas that are not PostgreSQL's own."""
        return self._schemas

    def get_types(self, schema: str) -> dict[str, TableType]:
        """What each table and view of a schema is, by name."""
        return {
            name: _TYPES[row["kind"]]
            for (place, name), row in self._tables.items()
            if place == schema
        }

    def get_columns(self, table_name: str, schema: str) -> list[dict[str, Any]]:
        """Columns of a table or view, in order."""
        oid = self._tables[schema, table_name]["oid"]
        made = {row["number"]: row["sql"] for row in self._generated.get(oid, ())}
        return [
            {
                "name": row["name"],
                "type": row["type"],
                "nullable": not row["not_null"],
                "comment": row["comment"],
                **({"computed": {"sqltext": made[number]}} if number in made else {}),
            }
            for row in self._columns.get(oid, ())
            for number in [row["number"]]
        ]

    def get_parts(self, table_name: str, schema: str) -> tuple[tuple[str, str], ...]:
        """The partitions of a table and those that inherit from it, as schema and name."""
        found = self._parts.get(self._tables[schema, table_name]["oid"], ())
        parts = [self._by_oid[row["part"]] for row in found if row["part"] in self._by_oid]
        return tuple((part["schema"], part["name"]) for part in parts)

    def get_passing(self, table_name: str, schema: str) -> bool:
        """Whether rows that are written to a view go to the table or view that it reads."""
        return self._tables[schema, table_name]["oid"] in self._passing

    def get_pk_constraint(self, table_name: str, schema: str) -> dict[str, Any]:
        """The primary key; its columns are empty where there is none."""
        keys = self._of(table_name, schema, "p")
        return {
            "constrained_columns": self._names(keys[0]["oid"], keys[0]["numbers"]) if keys else []
        }

    def get_unique_constraints(self, table_name: str, schema: str) -> list[dict[str, Any]]:
        """Unique constraints."""
        found = self._of(table_name, schema, "u")
        return [{"column_names": self._names(row["oid"], row["numbers"])} for row in found]

    def get_foreign_keys(self, table_name: str, schema: str) -> list[dict[str, Any]]:
        """Foreign keys, each with the schema of the table that it refers to."""
        return [
            {
                "constrained_columns": self._names(row["oid"], row["numbers"]),
                "referred_schema": self._by_oid[row["referred"]]["schema"],
                "referred_table": self._by_oid[row["referred"]]["name"],
                "referred_columns": self._names(row["referred"], row["referred_numbers"]),
            }
            for row in self._of(table_name, schema, "f")
        ]

    def get_table_comment(self, table_name: str, schema: str) -> dict[str, Any]:
        """The comment of a table or view."""
        return {"text": self._tables[schema, table_name]["comment"]}

    def get_view_definition(self, view_name: str, schema: str) -> str | None:
        """The query of a view, as PostgreSQL spells it, every name with its schema."""
        found = self._definitions.get(self._tables[schema, view_name]["oid"])
        return str(found[0]["sql"]) if found else None

    def get_routines(self) -> list[tuple[str, str | None]]:
        """Functions that are not PostgreSQL's own or an extension's, and their text.

        With them operators, and casts as ``::type``: their text is the function that they call.
        None stands for the text of what is written in another language, or an aggregate.
        """
        return [(row["name"], row["sql"]) for row in self._routines]

    def _of(self, table: str, schema: str, kind: str) -> list[RowMapping]:
        oid = self._tables[schema, table]["oid"]
        return [row for row in self._constraints.get(oid, ()) if row["kind"] == kind]

    def _names(self, oid: int, numbers: Iterable[int]) -> list[str]:
        """Names of a table's columns with these numbers."""
        names = {row["number"]: row["name"] for row in self._columns[oid]}
        return [names[number] for number in numbers]


def _by_oid(rows: Iterable[RowMapping]) -> dict[int, list[RowMapping]]:
    """The rows of each table."""
    found: dict[int, list[RowMapping]] = {}
    for row in rows:
        found.setdefault(row["oid"], []).append(row)
    return found
