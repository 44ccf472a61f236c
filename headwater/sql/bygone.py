"""What is not there in the end of a file as it is then, and what its columns are made from.

Tables of the session, and what the file drops or makes again. What is not followed for sure is left
out; who reads that takes it for perhaps made from all that fills it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, count

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.dialects.mysql import MySQL

from headwater.sql.composite import holds_parts
from headwater.sql.mention import mentions
from headwater.sql.relation import ColumnLineage, Note, Relation, ViewLineage, Ways, merged
from headwater.sql.rename import Place, table_renamings
from headwater.sql.rewrite import makes_rows
from headwater.sql.script import OpenError, Statement
from headwater.sql.statement import Feed, feeds, is_for_session, made_table
from headwater.sql.view_lineage import SESSION, ViewReader

_MOVE_NOTHING = (exp.Query, exp.Analyze, exp.Grant, exp.Describe, exp.Merge)
"""What changes no column of what it names, or, as MERGE, is told by its feeds."""
_FILLING = (exp.Insert, exp.Update, exp.Merge)
"""Each fills one table."""
_OTHER_COLUMNS = (exp.LikeProperty, exp.InheritsProperty, exp.PartitionedOfProperty)
"""What gives a table columns beside those that are listed."""
_MOST_TEXT = 20_000
"""Each edge carries them."""
_SNAPSHOTS = (exp.MaterializedProperty, exp.WithDataProperty)


@dataclass(frozen=True, slots=True)
class _Made:
    """A table, or a view with what it reads: that is read again when it is."""

    relation: Relation
    lineage: ViewLineage
    view: Feed | None = None


class Bygone:
    """What statements of a file know of what is not there in the end."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._numbers = count()
        self._tables: dict[Place, _Made] = {}
        self._lineages: dict[Relation, ViewLineage] = {}
        self._made: set[Place] = set()
        self._views: set[Place] = set()
        self._till_commit: set[Place] = set()
        self._doubtful: set[str] = set()
        """Names in statements that were not understood, which others may run."""

    def begin(self) -> None:
        """Begin a file."""
        self._tables = {}

    def known(self, statement: Statement, reader: ViewReader) -> Mapping[Place, Relation]:
        """Return what a statement may read, with its columns."""
        found = {place: made.relation for place, made in self._tables.items() if not made.view}
        for place, made, view in self._views_in(statement):
            again = reader.within(made=found).read_made(view)
            if again == made.lineage:  # what it reads is still so called
                found[place] = made.relation
                texts = self._lineages[made.relation].texts[-1:]  # what makes the view
                read = self.composed(again)
                self._lineages[made.relation] = replace(read, texts=(*read.texts, *texts))
        return found

    def composed(self, lineage: ViewLineage) -> ViewLineage:
        """Return a lineage with what is there in the end in place of what is not."""
        if not any(each in self._lineages for each in lineage.relations):
            return lineage
        relations = dict.fromkeys(
            each
            for relation in lineage.relations
            for each in (
                self._lineages[relation].relations if relation in self._lineages else [relation]
            )
        )
        columns = tuple(map(self._composed, lineage.columns))
        behind = [self._lineages[each] for each in lineage.relations if each in self._lineages]
        texts = _short(text for each in behind for text in each.texts)
        return replace(lineage, relations=tuple(relations), columns=columns, texts=texts)

    def _composed(self, column: ColumnLineage) -> ColumnLineage:
        ways = merged(
            ((relation, None if origin is None else name), hidden or behind)
            for (relation_made, origin), hidden in column.ways.items()
            for (relation, name), behind in self._behind(relation_made, origin).items()
        )
        function = column.function
        if function is None and len(column.ways) == 1:
            ((relation, name),) = column.ways
            inner = self._inner(relation, name) if name else []
            function = inner[0].function if inner else None
        return ColumnLineage.of(column.column, ways, function)

    def _behind(self, relation: Relation, column: str | None) -> Ways:
        """What a column, or all of a relation's, is made from: itself, where it is there."""
        if relation not in self._lineages:
            return {(relation, column): False}
        inner = self._inner(relation, column)
        return merged(way for each in inner for way in each.ways.items())

    def _inner(self, relation: Relation, column: str | None) -> list[ColumnLineage]:
        known = self._lineages[relation].columns if relation in self._lineages else ()
        return [each for each in known if column in (None, each.column)]

    def _views_in(self, statement: Statement) -> list[tuple[Place, _Made, Feed]]:
        """All views, with their queries, if a statement names one."""
        every = self._tables.items()
        views = [(place, made, made.view) for place, made in every if made.view]
        words = self._words(statement) if views else set()
        return views if any(place[1] in words for place, *_ in views) else []

    def _words(self, statement: Statement) -> set[str]:
        return {name for each in mentions(statement.sql, self._dialect) for name in each.names}

    def _doubt(self, statement: Statement) -> None:
        """Leave out what a statement may change that was not understood."""
        self._doubtful |= self._forget(statement)
        if not any(each.fills for each in mentions(statement.sql, self._dialect)):
            self._tables = {}

    def _forget(self, statement: Statement) -> set[str]:
        words = self._words(statement)
        self._tables = {at: made for at, made in self._tables.items() if at[1] not in words}
        return words

    def take(self, statement: Statement, reader: ViewReader) -> tuple[exp.Expr, Sequence[Note]]:
        """Take what a statement does.

        Args:
            statement: The statement.
            reader: What its names mean, what is ``known`` to it as well.

        Returns:
            The statement, parsed, and why what it makes for its session is not followed.

        Raises:
            OpenError: It is not understood, or makes something for its session, and nobody knows
                where.
        """
        try:
            tree = statement.parse(self._dialect)
        except OpenError:
            self._doubt(statement)
            raise
        try:
            fed = [*feeds(tree)]
        except OpenError:  # who follows it says so
            self._doubt(statement)
            return tree, ()
        return tree, self._take(statement, tree, fed, reader)

    def _take(
        self, statement: Statement, tree: exp.Expr, fed: Sequence[Feed], reader: ViewReader
    ) -> Sequence[Note]:
        if isinstance(tree, exp.Create) and tree.find(*_OTHER_COLUMNS):
            self._forget(statement)  # its rows may be those of another, too
        table = made_table(tree)
        place = reader.past_place(table, after=True) if table else None
        told = Note(
            statement.line, f"a temporary {tree.args.get('kind') or 'TABLE'} is not followed"
        )
        if table is not None and place is not None:
            stands = reader.was_there(place) and not tree.args.get("replace")
            notes = self._make(statement, place, tree, fed, reader, stands=stands)
            is_told = notes is None or place[0] != SESSION
            return () if is_told else notes or [told]
        if is_for_session(tree):
            raise OpenError(told.message)
        self._change(statement, tree, fed, reader, makes=table is not None)
        return ()

    def _change(
        self,
        statement: Statement,
        tree: exp.Expr,
        fed: Sequence[Feed],
        reader: ViewReader,
        *,
        makes: bool,
    ) -> None:
        """Take what a statement does to what it does not make; ``makes``: something of the end."""
        filled = [reader.past_place(feed.table, after=True) for feed in fed]
        places = {each for each in filled if each}
        if isinstance(tree, exp.Alter):
            self._rename(statement, reader)
        elif isinstance(tree, exp.Rollback):
            self._tables = {}
        elif isinstance(tree, exp.Commit):
            self._tables = {at: t for at, t in self._tables.items() if at not in self._till_commit}
        elif places & self._views or places - self._made:
            self._tables = {}  # where the rows go is not known
        elif places and isinstance(tree, _FILLING):
            self._fill(statement, places.pop(), tree, fed, reader)
        elif places or not (fed or makes or _moves_nothing(tree)):
            words = self._forget(statement)
            if isinstance(tree, exp.Create):  # a function, say: it does what it does later
                self._doubtful |= words

    def _rename(self, statement: Statement, reader: ViewReader) -> None:
        before = self._tables
        self._forget(statement)
        for pairs in table_renamings(statement, self._dialect):
            moved = [
                (reader.past_place(old), reader.past_place(new, after=True)) for old, new in pairs
            ]
            self._made.update(new for _, new in moved if new)
            self._views.update(new for old, new in moved if new and old in self._views)
            self._tables |= {new: before[old] for old, new in moved if new and old in before}

    def _make(
        self,
        statement: Statement,
        place: Place,
        tree: exp.Expr,
        fed: Sequence[Feed],
        reader: ViewReader,
        *,
        stands: bool,
    ) -> Sequence[Note] | None:
        """Take what is made; None: it is followed."""
        self._tables.pop(place, None)
        may_stand = tree.args.get("exists") and (place in self._made or place[0] != SESSION)
        self._made.add(place)
        ends = tree.find(exp.OnCommitProperty)
        if ends and ends.args.get("delete"):
            self._till_commit.add(place)
        is_view = any(each.is_view for each in fed)
        self._views = self._views | {place} if is_view else self._views - {place}
        if stands or may_stand or not place[0] or place[1] in self._doubtful:
            return ()
        if tree.find(*_SNAPSHOTS):
            return ()
        feed = fed[0] if fed else None
        if feed:
            lineage = reader.read_made(feed) if _is_plain(feed, tree) else ViewLineage()
        else:
            lineage = _empty(tree, reader)
        composed = self.composed(lineage)
        if not _is_whole(composed):
            return lineage.notes
        names = tuple(each.column for each in composed.columns)
        schema, name = place
        relation = Relation(schema, name, names, made=next(self._numbers))
        self._tables[place] = _Made(relation, lineage, feed if is_view else None)
        self._lineages[relation] = _told(composed, statement)
        return None

    def _fill(
        self,
        statement: Statement,
        place: Place,
        tree: exp.Expr,
        fed: Sequence[Feed],
        reader: ViewReader,
    ) -> None:
        made = self._tables.pop(place, None)
        if made is None or _reads_what_it_writes(tree, fed, self._dialect):
            return
        lineage = self._lineages[made.relation]
        for feed in fed:
            try:
                added = self.composed(reader.read_into(made.relation, feed))
            except OpenError:
                return
            if not (_is_whole(added) and _is_plain(feed, tree)):
                return
            lineage = _united(lineage, added, over=_is_total(tree))
        self._tables[place] = made
        self._lineages[made.relation] = _told(lineage, statement)


