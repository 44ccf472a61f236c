"""Lineage of columns of views and filled tables, from SQL and the columns of what it reads.

No database and no SDK here. Nothing is guessed: what the SQL and the known columns do not decide
becomes a note with its line.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from itertools import pairwise, zip_longest
from typing import ClassVar, NamedTuple, Self

from sqlglot import Token, TokenType, exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.dialects.oracle import Oracle
from sqlglot.dialects.snowflake import Snowflake
from sqlglot.dialects.sqlite import SQLite
from sqlglot.dialects.tsql import TSQL
from sqlglot.errors import ParseError
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers
from sqlglot.optimizer.qualify import qualify

from headwater.sql.binding import Bindings, fold, line_of, reads_itself, unknown
from headwater.sql.column_trace import Trace
from headwater.sql.lateral import bind_beside
from headwater.sql.masking import Masking
from headwater.sql.mention import mentions
from headwater.sql.relation import ColumnLineage, Note, Relation, ViewLineage
from headwater.sql.rename import Past, Place, Then
from headwater.sql.rewrite import (
    methods_as_functions,
    rows_as_queries,
    spelled_rows,
    tables_of_in,
    whole_windows,
)
from headwater.sql.script import TOO_DEEP, OpenError, first_line, parser
from headwater.sql.shadow import part_names
from headwater.sql.statement import Feed
from headwater.sql.system_column import bind_system_columns

_RECURSIVE_UNSAID = (SQLite, TSQL, Oracle, Snowflake)
"""A query of WITH that names itself is recursive there, with the word or without it."""
_BEFORE_ARGUMENT = (TokenType.COMMA, TokenType.L_PAREN)
_OWN_SCHEMAS = ("main", "system", "pg_catalog")
"""Where DuckDB has its functions."""
_RUNNING = frozenset(
    (
        *("query", "query_table"),  # DuckDB
        *("query_to_xml", "query_to_xmlschema", "query_to_xml_and_xmlschema", "cursor_to_xml"),
        *("table_to_xml", "table_to_xmlschema", "table_to_xml_and_xmlschema", "ts_stat"),
        *("crosstab", "dblink", "xpath_table"),  # extensions of PostgreSQL
    )
)
"""Functions that read what a text names: a query, or a table."""
SESSION = "?session"
"""No schema is called so: that of what a session has for itself."""
_MOST_DEPTH = 2_000
"""How deep a query may be; sqlglot's time grows with the square. SQLite and DuckDB take half."""


class _Query(NamedTuple):
    body: exp.Query
    names_outputs: bool
    """Whether the view has a column list of its own (``CREATE VIEW v (a, b) AS``)."""
    named: bool = False
    """Whether every output must have its column's name, and not only those of a star."""
    makes: bool = False
    """Whether the columns are the outputs, by their names."""
    what: str = "view"
    """What messages call it."""


