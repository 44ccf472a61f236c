"""What the catalog is told about a table: requests in their wire form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from unicodedata import normalize

from headwater import names
from headwater.connectors.sql_source import SqlColumn, SqlTable
from headwater.connectors.sql_type import type_fields

Request = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a database is in the catalog; makes fully qualified names below it."""

    service: str
    database: str

    def fqn(self, *parts: str) -> str:
        """The FQN of the database, or of a schema, table or column in it."""
        return _join(self.service, self.database, *parts)

    @property
    def service_fqn(self) -> str:
        """The FQN of the service."""
        return _join(self.service)


def table_request(table: SqlTable, place: Place, dialect: str | None) -> Request:
    """Return the request that brings a table or view to what its database says of it.

    Args:
        table: As it was read.
        place: Where its database is.
        dialect: sqlglot's, for types that have types within.
    """
    request: Request = {
        "name": table.name,
        "databaseSchema": place.fqn(table.schema),
        "tableType": table.type,
        "columns": [
            _column(column, at, table, dialect) for at, column in enumerate(table.columns, start=1)
        ],
        # None takes away what the database no longer says.
        "description": table.comment or None,
        "viewDefinition": table.definition,
    }
    if not table.is_view:
        request["tableConstraints"] = _constraints(table, place)
    return request


def _column(column: SqlColumn, position: int, table: SqlTable, dialect: str | None) -> Request:
    request: Request = {
        "name": column.name,
        **type_fields(column.type, dialect),
        "ordinalPosition": position,
    }
    if not table.is_view:
        nullable = "NULL" if column.nullable else "NOT_NULL"
        request["constraint"] = "PRIMARY_KEY" if table.primary_key == (column.name,) else nullable
    if column.comment:
        request["description"] = column.comment
    return request


def _constraints(table: SqlTable, place: Place) -> list[Request]:
    constraints: list[Request] = []
    if table.primary_key:
        constraints.append({"constraintType": "PRIMARY_KEY", "columns": list(table.primary_key)})
    constraints += [{"constraintType": "UNIQUE", "columns": list(key)} for key in table.unique]
    for key in table.foreign_keys:
        schema = key.schema or table.schema
        referred = [place.fqn(schema, key.table, column) for column in key.referred]
        constraints.append(
            {
                "constraintType": "FOREIGN_KEY",
                "columns": list(key.columns),
                "referredColumns": referred,
            }
        )
    return constraints


def _join(*parts: str) -> str:
    """An FQN as the catalog will spell it."""
    return names.join(*(normalize("NFC", part) for part in parts))