def _told(lineage: ViewLineage, statement: Statement) -> ViewLineage:
    return replace(lineage, texts=_short([*lineage.texts, statement.sql]))


def _short(texts: Iterable[str]) -> tuple[str, ...]:
    """Texts, each once, up to those that are too much."""
    once = dict.fromkeys(texts)
    length = accumulate(map(len, once))
    return tuple(text for text, so_far in zip(once, length, strict=True) if so_far <= _MOST_TEXT)


def _reads_what_it_writes(tree: exp.Expr, fed: Sequence[Feed], dialect: Dialect) -> bool:
    """Whether rows may be read that the statement has just written, or none of before is left."""
    if isinstance(tree, exp.Update):  # MySQL assigns one after the other
        return isinstance(dialect, MySQL) and len(tree.expressions) > 1
    return bool(tree.args.get("overwrite")) or (isinstance(tree, exp.Insert) and len(fed) > 1)


def _moves_nothing(tree: exp.Expr) -> bool:
    if isinstance(tree, exp.Insert):
        return tree.expression is None or isinstance(tree.expression, exp.Values)
    if isinstance(tree, exp.Delete):  # rows go, as by a condition
        return bool(tree.args.get("where"))
    if isinstance(tree, exp.Create):
        return str(tree.kind).upper() in ("INDEX", "SCHEMA")
    return isinstance(tree, _MOVE_NOTHING)


