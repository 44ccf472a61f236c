"""Which columns of the catalog the outputs of a query are made from. Loads sqlglot."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from headwater import names
from headwater.sql.dialect import grammar_of
from headwater.sql.relation import Relation
from headwater.sql.view_lineage import ViewReader
from headwater.tracking.catalog_match import Source

Find = Callable[[Sequence[str]], "Source | str"]
"""Answers the source of which a query has the names (schema, table), or why that is open."""

_PLACEHOLDER = re.compile(r"%\(\w+\)s|%s")


@dataclass(frozen=True, slots=True)
class Traced:
    """What a query reads.

    Attributes:
        sources: What it names.
        columns: FQNs of columns, by the output that is made from them.
        notes: What is open, and why.
    """

    sources: tuple[Source, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def trace(
    query: str, outputs: Sequence[str], find: Find, *, dialect: str | None, bound: bool = False
) -> Traced:
    """Return what a query reads.

    Args:
        query: SQL.
        outputs: What its result's columns are called, in order.
        find: See ``Find``.
        dialect: SQLAlchemy's name of what it is written in; None: not known.
        bound: Parameters are given, so that ``%s`` and ``%(name)s`` are places for them.
    """
    if bound:
        query = _PLACEHOLDER.sub("?", query).replace("%%", "%")
    reader = _QueryReader(find, dialect=(grammar_of(dialect) if dialect else None) or "")
    read = reader.read(Relation("", "the result", tuple(outputs)), query)
    columns = {
        each.column: tuple(
            names.child(reader.found[relation].fqn, column) for relation, column in each.origins
        )
        for each in read.columns
        if each.origins
    }
    sources = tuple(reader.found[relation] for relation in read.relations)
    # What is open because a table is not known follows from that.
    notes = reader.notes or [note.message for note in read.notes]
    return Traced(sources, columns, tuple(dict.fromkeys(notes)))


class _QueryReader(ViewReader):
    """Resolves queries against the catalog."""

    _what = "query"

    def __init__(self, find: Find, *, dialect: str) -> None:
        super().__init__((), dialect=dialect, database="", default_schema="")
        self._ask = find
        self.found: dict[Relation, Source] = {}
        self.notes: list[str] = []

    def _find(self, table: exp.Table, view: Relation) -> Sequence[Relation]:  # noqa: ARG002  (views')
        if not isinstance(table.this, exp.Identifier):
            self.notes.append(f"what {table.this.sql()} reads is not followed")
            return ()
        answer = self._ask([part.name for part in table.parts])
        if isinstance(answer, str):
            self.notes.append(answer)
            return ()
        # The whole name in place of a schema: two sources are never one relation.
        relation = Relation(answer.text, names.split(answer.fqn)[-1], answer.columns)
        self.found[relation] = answer
        return (relation,)

    def _in_order(self, view: Relation, body: exp.Query) -> Relation:
        """The result by the outputs' own names where a column became the index of the frame."""
        outputs = [each.alias_or_name for each in body.selects]
        if len(outputs) == len(view.columns) or max(Counter(outputs).values(), default=0) > 1:
            return view
        known = {self._fold(column): column for column in view.columns}
        return replace(view, columns=tuple(known.get(name, name) for name in outputs))
