"""Tables and views as a database spells them, and what a view's columns are made from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view as its database spells it, with its columns in order.

    Attributes:
        row_id: The column of which SQLite's ``rowid`` is another name, empty where it is of none;
            None where that is not known.
    """

    schema: str
    name: str
    columns: tuple[str, ...]
    row_id: str | None = None


@dataclass(frozen=True, slots=True)
class ColumnLineage:
    """What one column of a view is made from.

    Attributes:
        origins: Columns of the relations that the view names, each once.
        function: The SQL of the column when it is more than another column's value.
        masked: Those of the origins of which nothing can be told: every way from them to the column
            leads through a function that hashes or masks. With None for the column, of ``perhaps``.
        perhaps: Relations of which it may have any columns, too: nobody knows which, if any.
    """

    column: str
    origins: tuple[tuple[Relation, str], ...]
    function: str | None
    masked: frozenset[tuple[Relation, str | None]] = frozenset()
    perhaps: tuple[Relation, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """Something that could not be resolved, at a line of the view's SQL, counted from 1."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class ViewLineage:
    """What a view reads (``relations``), column by column where that is known."""

    relations: tuple[Relation, ...] = ()
    columns: tuple[ColumnLineage, ...] = ()
    notes: tuple[Note, ...] = ()