def _is_plain(feed: Feed, tree: exp.Expr) -> bool:
    """Whether a query gives one column for each output, and none with parts of its own."""
    if isinstance(tree, exp.Create) and tree.find(exp.ColumnDef):  # MySQL pairs them by name
        return False
    outputs = [each for query in feed.query.find_all(exp.Select) for each in query.selects]
    return not any(holds_parts(each) or any(map(makes_rows, each.walk())) for each in outputs)


def _is_total(tree: exp.Expr) -> bool:
    """Whether a statement gives every row of a table another value."""
    limits = ("where", "from_", "limit", "order", "with_")
    return isinstance(tree, exp.Update) and not any(tree.args.get(each) for each in limits)


def _empty(tree: exp.Expr, reader: ViewReader) -> ViewLineage:
    """The columns of a table that is made without rows, made from nothing."""
    listed = tree.this.expressions if isinstance(tree.this, exp.Schema) else []
    columns = [each for each in listed if isinstance(each, exp.ColumnDef)]
    constraints = [kind for each in columns for kind in each.args.get("constraints") or ()]
    if tree.find(*_OTHER_COLUMNS) or any(_computes(each) for each in constraints):
        return ViewLineage()
    names = [reader.place_of(exp.Table(this=each.this.copy()))[1] for each in columns]
    return ViewLineage((), tuple(ColumnLineage(name, (), None) for name in names))


def _computes(constraint: exp.Expr) -> bool:
    is_check = isinstance(constraint.args.get("kind"), exp.CheckColumnConstraint)
    return not is_check and constraint.find(exp.Column, exp.ComputedColumnConstraint) is not None


def _is_whole(lineage: ViewLineage) -> bool:
    names: Collection[str] = {each.column for each in lineage.columns}
    is_known = not lineage.notes and not any(each.perhaps for each in lineage.columns)
    return bool(names) and len(names) == len(lineage.columns) and is_known


def _united(before: ViewLineage, added: ViewLineage, *, over: bool) -> ViewLineage:
    """What a table's columns are made from when more is filled in, or, ``over``, other values."""
    new = {each.column: each for each in added.columns}
    columns = []
    for column in before.columns:
        more = new.get(column.column)
        if more is None or over:
            columns.append(more or column)
            continue
        ways = merged([*column.ways.items(), *more.ways.items()])
        told = {each.function for each in (column, more) if each.ways}
        columns.append(
            ColumnLineage.of(column.column, ways, told.pop() if len(told) == 1 else None)
        )
    relations = dict.fromkeys([*before.relations, *added.relations])
    texts = (*before.texts, *added.texts)
    return ViewLineage(tuple(relations), tuple(columns), texts=texts)
