"""Writing what views and filled tables are made from, in place of what was said before."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from headwater.connectors.run import Run
from headwater.connectors.sql_request import Place
from headwater.connectors.sql_source import SqlTable
from headwater.errors import ConflictError, InvalidInputError, NotFoundError
from headwater.sdk.lineage_calls import Edge
from headwater.sql.relation import ColumnLineage, Relation, ViewLineage

VIEW = "view"
STATEMENT = "sql"
_MOST_VIEWS = 200
_MOST_BYTES = 4_000_000  # the server takes 10 MB


@dataclass(frozen=True, slots=True)
class TargetEdges:
    """What one view or table is made from.

    Attributes:
        name: Its FQN.
        whole: All that it reads is known; what it read before, and no longer does, is closed.
    """

    name: str
    edges: list[Edge]
    whole: bool


class LineageWriter:
    """Writes the lineage of views, and reports it."""

    def __init__(
        self,
        run: Run,
        place: Place,
        *,
        source: str = VIEW,
        label: Callable[[SqlTable], str] | None = None,
    ) -> None:
        """Make it.

        Args:
            run: What it writes through.
            place: Where the tables are in the catalog.
            source: How the lineage is known.
            label: What a view is called in the report; its FQN unless given.
        """
        self._run = run
        self._place = place
        self._source = source
        self._label = label or (lambda view: place.fqn(view.schema, view.name))

    def write(self, views: Iterable[tuple[SqlTable, ViewLineage]], known: Collection[str]) -> None:
        """Write what views read.

        Args:
            known: Tables and views that the catalog has, by FQN.
        """
        self.replace((self._of(view, lineage, known) for view, lineage in views))

    def replace(self, targets: Iterable[TargetEdges]) -> None:
        """Write edges, by targets, in place of those that they had before."""
        for chunk in _chunks(targets):
            self._replace(chunk)

    def _of(self, view: SqlTable, lineage: ViewLineage, known: Collection[str]) -> TargetEdges:
        report, name = self._run.report, self._place.fqn(view.schema, view.name)
        for note in lineage.notes:
            self._run.leave_open(self._label(view), note.message, line=note.line)
        report.columns += sum(1 for column in lineage.columns if column.origins)
        edges: list[Edge] = []
        for relation in lineage.relations:
            upstream = self._place.fqn(relation.schema, relation.name)
            if upstream in known:  # the failure of any other is in the report
                pairs = self._pairs(view, relation, lineage)
                details = {"sqlQuery": view.definition, "columnsLineage": pairs}
                edges.append((f"table:{upstream}", f"table:{name}", details))
        if lineage.notes:  # a table that this run failed to read may be one of the view's
            whole = bool(edges) and not report.failed
        else:
            whole = len(edges) == len(lineage.relations)
        return TargetEdges(name, edges, whole)

    def _replace(self, views: Sequence[TargetEdges]) -> None:
        """Write the edges of some targets at once, or, where one is refused, one by one."""
        edges = [edge for view in views for edge in view.edges]
        targets = [f"table:{view.name}" for view in views if view.whole]
        if not (edges or targets):
            return
        try:
            self._run.replace_edges(edges, source=self._source, targets=targets)
        except (InvalidInputError, NotFoundError, ConflictError) as error:
            if len(views) == 1:
                self._run.fail(f"lineage of {views[0].name}", error.message)
                return
            for view in views:
                self._replace([view])

    def _pairs(
        self, view: SqlTable, relation: Relation, lineage: ViewLineage
    ) -> list[dict[str, Any]]:
        """Which columns of a relation make which columns of a view; perhaps any: the relation."""
        names = [column.name for column in view.columns]
        pairs: list[dict[str, Any]] = []
        for column in lineage.columns or open_columns(names, relation):
            about = {"function": column.function} if column.function else {}
            for masked in (False, True):
                origins = [
                    self._place.fqn(relation.schema, relation.name, origin)
                    for source, origin in column.origins
                    if source == relation and ((source, origin) in column.masked) == masked
                ]
                if relation in column.perhaps and ((relation, None) in column.masked) == masked:
                    origins.append(self._place.fqn(relation.schema, relation.name))
                if origins:
                    to = self._place.fqn(view.schema, view.name, column.column)
                    pair = {"fromColumns": origins, "toColumn": to, **about}
                    pairs.append(pair | ({"masking": True} if masked else {}))
        return pairs


def open_columns(names: Iterable[str], upstream: Relation) -> Iterator[ColumnLineage]:
    """Columns that may each have any of another table's."""
    for name in names:
        yield ColumnLineage(name, (), None, perhaps=(upstream,))


def _chunks(views: Iterable[TargetEdges]) -> Iterator[list[TargetEdges]]:
    """Cut views into lists that one exchange takes. One too large goes alone."""
    chunk: list[TargetEdges] = []
    size = 0
    for view in views:
        more = len(json.dumps(view.edges))
        if chunk and (len(chunk) == _MOST_VIEWS or size + more > _MOST_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(view)
        size += more
    if chunk:
        yield chunk
