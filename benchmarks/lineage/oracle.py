"""What data says a view's columns are made from: change a column, see which outputs differ."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Timer
from typing import Any

import duckdb
from sqlglot import exp, parse_one

from benchmarks.lineage.corpus import Corpus
from benchmarks.lineage.twin import TWIN, NotTwinnedError, twin

Edge = tuple[str, str]
"""An output, as the caller calls it; a source's ``table.column``."""

_SECONDS = 5
_CHANGES = ("other", "shifted", "gone")


@dataclass
class Answer:
    """What was found of one query.

    Attributes:
        rows: How many the query gave; conditions are left out where it gave too few.
        slow: How often it was given up.
    """

    rows: int = 0
    slow: int = 0
    edges: set[Edge] = field(default_factory=set)


class Oracle:
    """Changes the columns of a corpus' tables, one at a time."""

    def __init__(self, corpus: Corpus) -> None:
        self._connection = corpus.connection
        self._tables = corpus.tables
        run = self._connection.execute
        run("SET threads = 1")
        run("SET scalar_subquery_error_on_multiple_rows = false")
        run("CREATE SCHEMA twins")
        run("CREATE SCHEMA changed")
        for table, columns in corpus.tables.items():
            made = [f"{column}, {_changed(column, kind)}" for column, kind in columns.items()]
            run(
                f"CREATE TABLE changed.{table} AS SELECT {', '.join(made)} FROM main.{table}"
            )  # names of the schema
            self._show(table)

    def ask(self, sql: str, outputs: Sequence[str], claimed: Collection[Edge] = ()) -> Answer:
        """Return which outputs of a query differ from their twins, for each changed column.

        Args:
            sql: The query.
            outputs: What to call its outputs.
            claimed: Edges to look harder for: while one is not confirmed, fewer conditions are
                kept, so that more rows are seen, and columns are changed in more ways.
        """
        query = parse_one(sql, dialect="duckdb").assert_is(exp.Query)
        answer = Answer()
        for keep in _KEPT:
            missing = set(claimed) - answer.edges
            if answer.rows and not missing:
                break
            doubled = twin(query, keep=keep).sql(dialect="duckdb")
            # Every column, the first time that there are rows; then only what is still missing.
            columns = {edge[1] for edge in missing} if answer.rows else set(self._named(sql))
            try:
                (rows,) = self._timed(f"SELECT count(*) FROM ({doubled})")  # the query under test
                answer.rows = max(answer.rows, int(rows))
                if rows:
                    check = self._check(doubled)
                    answer.edges.update(self._edges(check, columns, outputs, missing))
            except duckdb.InterruptException:
                answer.slow += 1
        return answer

    def _named(self, sql: str) -> Iterator[str]:
        """The columns that a query can see: it names them, or has a star."""
        words = set(re.findall(r"\w+", sql.lower()))
        stars = re.search(r"(select|distinct|,|\.)\s*\*", sql.lower()) is not None
        for table, columns in self._tables.items():
            for column in columns if table in words else ():
                if stars or column in words:
                    yield f"{table}.{column}"

    def _edges(
        self, check: str, columns: Collection[str], outputs: Sequence[str], missing: set[Edge]
    ) -> Iterator[Edge]:
        if any(self._timed(check)):
            raise NotTwinnedError("outputs differ though nothing was changed")
        for source in sorted(columns):
            table, _, column = source.partition(".")
            wanted = {edge for edge in missing if edge[1] == source}
            for change in _CHANGES:
                if change == _CHANGES[0] or wanted:
                    found = {
                        (output, source)
                        for output in self._differing(check, table, column, change, outputs)
                    }
                    wanted -= found
                    yield from found
            self._show(table)

    def _differing(
        self, check: str, table: str, column: str, change: str, outputs: Sequence[str]
    ) -> list[str]:
        self._show(table, column, change)
        try:
            differs = self._timed(check)
        except duckdb.InterruptException:
            raise
        except duckdb.Error:  # the changed value is none for the query, as too large a number
            return []
        return [output for output, each in zip(outputs, differs, strict=True) if each]

    def _check(self, doubled: str) -> str:
        """A query that says of each output whether any row differs from its twin."""
        self._connection.execute("USE memory.twins")
        described = self._connection.execute(f"DESCRIBE {doubled}").fetchall()
        names = [row[0] for row in described]
        free = list(range(len(names)))
        pairs: list[tuple[int, int]] = []
        for at, name in enumerate(names):
            if at in free and not _is_twin(name):
                other = next(
                    n for n in free if _is_twin(names[n]) and _base(names[n]) == _base(name)
                )
                free.remove(at)
                free.remove(other)
                pairs.append((at, other))
        columns = ", ".join(f"c{at}" for at in range(len(names)))
        tests = ", ".join(f"bool_or(c{a} IS DISTINCT FROM c{b})" for a, b in pairs)
        return f"SELECT {tests} FROM ({doubled}) AS r({columns})"  # the query under test

    def _timed(self, sql: str) -> tuple[Any, ...]:
        timer = Timer(_SECONDS, self._connection.interrupt)
        timer.start()
        try:
            self._connection.execute("USE memory.twins")
            row = self._connection.execute(sql).fetchone()
            return row or ()
        finally:
            timer.cancel()

    def _show(self, table: str, column: str = "", change: str = "") -> None:
        """Let queries see a table's columns and twins, one column changed."""
        columns = [
            f"{each}__{change} AS {each}" if each == column else each
            for each in self._tables[table]
        ]
        twins = [f"{each} AS {each}{TWIN}" for each in self._tables[table]]
        self._connection.execute(
            f"CREATE OR REPLACE VIEW twins.{table} AS"
            f" SELECT {', '.join(columns + twins)} FROM memory.changed.{table}"
        )


def _changed(column: str, kind: str) -> str:
    """The changed values: one that no row has, the next that one has, none in some rows."""
    other = {
        "string": f"coalesce(reverse({column}), '') || '~'",
        "date": f"coalesce({column} + 400, DATE '2000-01-01')",
    }.get(kind, f"coalesce({column} * 3, 0) + 7")
    following = f"(ORDER BY {column} GROUPS BETWEEN 1 FOLLOWING AND 1 FOLLOWING)"
    return (
        f"CAST({other} AS {kind}) AS {column}__other,"
        f" coalesce(first_value({column}) OVER {following}, min({column}) OVER ())"
        f" AS {column}__shifted,"
        f" CASE WHEN rowid % 3 > 0 THEN {column} END AS {column}__gone"
    )


def _is_twin(name: str) -> bool:
    return TWIN in name


def _base(name: str) -> str:
    return name.replace(TWIN, "").lower()


def _is_join(condition: exp.Expr) -> bool:
    return (
        isinstance(condition, exp.EQ)
        and isinstance(condition.left, exp.Column)
        and isinstance(condition.right, exp.Column)
    )


_KEPT: tuple[Callable[[exp.Expr], bool], ...] = (
    lambda _: True,
    lambda condition: isinstance(condition, exp.EQ) and not condition.find(exp.Query),
    _is_join,
)