class ViewReader:
    """Resolves views against the tables and views of one database."""

    _what: ClassVar[str] = "view"
    """What messages call that which is read."""

    def __init__(
        self,
        relations: Iterable[Relation],
        *,
        dialect: str,
        database: str,
        default_schema: str,
        masking: Masking | None = None,
    ) -> None:
        self._dialect = Dialect.get_or_raise(dialect)
        self._masking = masking or Masking()
        self._database = self._fold(database)
        self._default_schema = self._fold(default_schema)
        self._behind: Mapping[str, frozenset[Relation]] = {}
        self._then = Then()
        self._made: Mapping[Place, Relation] = {}
        self._relations: dict[tuple[str, str], list[Relation]] = {}
        for relation in relations:
            key = (self._fold(relation.schema), self._fold(relation.name))
            self._relations.setdefault(key, []).append(relation)

    def within(
        self,
        *,
        schema: str | None = None,
        behind: Mapping[str, Iterable[Relation]] | None = None,
        then: Then | None = None,
        made: Mapping[Place, Relation] | None = None,
    ) -> Self:
        """Return a reader for which names without a schema mean others.

        Args:
            schema: Where they are looked up; the default schema unless given. A database of that
                name is the reader's own, where no schema has it.
            behind: Of what is not known, by folded name: what it may be made from.
            then: What names mean that are given to others later, or to what is gone then.
            made: Of what is not there in the end, by ``past_place``: that of which it is known what
                it is made from.
        """
        reader = copy(self)
        if schema is not None:
            name = self._fold(schema)
            is_schema = any(place == name for place, _ in self._relations)
            if is_schema or name != self._database:
                reader._default_schema = name
        added = {
            name: self._behind.get(name, frozenset()).union(relations)
            for given, relations in (behind or {}).items()
            for name in self._then.names(given)
        }
        reader._behind = {**self._behind, **added}
        reader._then = self._then if then is None else then
        reader._made = self._made if made is None else made
        return reader

    def after(self, other: Self) -> Self:
        """Return a reader for which what is behind names that are not known is as for another."""
        reader = copy(self)
        reader._behind = other._behind
        return reader

    def is_past(self, name: str) -> bool:
        """Whether what a statement fills under a name, folded, may not be there in the end."""
        return self._then.past_after.has(name)

    def fills_past(self, table: exp.Table) -> bool:
        """Whether a table that a statement fills is not there in the end."""
        return self.past_place(table, after=True) is not None

    def past_place(self, table: exp.Table, *, after: bool = False) -> Place | None:
        """Return where a table is that is not there in the end; None for one that is.

        Args:
            table: As a statement names it.
            after: Whether that counts what the statement does.
        """
        past, place = self._then.past_after if after else self._then.past, self.place_of(table)
        if isinstance(self._dialect, TSQL):
            is_own = bool(
                isinstance(table.this, exp.Identifier) and table.this.args.get("temporary")
            )
        else:
            is_own = not table.db and place[1] in past.names
        if is_own:
            return SESSION, place[1]
        return place if place in past.places else None

    def was_there(self, place: Place) -> bool:
        """Whether a ``past_place`` is one before a statement."""
        past = self._then.past
        return place in past.places or (place[0] == SESSION and place[1] in past.names)

    def knows(self, place: Place) -> bool:
        """Whether the end has something in a place."""
        return place in self._relations

    def with_past(self, views: Iterable[Relation]) -> Self:
        """Return a reader for which views, too, are not there in the end as they are then."""
        places = {(self._fold(each.schema), self._fold(each.name)) for each in views}
        return self.within(then=self._then.with_past(places))

    def at_the_end(self) -> Self:
        """Return a reader for which all names mean what they mean in the end."""
        return self.within(then=replace(self._then, past=Past(), past_after=Past()))

    def place_of(self, table: exp.Table) -> Place:
        """Return the schema and name of a table that a statement names, folded."""
        named = normalize_identifiers(table.copy(), dialect=self._dialect)
        return named.db or self._default_schema, named.name

    def read(self, view: Relation, sql: str) -> ViewLineage:
        """Return what the view reads. SQL that is not understood gives notes, never an error.

        Then what its text names stands for what it reads.
        """
        try:
            query = self._parse(sql)
            lineage = self._resolve(view, query, view=view) if query else _nothing("not a query")
        except ParseError as error:
            at = error.errors[0] if error.errors else {}
            reason = str(at.get("description") or "syntax error")
            lineage = _nothing(reason, line=at.get("line") or 1)
        except Exception as error:  # noqa: BLE001 - see _resolve
            lineage = _nothing(first_line(error))
        if lineage.notes and not lineage.relations:
            _, read = self.named(sql, schema=view.schema)
            others = tuple(each for each in read if each != view)
            lineage = replace(lineage, relations=others)
        return lineage

    def named(
        self, sql: str, *, schema: str | None = None
    ) -> tuple[dict[str, Relation | None], tuple[Relation, ...]]:
        """Return what a text that is not understood names where it fills, and all that it names.

        Args:
            sql: The text.
            schema: Where names without a schema are looked up, beside the default schema.

        Returns:
            What is filled, by name, with None for what is not known; and relations, each once.
        """
        places = dict.fromkeys((self._fold(schema or ""), self._default_schema))
        filled: dict[str, Relation | None] = {}
        read: dict[Relation, None] = {}
        for names, fills in mentions(sql, self._dialect):
            past = self._then.past_after if fills else self._then.past
            keys = [*pairwise(names)][: 2 if names[0] == self._database else 1]
            if names[0] not in past.names:
                keys += [(place, names[0]) for place in places]
            meant = [each for key in keys for each in self._standing(key, past)]
            if fills:
                filled[names[-1]] = meant[0] if meant else None
            read |= dict.fromkeys([*meant, *self._behind.get(names[-1], ())])
        return filled, tuple(read)

    def read_feed(self, feed: Feed) -> tuple[Relation, ViewLineage]:
        """Return the table that a statement fills, and what its columns are made from.

        Names without a schema are those of the default schema.

        Raises:
            OpenError: The table, or a column that is filled, is not known.
        """
        named = normalize_identifiers(feed.table.copy(), dialect=self._dialect)
        statement = Relation(self._default_schema, "", ())  # in place of the view
        behind = self.within(then=replace(self._then, past=self._then.past_after), made={})
        meant = behind._find(named, statement)
        if len(meant) != 1:
            reason = unknown(feed.table, meant, self._dialect)
            raise OpenError(reason, line_of(feed.table))
        (relation,) = meant
        return relation, self.read_into(relation, feed)

    def read_into(self, relation: Relation, feed: Feed) -> ViewLineage:
        """Return what the columns of a table are made from that a statement fills.

        Raises:
            OpenError: A column that is filled is not known.
        """
        statement = Relation(self._default_schema, "", ())  # in place of the view
        filled = Relation(relation.schema, relation.name, self._filled(relation, feed))
        query = _Query(feed.query, not feed.named, named=feed.named, what="statement")
        return self._resolve(filled, query, view=statement)

    def read_made(self, feed: Feed) -> ViewLineage:
        """Return what the columns are made from of a table that is not there in the end."""
        named = [
            normalize_identifiers(each.copy(), dialect=self._dialect) for each in feed.columns or ()
        ]
        filled = Relation("", feed.table.name, tuple(each.name for each in named))
        query = _Query(feed.query.copy(), not feed.named, makes=feed.named, what="statement")
        return self._resolve(filled, query, view=Relation(self._default_schema, "", ()))

    def _filled(self, relation: Relation, feed: Feed) -> tuple[str, ...]:
        if feed.columns is None:
            return relation.columns
        columns = []
        for given in feed.columns:
            name = normalize_identifiers(given.copy(), dialect=self._dialect).name
            meant = [column for column in relation.columns if self._fold(column) == name]
            if len(meant) != 1:
                raise OpenError(f"{name} is not one column of {relation.name}", line_of(given))
            columns += meant
        return tuple(columns)

    def _find(self, table: exp.Table, view: Relation) -> Sequence[Relation]:
        """Return what a folded table name in a view's SQL may mean.

        A name without a schema is looked up in the view's own and in the default schema; found in
        both, it is open, because the search path of the view's author is not known.
        """
        if table.catalog and table.catalog != self._database:
            return ()
        past, gone = self._then.past, self.past_place(table)
        if gone is not None:
            return [self._made[gone]] if gone in self._made else ()
        schemas = [table.db] if table.db else [self._fold(view.schema), self._default_schema]
        found = [each for schema in schemas for each in self._standing((schema, table.name), past)]
        return [each for each in dict.fromkeys(found) if each != view]

    def renamed(self, relation: Relation, column: str) -> str:
        """Return what a column that a statement names is called in the end."""
        place = self._fold(relation.schema), self._fold(relation.name)
        named = (relation.schema, relation.name)
        (now,) = (each for each in self._relations[place] if (each.schema, each.name) == named)
        return now.columns[relation.columns.index(column)]

    def _standing(self, place: Place, past: Past) -> list[Relation]:
        """What stands in a place; what had a name before another got it goes on under that."""
        if place in past.places:
            return []
        found = self._relations.get(self._then.place(place)) or self._relations.get(place, [])
        return [self._then.as_then(each, self._fold) for each in found]

    def _parse(self, sql: str) -> _Query | None:
        tokens = self._dialect.tokenize(sql)
        if isinstance(self._dialect, DuckDB):
            tokens = [*_bare_lambdas(tokens)]
        start, names_outputs = _header(tokens)
        trees = parser(self._dialect).parse(tokens[start:], sql)
        tree = trees[0] if trees else None
        tree = spelled_rows(tree) if isinstance(tree, exp.Values) else tree
        body = tree.unnest() if isinstance(tree, exp.Query) else None
        if not isinstance(body, exp.Query):
            return None
        return _Query(body.copy(), names_outputs, what=self._what)

    def _resolve(self, filled: Relation, query: _Query, *, view: Relation) -> ViewLineage:
        if _depth(query.body) > _MOST_DEPTH:
            return _nothing(TOO_DEEP, line=line_of(query.body))
        read, perhaps = tuple[Relation, ...](), tuple[Relation, ...]()
        found: tuple[Note, ...] = ()
        # sqlglot answers unusual SQL with more than its own errors (KeyError, RecursionError), and
        # one view must not end a run.
        try:
            body = self._rewritten(query.body)
            starred = any(select.is_star for select in body.selects) and not query.names_outputs
            bindings = Bindings(
                body, self._dialect, lambda table: self._find(table, view), self._read_by(body)
            )
            read, found = tuple(dict.fromkeys(bindings.relations.values())), tuple(bindings.notes)
            perhaps = bindings.perhaps
            columns, notes = self._columns(
                filled, body, bindings, query, named=starred or query.named
            )
        except Exception as error:  # noqa: BLE001 - see above
            columns, notes = (), (_unread(first_line(error), line=line_of(query.body)),)
        read = perhaps if found or notes else read
        return ViewLineage(read, columns, tuple(dict.fromkeys((*found, *notes))))

    def _read_by(self, body: exp.Query) -> Mapping[str, Collection[Relation]]:
        """What functions read, those among them that the query itself gives SQL or a name to."""
        found: dict[str, Collection[Relation]] = {**self._behind}
        for node in body.find_all(exp.Anonymous):
            name = node.name.lower()
            if name in _RUNNING:
                texts = [each.name for each in node.find_all(exp.Literal) if each.is_string]
                read = [each for text in texts for each in self.named(text)[1]]
                found[name] = [*found.get(name, ()), *read]
        return found

    def _rewritten(self, query: exp.Query) -> exp.Query:
        """A query with its names folded, and plain queries in place of what sqlglot looks past."""
        body = normalize_identifiers(query, dialect=self._dialect)
        rows_as_queries(body, self._dialect)
        whole_windows(body)
        if isinstance(self._dialect, SQLite):
            tables_of_in(body)
        if isinstance(self._dialect, DuckDB):
            schemas = (place for place, _ in self._relations)
            methods_as_functions(body, {*_OWN_SCHEMAS, self._database, *schemas})
        if isinstance(self._dialect, _RECURSIVE_UNSAID):
            for each in body.find_all(exp.With):
                each.set("recursive", any(map(reads_itself, each.expressions)))
        return body

    def _columns(
        self, view: Relation, body: exp.Query, bindings: Bindings, query: _Query, *, named: bool
    ) -> tuple[tuple[ColumnLineage, ...], tuple[Note, ...]]:
        bind_system_columns(body, bindings)
        part_names(body, bindings)
        if isinstance(self._dialect, DuckDB):
            bind_beside(body, bindings)
        body = qualify(
            body,
            dialect=self._dialect,
            schema=bindings.schema(),
            validate_qualify_columns=False,
            allow_partial_qualification=True,  # a column that is not there is one column's fault
            identify=False,
        )
        if query.makes:
            view = replace(view, columns=tuple(each.alias_or_name for each in body.selects))
        view = self._in_order(view, body)
        fault = self._misaligned(view, body, named=named)
        if fault:
            return (), (Note(line_of(body), fault),)
        trace = Trace(body, bindings, self._masking, what=query.what)
        columns = tuple(trace.column(name, index) for index, name in enumerate(view.columns))
        return columns, tuple(trace.notes)

    def _in_order(self, view: Relation, body: exp.Query) -> Relation:  # noqa: ARG002  (dbt's asks)
        """The view with its columns in the order of the query's outputs: as they are in views."""
        return view

    def _fold(self, name: str) -> str:
        return fold(name, self._dialect)

    def _misaligned(self, view: Relation, body: exp.Query, *, named: bool) -> str | None:
        """Why outputs and the view's columns cannot be paired by position, or None."""
        outputs = body.selects
        if not view.columns:
            return f"the columns of {view.name} are not known"
        if any(output.is_star for output in outputs):
            return "a star cannot be expanded, because the columns behind it are not known"
        if len(outputs) != len(view.columns):
            return f"the SQL has {len(outputs)} outputs, {view.name} {len(view.columns)} columns"
        if not named:
            return None
        for output, column in zip(outputs, view.columns, strict=True):
            # Databases number a repeated name: id:1 (SQLite), id_1 (DuckDB).
            names = {self._fold(column), self._fold(re.sub(r"[:_]\d+$", "", column))}
            name = output.alias_or_name
            if name not in names and not name.startswith("_col_"):
                return f"the SQL gives {name!r} where {view.name} has {column!r}"
        return None


