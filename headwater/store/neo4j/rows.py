"""A write set as the rows of the steps of a commit. What each step does is in ``write.py``."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from headwater.store.base import (
    EdgeKey,
    EntityWrite,
    Entry,
    EventRecord,
    Node,
    Record,
    WriteSet,
)
from headwater.store.neo4j.check import Stored
from headwater.store.neo4j.layout import (
    FEEDS,
    edge_place,
    edge_properties,
    entity_row,
    entry_row,
    event_row,
    label,
    link,
    part_row,
    state_row,
)
from headwater.store.neo4j.search import search_row
from headwater.store.text import stored_text


class Rows:
    """The rows of one commit.

    Attributes:
        seq: The commit's.
        at: Its recorded time in milliseconds.
        lists: Rows by step, and in a step by the label or type that they give; "" where none.
    """

    def __init__(self, stored: Stored, write_set: WriteSet) -> None:
        self._stored = stored
        self._set = write_set
        self.seq = stored.seq + 1
        self.at = max(stored.at, write_set.at)
        self.lists: defaultdict[str, defaultdict[str, list[Any]]]
        self.lists = defaultdict(lambda: defaultdict(list))
        for node in sorted(stored.erased):
            self._add("erased", node)
        for write in write_set.entities:
            self._add_entity(write)
            self._add_containment(write)
            self._add_parts(write)
        self._add_references()
        self._add_edges()
        self._add_log()

    def commit(self, commit_id: str) -> dict[str, Any]:
        """The commit itself."""
        return {
            "id": commit_id,
            "seq": self.seq,
            "at": self.at,
            "actor": self._set.actor,
            "actor_kind": self._set.actor_kind,
            "producer": self._set.producer,
        }

    def _add(self, step: str, row: Any, *, name: str = "") -> None:
        self.lists[step][name].append(row)

    def _add_entity(self, write: EntityWrite) -> None:
        holder = self._stored.names.get((write.kind, write.fqn), write.id)
        if holder != write.id:
            self._add("freed", holder)
        for past in write.history:
            self._add("states", state_row(past._replace(seq=self.seq)))
        record = self._record(write)
        self._add("entities", entity_row(record), name=label(write.kind))
        self._add("states", state_row(record))
        text = stored_text(record) if write.search == "document" else write.search
        self._add("searched", {**search_row(record, text), "seq": self.seq})

    def _record(self, write: EntityWrite) -> Record:
        before = write.history[-1].rev if write.history else write.expected_rev
        return Record(
            *(write.id, write.kind, write.fqn, write.name, write.parent_id, write.version),
            *(before + 1, self.seq, write.deleted, write.document, write.origins),
        )

    def _add_containment(self, write: EntityWrite) -> None:
        _, parent_id, _ = self._stored.entities.get(write.id, (0, None, False))
        if parent_id == write.parent_id:
            return
        if parent_id is not None:
            self._add("moved", write.id)
        if write.parent_id is not None:
            self._add("placed", [write.id, write.parent_id])

    def _add_parts(self, write: EntityWrite) -> None:
        _, _, was_deleted = self._stored.entities.get(write.id, (0, None, write.deleted))
        if was_deleted != write.deleted:
            self._add("flagged", [write.id, write.deleted])
        for part_id in write.dropped_parts:
            self._add("dropped", part_id)
        for part in write.parts:
            node = Node(
                *(part.id, part.kind, part.fqn, part.name, write.id),
                dropped=False,
                deleted=write.deleted,
            )
            self._add("parts", part_row(node), name=label(part.kind))
            # A part that is there and not dropped has its relationship already.
            if self._stored.parts.get(part.id, True):
                self._add("linked", [write.id, part.id], name=link(part.kind))

    def _add_references(self) -> None:
        wanted = {
            (write.id, reference.field, reference.target_id)
            for write in self._set.entities
            for reference in write.references or ()
        }
        for gone in self._stored.references - wanted:
            self._add("unreferred", list(gone))
        for new in wanted - self._stored.references:
            self._add("referred", list(new))

    def _add_edges(self) -> None:
        puts = {edge.key: edge.details for edge in self._set.edges}
        closing = set(self._set.closed_edges)
        kept = {
            key
            for key, details in puts.items()
            if key not in closing and self._stored.edges.get(key) == details
        }
        for key in (closing | puts.keys()) & self._stored.edges.keys() - kept:
            self._add_edge(key, "closed", "lifted", [key.from_id, edge_place(key)])
        for key in puts.keys() - kept:
            row = edge_properties(key, puts[key], self.seq)
            self._add_edge(key, "opened", "suppressed", row)

    def _add_edge(self, key: EdgeKey, step: str, unattached: str, row: Any) -> None:
        if key.level == "suppressed":
            self._add(unattached, row)
        else:
            self._add(step, row, name=FEEDS[key.level])

    def _add_log(self) -> None:
        """Add what is numbered: events and entries."""
        made = self._set
        for number, event in enumerate(made.events, self._stored.events + 1):
            record = EventRecord(number, self.seq, self.at, made.actor, made.producer, event)
            self._add("events", event_row(record))
        if made.events_before:
            self._add("dropped_events", made.events_before)
        for number, entry in enumerate(made.entries, self._stored.entries + 1):
            recorded = entry.recorded or (self.at, made.actor, made.producer)
            written = Entry(
                *(number, self.seq, *recorded),
                *(entry.entity_id, entry.type, entry.key, entry.at, entry.data),
            )
            self._add("entries", entry_row(written))
