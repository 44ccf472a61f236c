"""Merging an archive into a store that holds something: by id, in one commit, nothing by halves.

Entities that are not there come with their past; of those that are, the later state stays. What
only the catalog sets (stages, lifecycle, deletion) stays as it is here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from headwater.catalog.archive.clash import clashes, find_all
from headwater.catalog.archive.content import Content, Incoming
from headwater.catalog.archive.snapshot import batches
from headwater.catalog.circle import circles
from headwater.catalog.diff import diff
from headwater.catalog.lifecycle import projected
from headwater.catalog.origin import origins_of
from headwater.catalog.preview import Ahead
from headwater.catalog.same import same
from headwater.catalog.stage import warn_restorers
from headwater.catalog.write import WritePath
from headwater.errors import ConflictError
from headwater.schemas import kind
from headwater.store.base import (
    Edge,
    EdgeKey,
    EdgeWrite,
    EntityWrite,
    EntryWrite,
    EventWrite,
    Node,
    Part,
    Record,
    Recorded,
    Store,
)
from headwater.store.draft import (
    Actor,
    Change,
    Document,
    Draft,
    dump,
    load,
    producer_of,
    until_current,
)
from headwater.store.stage import KIND as STAGE
from headwater.store.text import stored_text

IMPORT = Actor("import", "bot", "import")


@dataclass(slots=True)
class Merged:
    """What a merge did. Entities are spelled ``kind:fqn``.

    Attributes:
        added: How many entities were not there.
        same: How many were there and equal.
        replaced: Those whose later state came from the archive.
        kept: Those that differ and stay as they are here: changed later, or deleted on one side
            alone, or only around the branch that the archive is of.
        edges: How many edges were added; ``entries``: how many entries.
        broken: Those of the edges that lead from what is gone here, such as a dropped column.
    """

    added: int = 0
    same: int = 0
    replaced: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    edges: int = 0
    entries: int = 0
    broken: list[str] = field(default_factory=list)


def merge_content(store: Store, content: Content, *, actor: Actor = IMPORT) -> Merged:
    """Add to a store what an archive has and it lacks.

    Raises:
        ConflictError: Something in the archive cannot be taken in; ``details["clashes"]`` and the
            message name all of it, and nothing is written.
    """

    def attempt() -> Merged:
        merging = _Merge(store, content, actor)
        merging.draft.commit(store, actor)
        return merging.result

    return until_current(attempt)


class _Merge:
    """One attempt: reads what is there, and drafts the commit."""

    def __init__(self, store: Store, content: Content, actor: Actor) -> None:
        self._store, self._content, self._actor = store, content, actor
        self.draft, self.result = Draft(), Merged()
        stored = find_all(store, content.entities)
        _refuse(clashes(store, content, stored))
        written = set()
        for each in content.entities.values():
            here = stored.get(each.record.id)
            if here is None:
                self._add(each)
            elif not self._is_later(each.record, here):
                continue
            else:
                self._replace(each, here)
            written.add(each.record.id)
        ahead = Ahead(store)
        ahead.add(self.draft)
        _refuse(sorted(circles(cast("Store", ahead), self.draft.entities, self.draft)))
        self._put_edges(written)
        stages = {w.name for w in self.draft.entities if w.kind == STAGE and not w.expected_rev}
        if stages:
            warn_restorers(store, stages, self.draft)
        self.result.replaced.sort()
        self.result.kept.sort()
        self.result.broken.sort()

    def _add(self, each: Incoming) -> None:
        record = each.record
        write = EntityWrite(
            id=record.id,
            kind=record.kind,
            fqn=record.fqn,
            name=record.name,
            parent_id=record.parent_id,
            version=record.version,
            expected_rev=0,
            document=record.document,
            deleted=record.deleted,
            origins=record.origins,
            references=each.references,
            parts=tuple(_part(part) for part in each.parts),
            dropped_parts=tuple(part.id for part in each.parts if part.dropped),
            search=stored_text(record),
            history=tuple(each.past),
        )
        self.draft.entities.append(write)
        self.draft.events.append(_event("entityCreated", write))
        self.draft.entries += [
            EntryWrite(*entry[5:], recorded=Recorded(*entry[2:5])) for entry in each.entries
        ]
        self.result.added += 1
        self.result.entries += len(each.entries)

    def _is_later(self, record: Record, here: Record) -> bool:
        """Whether an entity that is there is to have the archive's state; counts it if not."""
        theirs, ours = load(record), load(here)
        own = {f.name for f in kind(here.kind).shape.fields.values() if not f.read_only}
        if same(_only(own, theirs), _only(own, ours)) and record.deleted == here.deleted:
            self.result.same += 1
            return False
        later = theirs["updatedAt"] > ours["updatedAt"] and record.deleted == here.deleted
        if later and self._content.is_of_branch(record.id):
            return True
        self.result.kept.append(_spell(record))
        return False

    def _replace(self, each: Incoming, here: Record) -> None:
        which, before, theirs = kind(here.kind), load(here), load(each.record)
        ours = {f.name for f in which.shape.fields.values() if f.read_only} | set(projected(before))
        after = {name: value for name, value in theirs.items() if name not in ours}
        after |= _only(ours, before)
        change = Change(
            which, here.id, here.fqn, here.name, here.parent_id, before, after, rev=here.rev,
            origins=origins_of(each.record), restores=True,
        )  # fmt: skip
        self._move_parts(change, each.parts)
        changes = diff(which, before, after)
        path = WritePath(self._store, lambda *_: None)  # the archive has what was derived
        write = path.seal(change, changes, self._actor, here)
        self.draft.entities.append(write)
        if changes:
            payload = {"changeDescription": after["changeDescription"]}
            payload |= {"major": True} if any(each.major for each in changes) else {}
            self.draft.events.append(_event("entityUpdated", write, payload))
        self.result.replaced.append(_spell(each.record))
        self._close_derived(here.id)

    def _move_parts(self, change: Change, parts: Iterable[Node]) -> None:
        there = {part.id: part for part in self._store.nodes(owner_ids=[change.id])}
        live = {part.id for part in parts if not part.dropped}
        change.parts = [_part(part) for part in parts if part != there.get(part.id)]
        gone = {part.id for part in change.parts} | {p.id for p in there.values() if not p.dropped}
        change.dropped_parts = sorted(gone - live)

    def _close_derived(self, entity_id: str) -> None:
        """Close the edges that followed from the state that is replaced, where they end with it."""
        producer = producer_of(entity_id)
        coming = {edge.key for edge in self._content.edges if edge.key.producer == producer}
        stored = self._store.edges(producer=producer)
        self.draft.closed_edges += [edge.key for edge in stored if edge.key not in coming]

    def _put_edges(self, written: Collection[str]) -> None:
        """Open the archive's edges, but for what is known here, if only as closed.

        What follows from an entity's document comes with the document.
        """
        derived = {producer_of(entity_id): entity_id for entity_id in self._content.entities}
        nodes = self._nodes(written)
        for edges in batches(iter(self._content.edges)):
            known = self._known(edges)
            for edge in edges:
                owner = derived.get(edge.key.producer)
                fits = owner in written if owner else edge.key not in known
                if fits and nodes.keys() >= set(edge.key[:2]):
                    self.draft.edges.append(EdgeWrite(edge.key, edge.details))
                    self.result.edges += edge.key not in known
                    start, end = nodes[edge.key.from_id], nodes[edge.key.to_id]
                    broken = start.gone and not end.gone and edge.key.level != "suppressed"
                    if broken and edge.key not in known:
                        self.result.broken.append(f"{start.spelled} → {end.spelled}")

    def _nodes(self, written: Collection[str]) -> dict[str, _End]:
        """What edges can lead from and to, as it will be."""
        ends = {end for edge in self._content.edges for end in edge.key[:2]}
        found = {
            node.id: _End(_spell(node), node.deleted or node.dropped)
            for ids in batches(iter(ends))
            for node in self._store.nodes(ids=ids)
        }
        for each in (self._content.entities[id_] for id_ in written):
            deleted = each.record.deleted
            found[each.record.id] = _End(_spell(each.record), deleted)
            for part in each.parts:
                found[part.id] = _End(_spell(part), deleted or part.dropped)
        for id_ in (id_ for write in self.draft.entities for id_ in write.dropped_parts):
            if id_ in found:
                found[id_] = found[id_]._replace(gone=True)
        return found

    def _known(self, edges: Iterable[Edge]) -> set[EdgeKey]:
        from_ids = {edge.key.from_id for edge in edges}
        return {e.key for e in self._store.edges(from_ids=from_ids, include_closed=True)}


class _End(NamedTuple):
    """A node: ``kind:fqn``, and whether it is deleted or dropped."""

    spelled: str
    gone: bool


def _refuse(found: list[str]) -> None:
    if found:
        raise ConflictError(
            f"nothing was imported, because entities clash ({len(found)}):\n  "
            + "\n  ".join(found),
            clashes=found,
        )


def _part(node: Node) -> Part:
    return Part(node.id, node.kind, node.fqn, node.name)


def _only(names: Collection[str], document: Document) -> Document:
    return {name: value for name, value in document.items() if name in names}


def _spell(record: Record | Node) -> str:
    return f"{record.kind}:{record.fqn}"


def _event(what: str, write: EntityWrite, payload: Document | None = None) -> EventWrite:
    return EventWrite(what, write.id, write.kind, write.fqn, write.version, dump(payload or {}))