def _header(tokens: Sequence[Token]) -> tuple[int, bool]:
    """How many tokens are before the query (``CREATE VIEW … AS``); whether they name columns.

    Parsed as a whole, a statement that sqlglot does not know becomes a command without a fault
    or a line.
    """
    if not tokens or tokens[0].token_type is not TokenType.CREATE:
        return 0, False
    depth, names_outputs = 0, False
    for at, token in enumerate(tokens):
        if token.token_type is TokenType.L_PAREN:
            depth, names_outputs = depth + 1, True
        elif token.token_type is TokenType.R_PAREN:
            depth -= 1
        elif token.token_type is TokenType.ALIAS and depth == 0:
            return at + 1, names_outputs
    return 0, False


def _bare_lambdas(tokens: Sequence[Token]) -> Iterator[Token]:
    """Tokens without the parentheses that DuckDB prints around a lambda; sqlglot takes none."""
    dropped: list[bool] = []
    before: Token | None = None
    for token, following in zip_longest(tokens, tokens[1:]):
        drops = False
        if token.token_type is TokenType.L_PAREN:
            is_argument = before is not None and before.token_type in _BEFORE_ARGUMENT
            drops = is_argument and following is not None and following.text.upper() == "LAMBDA"
            dropped.append(drops)
        elif token.token_type is TokenType.R_PAREN and dropped:
            drops = dropped.pop()
        if not drops:
            yield token
        before = token


def _depth(query: exp.Query) -> int:
    """How many levels the tree of a query has."""
    levels = {id(query.parent): 0}
    for node in query.walk():  # what is above comes first
        levels[id(node)] = levels[id(node.parent)] + 1
    return max(levels.values())


def _nothing(reason: str, *, line: int = 1) -> ViewLineage:
    return ViewLineage(notes=(_unread(reason, line=line),))


def _unread(reason: str, *, line: int = 1) -> Note:
    return Note(line, f"the SQL cannot be resolved: {reason}")
