"""What a merge takes out of an archive, by entity. Commits, events and closed edges stay behind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from headwater.catalog.service import BUILT_IN_IDS
from headwater.catalog.sign_in import MARK
from headwater.store.base import Edge, Entry, Node, Record, Reference, Row, StateRow, Store
from headwater.store.stage import KIND as STAGE


@dataclass(slots=True)
class Incoming:
    """One entity of an archive.

    Attributes:
        record: Its present state; ``references`` are that state's.
        past: Earlier states, oldest first.
        parts: Dropped ones, too.
    """

    record: Record
    references: tuple[Reference, ...]
    past: list[Record] = field(default_factory=list)
    parts: list[Node] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)


@dataclass(slots=True)
class Content:
    """The entities of an archive by id, and the edges that are open among them.

    Attributes:
        root_id: The entity that a branch begins at; None for a whole catalog.
        stages: Names of its own stages, also of those that a store has already.
    """

    entities: dict[str, Incoming]
    edges: list[Edge]
    root_id: str | None
    stages: set[str] = field(default_factory=set)

    def is_of_branch(self, entity_id: str) -> bool:
        """Whether an entity is what the archive is of, and not only around it."""
        if self.root_id is None:
            return True
        above: str | None = entity_id
        while above is not None and above != self.root_id:
            holder = self.entities.get(above)
            above = holder.record.parent_id if holder else None
        return above is not None


def read_content(rows: Iterable[Row], *, root_id: str | None = None) -> Content:
    """Sort the rows of an archive, or of a store, by what they belong to."""
    past: dict[str, list[Record]] = {}
    content = Content({}, [], root_id)
    for row in rows:
        if isinstance(row, StateRow) and row.references is None:
            past.setdefault(row.record.id, []).append(row.record)
        elif isinstance(row, StateRow):
            content.entities[row.record.id] = Incoming(row.record, row.references or ())
        elif isinstance(row, Node):
            content.entities[str(row.owner_id)].parts.append(row)
        elif isinstance(row, Edge) and row.closed_seq is None:
            content.edges.append(row)
        elif isinstance(row, Entry) and row.entity_id in content.entities and row.type != MARK:
            # Others are of what is erased, or turn sign-in on: that is each store's own to say.
            content.entities[row.entity_id].entries.append(row)
    content.stages.update(
        each.record.name
        for each in content.entities.values()
        if each.record.kind == STAGE and not each.record.deleted
    )
    for entity_id, records in past.items():
        content.entities[entity_id].past = sorted(records, key=lambda record: record.rev)
    return content


def map_known(store: Store, content: Content) -> None:
    """Let what is one by its name alone be the store's: the built-in services, and stages.

    Stores made before these services had one id for all have ids of their own.
    """
    theirs = {
        (each.record.kind, each.record.fqn): each.record.id
        for each in content.entities.values()
        if each.record.kind == STAGE or (each.record.kind, each.record.fqn) in BUILT_IN_IDS
    }
    found = store.find_many(theirs) if theirs else {}
    for key, id_ in theirs.items():
        here = found.get(key)
        if here is not None and here.id != id_ and not here.deleted:
            _refer(content, id_, here.id)


def _refer(content: Content, old: str, new: str) -> None:
    """Leave out an entity of the archive; what refers to it refers to another."""
    del content.entities[old]
    content.root_id = new if content.root_id == old else content.root_id
    for each in content.entities.values():
        each.record = _renamed(each.record, old, new)
        each.past = [_renamed(record, old, new) for record in each.past]
        each.references = tuple(
            Reference(r.field, new if r.target_id == old else r.target_id) for r in each.references
        )


def _renamed(record: Record, old: str, new: str) -> Record:
    return record._replace(
        parent_id=new if record.parent_id == old else record.parent_id,
        document=record.document.replace(f'"{old}"', f'"{new}"'),
    )
