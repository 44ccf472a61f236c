"""Lineage of tables from files of SQL statements; each table's statements count together."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from glob import glob
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from sqlglot.dialects.dialect import Dialect

from headwater.connectors.run import Run
from headwater.connectors.sql_lineage import (
    STATEMENT,
    VIEW,
    LineageWriter,
    TargetEdges,
    open_columns,
)
from headwater.connectors.sql_request import Place
from headwater.sdk.lineage_calls import Edge
from headwater.sql.binding import fold
from headwater.sql.bygone import Bygone
from headwater.sql.mention import mentions
from headwater.sql.relation import Relation, ViewLineage
from headwater.sql.remade import pasts
from headwater.sql.rename import Past, Then, renamings
from headwater.sql.script import OpenError, Statement, split
from headwater.sql.statement import chosen_schema, feeds, kept_as
from headwater.sql.view_lineage import ViewReader

_NAME = r"[\w$.\"]+"
_DETACHES = re.compile(r"ALTER\s+TABLE\b[^;]*\bDETACH\s+PARTITION\b", re.IGNORECASE)
_FUNCTION = re.compile(rf"CREATE\s+(?:OR\s+REPLACE\s+)?FUNCTION\s+({_NAME})", re.IGNORECASE)
_FIRES = re.compile(
    rf"CREATE\b[^(]*\bTRIGGER\b.*\bEXECUTE\s+(?:FUNCTION|PROCEDURE)\s+({_NAME})",
    re.IGNORECASE | re.DOTALL,
)
_MAYBE_MADE = re.compile(r"CREATE\b[^(]*\bIF\s+NOT\s+EXISTS\b", re.IGNORECASE)
_MAKES_VIEW = re.compile(r"(?:CREATE|REPLACE)\b[^(]*?\bVIEW\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Script:
    """A file's statements, each with the schema that it chooses and what its names mean."""

    file: Path
    statements: list[Statement]
    chosen: list[str | None]
    readers: list[ViewReader]


@dataclass(slots=True)
class _Pair:
    function: str | None
    masked: bool


@dataclass(slots=True)
class _Fed:
    """What statements move from one table to another: their texts, and pairs of columns."""

    texts: list[str] = field(default_factory=list)
    pairs: dict[tuple[str, str], _Pair] = field(default_factory=dict)

    def add(self, start: str, end: str, pair: _Pair) -> None:
        if start == end:  # a value that stays where it is says nothing
            return
        before = self.pairs.setdefault((start, end), pair)
        if before is not pair:  # every way counts
            same = before.function == pair.function
            masked = before.masked and pair.masked
            self.pairs[start, end] = _Pair(pair.function if same else None, masked)

    def edge(self, start: str, end: str) -> Edge:
        lineage: list[dict[str, Any]] = []
        for (column, to), pair in self.pairs.items():
            said: dict[str, Any] = {"fromColumns": [column], "toColumn": to}
            said |= {"function": pair.function} if pair.function else {}
            lineage.append(said | ({"masking": True} if pair.masked else {}))
        details = {"sqlQuery": ";\n".join(self.texts), "columnsLineage": lineage}
        return f"table:{start}", f"table:{end}", details


