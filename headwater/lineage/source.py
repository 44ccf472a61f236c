"""Feature sources in documents, and the columns that they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from headwater.lineage.kind import COLUMN, UNRESOLVED
from headwater.names import child, part_id, quote
from headwater.store.base import Store
from headwater.store.draft import Document


@dataclass(slots=True)
class Source:
    """A feature source in a document, with the feature that it stands in."""

    feature: Document
    source: Document

    @property
    def table_id(self) -> str | None:
        """The entity whose column it is, as far as that is said."""
        table = self.source.get("dataSource")
        return table["id"] if table else None

    @property
    def key(self) -> tuple[str, str, str | None]:
        """What makes it the same source in another state of the document."""
        return self.feature["name"], self.source["name"], self.table_id

    def resolve(self, column_id: str, fqn: str) -> None:
        """Point the source to a column, for good."""
        self.source |= {"columnId": column_id, "fullyQualifiedName": fqn}

    def names(self) -> list[str]:
        """FQNs that the column may have: named literally, or by a path into structs."""
        table, name = self.source["dataSource"]["fullyQualifiedName"], self.source["name"]
        return list(dict.fromkeys([child(table, name), f"{table}.{name}"]))


def sources_of(document: Document) -> Iterator[Source]:
    """Every feature source in a document."""
    for feature in document.get("mlFeatures", ()):
        for source in feature.get("featureSources", ()):
            yield Source(feature, source)


def tie(store: Store, waiting: list[Source]) -> list[Source]:
    """Resolve the sources whose columns are there; return the others."""
    asked = [(each, each.names()) for each in waiting]
    all_names = {name for _, names in asked for name in names}
    nodes = store.nodes(fqns=all_names, kinds=[COLUMN]) if all_names else []
    # A live column wins over one that was dropped under the same name.
    columns = {(n.owner_id, n.fqn): n for n in sorted(nodes, key=lambda n: not n.dropped)}
    for each, names in asked:
        candidates = [columns.get((each.table_id, name)) for name in names]
        column = next((node for node in candidates if node), None)
        if column:
            each.resolve(column.id, column.fqn)
    return [each for each in waiting if "columnId" not in each.source]


def source_id(entity_id: str, each: Source) -> str:
    """Id of the node that stands for a source while it is unresolved."""
    path = f"{quote(each.feature['name'])}.{quote(each.source['name'])}@{each.table_id or ''}"
    return part_id(entity_id, f"{UNRESOLVED}:{path}")
