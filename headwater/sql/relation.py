"""Tables and views as a database spells them, and what a view's columns are made from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view as its database spells it, with its columns in order.

    Attributes:
        row_id: The column of which SQLite's ``rowid`` is another name, empty where it is of none;
            None where that is not known.
        made: Where it is not there in the end as it is then: which of those it is.
    """

    schema: str
    name: str
    columns: tuple[str, ...]
    row_id: str | None = None
    made: int | None = None


Way = tuple[Relation, str | None]
"""A column, or, as None, any of a relation's: nobody knows which."""

Ways = dict[Way, bool]
"""Origins, and whether all ways from them lead through a masking function."""


def merged(found: Iterable[tuple[Way, bool]]) -> Ways:
    """All that is found, each once."""
    ways: Ways = {}
    for origin, hidden in found:
        ways[origin] = hidden and ways.get(origin, True)
    return ways


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

    @classmethod
    def of(cls, column: str, ways: Ways, function: str | None) -> Self:
        """Return what a column is made from, given its ways."""
        known = tuple((relation, each) for relation, each in ways if each is not None)
        perhaps = tuple(relation for relation, each in ways if each is None)
        masked = frozenset(way for way, hidden in ways.items() if hidden)
        return cls(column, known, function, masked, perhaps)

    @property
    def ways(self) -> Ways:
        """All that it is made from, for sure and perhaps."""
        every: list[Way] = [*self.origins, *((each, None) for each in self.perhaps)]
        return {way: way in self.masked for way in every}


@dataclass(frozen=True, slots=True)
class Note:
    """Something that could not be resolved, at a line of the view's SQL, counted from 1."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class ViewLineage:
    """What a view reads (``relations``), column by column where that is known.

    Attributes:
        texts: The statements that made what it reads and what is not there in the end.
    """

    relations: tuple[Relation, ...] = ()
    columns: tuple[ColumnLineage, ...] = ()
    notes: tuple[Note, ...] = ()
    texts: tuple[str, ...] = ()