class StatementLineage:
    """What files of SQL say of the tables of one database."""

    def __init__(
        self,
        run: Run,
        place: Place,
        reader: ViewReader,
        *,
        dialect: str,
        known: Collection[str],
        told: Mapping[Relation, str],
        passing: Collection[Relation],
        parts: Mapping[str, Collection[Relation]],
    ) -> None:
        """Take what is known of the database.

        Args:
            run: Where it is written and reported.
            place: Where the database is.
            reader: Of its tables and views.
            dialect: sqlglot's.
            known: Tables and views that the catalog has, by FQN.
            told: The SQL of views that the database tells: that counts, and not a file's.
            passing: Those of them that pass what is written to them on to what they read.
            parts: The partitions of tables, by the tables' FQN.
        """
        self._run = run
        self._place = place
        self._reader = reader
        self._dialect = Dialect.get_or_raise(dialect)
        self._known = known
        self._views = told
        self._passing = passing
        self._told = {self._fqn(view): text for view, text in told.items()}
        self._words: dict[Relation, set[str]] = {}
        """The names in the SQL of views."""
        self._parts = {**parts}
        self._bygone = Bygone(self._dialect)
        self._fed: dict[str, dict[str, dict[str, _Fed]]] = {STATEMENT: {}, VIEW: {}}
        self._bodies: dict[str, tuple[list[Relation], tuple[Relation, ...]]] = {}
        """What the bodies of functions name where they fill, and all that they name."""
        self._open: set[str] = set()
        self._all_open = False
        """Whether something was not understood whose target is not known."""

    def write(self, patterns: Iterable[str]) -> Collection[str]:
        """Read files and write what they say, in place of what they said before.

        Args:
            patterns: Files, folders, and patterns of both.

        Returns:
            What they make as views, by FQN.
        """
        scripts = [*filter(None, map(self._script, self._files(patterns)))]
        statements = [each for script in scripts for each in script.statements]
        places = [each.place_of for script in scripts for each in script.readers]
        thens = iter(renamings(statements, self._dialect, places))
        for script in scripts:
            self._read(script, [*islice(thens, len(script.statements))])
        # Tables that no statement fills any more are among the known, and lose what they had.
        for source, names in ((STATEMENT, self._known), (VIEW, self._fed[VIEW])):
            fed = self._fed[source]
            writer = LineageWriter(self._run, self._place, source=source)
            writer.replace(self._target(name, fed) for name in sorted(names))
        return self._fed[VIEW]

    def _target(self, name: str, fed: dict[str, dict[str, _Fed]]) -> TargetEdges:
        # A table of which no column is made from another of its own does not feed itself.
        sources = {at: fed for at, fed in fed.get(name, {}).items() if fed.pairs or at != name}
        edges = [each.edge(start, name) for start, each in sources.items()]
        return TargetEdges(name, edges, not self._all_open and name not in self._open)

    def _files(self, patterns: Iterable[str]) -> Iterator[Path]:
        found: dict[Path, None] = {}
        for pattern in patterns:
            # Path.glob takes no absolute pattern.
            paths = [Path(each) for each in sorted(glob(pattern, recursive=True))]  # noqa: PTH207
            if not paths:
                self._unreadable(pattern, "there is no such file")
            for path in paths:
                inside = sorted(path.rglob("*.sql")) if path.is_dir() else [path]
                if not inside:  # a checkout that failed, say: what was known stays
                    self._unreadable(str(path), "there is no .sql file in it")
                found.update(dict.fromkeys(inside))
        yield from found

    def _unreadable(self, name: str, reason: str) -> None:
        self._run.fail(name, reason)
        self._all_open = True

    def _script(self, file: Path) -> _Script | None:
        try:
            text = file.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            self._unreadable(str(file), str(reason))
            return None
        statements = [*split(text, self._dialect)]
        chosen = [None if each.fault else chosen_schema(each.sql) for each in statements]
        readers = [self._reader]
        for schema in chosen:
            readers.append(readers[-1].within(schema=schema) if schema is not None else readers[-1])
        return _Script(file, statements, chosen, readers[:-1])

    def _read(self, script: _Script, renamed: Sequence[Then]) -> None:
        statements, readers = script.statements, script.readers
        places = [each.place_of for each in readers]
        past = pairwise(pasts(statements, self._dialect, places, self._reader.knows))
        thens = [
            replace(then, past=before, past_after=after)
            for then, (before, after) in zip(renamed, past, strict=True)
        ]
        detached = [*map(self._detached, statements, readers)]
        for table, parts in filter(None, detached):  # up to there, they are parts
            self._parts[table] = [*self._parts.get(table, ()), *parts]
        reader = self._reader
        self._bygone.begin()
        lists = (statements, script.chosen, thens, detached)
        for statement, schema, then, parted in zip(*lists, strict=True):
            if parted:
                table, parts = parted
                self._parts[table] = [each for each in self._parts[table] if each not in parts]
            if schema is not None:
                reader = reader.within(schema=schema)
            else:
                reader = self._with_past(statement, reader.within(then=then), then)
                reader = reader.within(made=self._bygone.known(statement, reader))
                reader = self._follow(script.file, statement, reader)
        self._reader = self._reader.after(reader)

    def _detached(
        self, statement: Statement, reader: ViewReader
    ) -> tuple[str, list[Relation]] | None:
        """The table of which a statement makes a partition a table of its own, and that."""
        if not _DETACHES.match(statement.sql):
            return None
        _, named = reader.named(statement.sql)
        if len(named) != 2:
            return None
        table, part = named
        return self._fqn(table), [part, *self._parts.get(self._fqn(part), ())]

    def _with_past(self, statement: Statement, reader: ViewReader, then: Then) -> ViewReader:
        """A reader that knows what is behind all that is not there in the end as it is then."""
        if then.past.places:
            over = self._views_over(then.past)
            reader = reader.with_past(over)
            for view in over:
                _, named = reader.named(self._views[view], schema=view.schema)
                reader = reader.within(behind={view.name: named})
        filled, named = reader.named(statement.sql)
        lasting, meant = reader.at_the_end().named(statement.sql)
        if _MAYBE_MADE.match(statement.sql):  # or it was there
            named = (*named, *meant)
        elif _MAKES_VIEW.match(statement.sql):  # it reads what is there when it is read
            named = (*named, *(each for each in meant if each not in lasting.values()))
        return reader.within(behind={name: named for name in filled if reader.is_past(name)})

    def _views_over(self, past: Past) -> list[Relation]:
        """Views that read what is not there in the end as it is then, or others of them."""
        if not self._words:
            self._words = {
                view: {word for each in mentions(text, self._dialect) for word in each.names}
                for view, text in self._views.items()
            }
        names, found = {name for _, name in past.places}, list[Relation]()
        while more := [
            view for view, words in self._words.items() if view not in found and words & names
        ]:
            found += more
            names.update(fold(each.name, self._dialect) for each in more)
        return found

    def _follow(self, file: Path, statement: Statement, reader: ViewReader) -> ViewReader:
        """Follow a statement, and answer what reads those behind it in its file."""
        self._fire(file, statement, reader)
        try:
            tree, notes = self._bygone.take(statement, reader)
            for note in notes:
                self._run.leave_open(str(file), note.message, line=note.line)
            if kept := kept_as(tree):
                _, named = reader.named(statement.sql)
                _, name = reader.place_of(kept)
                reader = reader.within(behind={name: named} if named else {})
            for feed in feeds(tree):
                if reader.fills_past(feed.table):
                    continue
                # A view reads what is there when it is read.
                relation, lineage = (reader.within(made={}) if feed.is_view else reader).read_feed(
                    feed
                )
                lineage = self._bygone.composed(lineage)
                if not (lineage.relations or lineage.columns):
                    _, named = reader.named(statement.sql)
                    lineage = replace(lineage, relations=named)
                self._fill(file, statement, relation, lineage, is_view=feed.is_view)
        except OpenError as error:
            self._run.leave_open(str(file), error.message, line=error.line or statement.line)
            return self._leave_open(file, statement, reader)
        return reader

    def _fire(self, file: Path, statement: Statement, reader: ViewReader) -> None:
        """Take a trigger's table for what may fill what the body of its function fills."""
        found = _FIRES.match(statement.sql)
        filled, read = self._bodies.get(_last(found[1]) if found else "", ([], ()))
        if not filled:
            return
        _, named = reader.named(statement.sql)
        lineage = ViewLineage(tuple(dict.fromkeys((*named, *read))))
        for relation in filled:
            self._open.add(self._fqn(relation))
            self._fill(file, statement, relation, lineage)

    def _leave_open(self, file: Path, statement: Statement, reader: ViewReader) -> ViewReader:
        """Take all that a statement names for what may fill what it fills."""
        filled, named = reader.named(statement.sql)
        if found := _FUNCTION.match(statement.sql):
            body = [each for each in filled.values() if each is not None]
            self._bodies[_last(found[1])] = body, named
        unknown = [name for name, each in filled.items() if not each and not reader.is_past(name)]
        self._all_open |= not filled or bool(unknown)
        for relation in filled.values():
            if relation is None:
                continue
            if self._fqn(relation) not in self._told or not _MAKES_VIEW.match(statement.sql):
                self._open.add(self._fqn(relation))
                self._fill(file, statement, relation, ViewLineage(named))
        return reader.within(behind=dict.fromkeys(unknown, named))

    def _fill(
        self,
        file: Path,
        statement: Statement,
        relation: Relation,
        lineage: ViewLineage,
        *,
        is_view: bool = False,
    ) -> None:
        """Add what a statement moves into a table, and into the partitions that its rows go to."""
        name = self._fqn(relation)
        if name in self._told and lineage.relations and not is_view:
            self._fill_behind(file, statement, relation, lineage)
            return
        self._add(file, statement, relation, lineage, is_view=is_view)
        for part in self._parts.get(name, ()):
            columns = tuple(each for each in lineage.columns if each.column in part.columns)
            self._add(file, statement, part, replace(lineage, columns=columns, notes=()))
            if name in self._open:
                self._open.add(self._fqn(part))

    def _fill_behind(
        self, file: Path, statement: Statement, view: Relation, lineage: ViewLineage
    ) -> None:
        """Add what a statement writes to a view to the table behind it, or take all for filled."""
        if passed := self._passed(view, lineage):
            self._fill(file, statement, *passed)
            return
        message = f"where rows go that are written to {view.name}, a view, is not followed"
        self._run.leave_open(str(file), message, line=statement.line)
        behind = [view]
        for each in behind:
            named = self._reader.named(self._told.get(self._fqn(each), ""), schema=each.schema)[1]
            behind += [table for table in named if table not in behind]
        self._add(file, statement, view, ViewLineage(lineage.relations, notes=lineage.notes))
        for table in behind:
            if self._fqn(table) not in self._told:
                self._open.add(self._fqn(table))
                self._fill(file, statement, table, ViewLineage(lineage.relations))

    def _passed(self, view: Relation, lineage: ViewLineage) -> tuple[Relation, ViewLineage] | None:
        """What a view reads, and what its columns get that the view's are made from."""
        read = self._reader.read(view, self._views[view]) if view in self._passing else None
        if read is None or len(read.relations) != 1:
            return None
        (table,) = read.relations
        names = {
            column.column: column.origins[0][1]
            for column in read.columns
            if len(column.origins) == 1 and not (column.function or column.perhaps)
        }
        columns = tuple(
            replace(each, column=names[each.column])
            for each in lineage.columns
            if each.column in names
        )
        if not columns or len(columns) < len(lineage.columns):
            return None
        return table, replace(lineage, columns=columns)

    def _add(
        self,
        file: Path,
        statement: Statement,
        relation: Relation,
        lineage: ViewLineage,
        *,
        is_view: bool = False,
    ) -> None:
        name = self._fqn(relation)
        if name not in self._known or (is_view and name in self._told):
            return
        for note in lineage.notes:
            self._run.leave_open(str(file), note.message, line=note.line)
            self._open.add(name)
        self._run.report.columns += sum(1 for column in lineage.columns if column.origins)
        sources = self._fed[VIEW if is_view else STATEMENT].setdefault(name, {})
        for upstream in lineage.relations:
            start = self._fqn(upstream)
            if start not in self._known:
                continue
            fed = sources.setdefault(start, _Fed())
            texts = (*lineage.texts, statement.sql)
            fed.texts += [each for each in texts if each not in fed.texts]
            for column in lineage.columns or open_columns(relation.columns, upstream):
                to = self._fqn(relation, column.column)
                for origin in column.origins:
                    if origin[0] == upstream:
                        pair = _Pair(column.function, origin in column.masked)
                        fed.add(self._fqn(upstream, origin[1]), to, pair)
                if upstream in column.perhaps:
                    fed.add(start, to, _Pair(column.function, (upstream, None) in column.masked))

    def _fqn(self, relation: Relation, *column: str) -> str:
        now = (self._reader.renamed(relation, each) for each in column)
        return self._place.fqn(relation.schema, relation.name, *now)


def _last(name: str) -> str:
    """The last part of a name as a statement spells it, without case."""
    return name.rpartition(".")[2].strip('"').lower()
