"""What a dbt model's columns are made from, by its compiled SQL and the columns of what it reads.

No SDK here. dbt fills tables by the names of a query's outputs, not by their places; and a model
may read other databases than its own, and, where it is incremental, itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlglot import exp

from headwater.sql.relation import ColumnLineage, Note, Relation, ViewLineage
from headwater.sql.view_lineage import ViewReader


class ModelReader(ViewReader):
    """Resolves models against the tables of a project.

    A relation's ``schema`` is ``place(database, schema)``.
    """

    _what = "model"

    def __init__(self, relations: Iterable[Relation], *, dialect: str) -> None:
        super().__init__((), dialect=dialect, database="", default_schema="")
        self._known: dict[tuple[str, str], list[Relation]] = {}
        for relation in relations:
            key = (relation.schema.casefold(), relation.name.casefold())
            self._known.setdefault(key, []).append(relation)

    def model(self, model: Relation, sql: str, reads: Iterable[Relation]) -> ViewLineage:
        """Return what a model is made from.

        Args:
            model: Its table, with the columns that the catalog has.
            sql: As dbt compiled it.
            reads: What it depends on, as dbt says: tables that the SQL does not tell are read as
                a whole.
        """
        read = self.read(model, sql)
        columns = tuple(
            _without_itself(column, model)
            for column in read.columns
            if column.column in model.columns
        )
        lost = [each.column for each in read.columns if each.column not in model.columns]
        notes = [Note(1, f"{name} is not a column of the table") for name in lost]
        relations = dict.fromkeys([*read.relations, *reads])
        if not any(model in _sources(each) for each in columns):
            relations.pop(model, None)
        return ViewLineage(tuple(relations), columns, (*read.notes, *notes))

    def _find(self, table: exp.Table, view: Relation) -> Sequence[Relation]:
        database, schema = split(view.schema)
        at = place(table.catalog or database, table.db or schema).casefold()
        return self._known.get((at, table.name.casefold()), [])

    def _in_order(self, view: Relation, body: exp.Query) -> Relation:
        outputs = [each.alias_or_name for each in body.selects]
        if any(each.is_star for each in body.selects) or max(Counter(outputs).values()) > 1:
            return view
        known = {self._fold(column): column for column in view.columns}
        return replace(view, columns=tuple(known.get(name, name) for name in outputs))


def place(database: str, schema: str) -> str:
    """Where a table is, as one text."""
    return f"{database}\n{schema}"


def split(text: str) -> tuple[str, str]:
    """The database and schema of a ``place``."""
    database, _, schema = text.partition("\n")
    return database, schema


def _without_itself(column: ColumnLineage, model: Relation) -> ColumnLineage:
    """A column's lineage without its own values of before: that says nothing."""
    origins = tuple(each for each in column.origins if each != (model, column.column))
    return replace(column, origins=origins)


def _sources(column: ColumnLineage) -> list[Relation]:
    return [*(relation for relation, _ in column.origins), *column.perhaps]
