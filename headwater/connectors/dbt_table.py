"""What the catalog is told about a table of a dbt project: requests in their wire form.

Where the warehouse itself was read by another connector, that one knows better what columns there
are and of which type; dbt then adds words, tags and owners.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import normalize

from headwater import names
from headwater.connectors.dbt_project import DbtColumn, DbtTable
from headwater.connectors.sql_request import Place
from headwater.connectors.sql_type import type_fields

Request = dict[str, Any]
Origins = Sequence[Mapping[str, Any]]
TAGS = "dbt"
"""The classification that dbt's tags are of."""

FIELDS = ("columns", "description", "owners", "tableType", "tags", "viewDefinition")
"""What a request is compared with."""

_WORDS = frozenset({"description", "displayName", "owners", "tags", "domain", "extension"})


class Known:
    """Tables that the catalog has of a service, found however their names are cased."""

    def __init__(self, service: str, rows: Iterable[Mapping[str, Any]]) -> None:
        self._service = service
        self.rows = {row["fullyQualifiedName"]: row for row in rows}
        self._below: dict[str, dict[str, None]] = {}
        for fqn in self.rows:
            parts = names.split(fqn)
            for length in range(2, len(parts) + 1):
                above = self._below.setdefault(names.join(*parts[: length - 1]), {})
                above[parts[length - 1]] = None

    def fqn(self, *parts: str) -> str:
        """The FQN of a table, spelled as the catalog does where it has it or what it stands in."""
        found = names.join(normalize("NFC", self._service))
        for part in parts:
            found = names.child(found, spelled(normalize("NFC", part), self._below.get(found, ())))
        return found


def spelled(name: str, known: Collection[str]) -> str:
    """Return a name as the only one among those known that differs by case at most has it."""
    if name in known:
        return name
    alike = [each for each in known if each.casefold() == name.casefold()]
    return alike[0] if len(alike) == 1 else name


@dataclass(frozen=True, slots=True)
class Tables(Place):
    """Where the tables of a project are in the catalog.

    Attributes:
        fqns: By ``(place, name)``, as dbt spells them.
        columns: Of each FQN, the catalog's spelling of columns.
    """

    fqns: Mapping[tuple[str, str], str]
    columns: Mapping[str, Sequence[str]]

    def fqn(self, *parts: str) -> str:
        """The FQN of a table or of a column of one."""
        table = self.fqns[parts[0], parts[1]]
        below = parts[2:]
        return ".".join([table, *(names.quote(spelled(p, self.columns[table])) for p in below)])


def table_request(
    table: DbtTable,
    fqn: str,
    row: Mapping[str, Any] | None,
    origins: Callable[[], Origins],
    writer: str,
    *,
    owners: Sequence[Request],
    dialect: str | None,
) -> Request:
    """Return the request that brings a table to what dbt says of it.

    Args:
        table: As dbt describes it.
        fqn: What it is called in the catalog.
        row: What the catalog has of it.
        origins: Answers who wrote that.
        writer: This connector.
        owners: References to those of its owners that the catalog knows.
        dialect: sqlglot's, for types.
    """
    *above, name = names.split(fqn)
    request: Request = {
        "name": name,
        "databaseSchema": names.join(*above),
        "tableType": table.type,
        "viewDefinition": table.sql if table.type != "Regular" else None,
        "description": table.description,
        "tags": tag_references(table.tags),
        "owners": list(owners),
        "columns": _columns(table.columns, (row or {}).get("columns", ()), dialect),
    }
    if row is None or _holds(row, request):
        return request
    told = origins()
    if row.get("columns") and not (table.is_complete and is_own(told, writer)):
        request = _words_only(request, row["columns"])
    _yield_texts(request, row, told, writer)
    return request


def tag_references(tags: Iterable[str]) -> list[Request]:
    """References to dbt's tags."""
    return [
        {"type": "tag", "fullyQualifiedName": names.join(TAGS, normalize("NFC", tag))}
        for tag in tags
    ]


def schema_of(table: DbtTable, databases: Mapping[str, str]) -> tuple[str, str]:
    """The database and schema of a table as the catalog calls them."""
    database = databases.get(table.database, table.database) or "default"
    return database, table.schema


def _columns(
    columns: Sequence[DbtColumn], known: Sequence[Mapping[str, Any]], dialect: str | None
) -> list[Request]:
    there = [each["name"] for each in known]
    return [
        {
            "name": spelled(normalize("NFC", column.name), there),
            **type_fields(column.type, dialect),
            "ordinalPosition": position,
            "description": column.comment,
            "tags": tag_references(column.tags),
        }
        for position, column in enumerate(columns, start=1)
    ]


def _holds(stored: Any, asked: Any) -> bool:
    """Whether what is stored has all that is asked for."""
    if isinstance(asked, dict):
        if "fullyQualifiedName" in asked:  # a reference
            return bool(stored) and asked["fullyQualifiedName"] == stored["fullyQualifiedName"]
        return all(
            name == "databaseSchema" or _holds((stored or {}).get(name), value)
            for name, value in asked.items()
        )
    if isinstance(asked, list):
        stored = stored or []
        pairs = zip(stored, asked, strict=False)
        return len(stored) == len(asked) and all(_holds(*pair) for pair in pairs)
    return bool(stored == asked)


def is_own(origins: Origins, writer: str) -> bool:
    """Whether nobody else has said what a table consists of, or that there is one."""
    return all(
        each["writer"] == writer for each in origins if _attribute(each["field"]) not in _WORDS
    )


def _attribute(path: str) -> str:
    """The property of a table, or of its columns, that a path is about."""
    first, *below = names.split(path) if path else [""]
    return below[1] if first == "columns" and len(below) > 1 else first


def _words_only(request: Request, known: Sequence[Mapping[str, Any]]) -> Request:
    """The request without what the table consists of."""
    words = {each["name"]: each for each in request["columns"]}
    columns = []
    for column in known:
        mine = words.get(column["name"], {})
        told = {name: mine[name] for name in ("description", "tags") if name in mine}
        columns.append({"name": column["name"], "dataType": column["dataType"], **told})
    kept = ("name", "databaseSchema", "description", "tags", "owners")
    return {**{name: request[name] for name in kept}, "columns": columns}


def _yield_texts(request: Request, row: Mapping[str, Any], origins: Origins, writer: str) -> None:
    """Leave out descriptions where another's stands: two connectors would take turns."""
    by = {each["field"]: each["writer"] for each in origins}
    if row.get("description") and _writer(by, "description") != writer:
        request.pop("description", None)
    there = {each["name"]: each for each in row.get("columns", ())}
    for column in request["columns"]:
        path = f"columns.{names.quote(column['name'])}.description"
        if there.get(column["name"], {}).get("description") and _writer(by, path) != writer:
            column.pop("description", None)


def _writer(by: Mapping[str, str], path: str) -> str | None:
    """Who wrote what stands at a path: itself, or what it is in."""
    parts = names.split(path)
    for length in range(len(parts), 0, -1):
        found = by.get(names.join(*parts[:length]))
        if found is not None:
            return found
    return by.get("")
