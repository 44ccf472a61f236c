"""A write set as the rows of the steps of a commit. What each step does is in ``write.py``."""

from __future__ import annotations

from typing import Any

from headwater.store.base import EventWrite, Level, WriteSet
from headwater.store.neo4j.check import Stored
from headwater.store.neo4j.layout import edge_place, edge_properties, label, link, pack, place

Lists = dict[str, list[Any]]


class Rows:
    """The rows of one commit.

    Attributes:
        seq: The commit's.
        at: Its recorded time in milliseconds.
    """

    def __init__(self, stored: Stored, write_set: WriteSet) -> None:
        self._stored = stored
        self._set = write_set
        self.seq = stored.seq + 1
        self.at = max(stored.at, write_set.at)

    def lists(self) -> Lists:
        """The rows by step; a step that has nothing to do has an empty list."""
        events = enumerate(self._set.events, self._stored.events + 1)
        return {
            **self._entities(),
            **self._containment(),
            **self._parts(),
            **self._references(),
            **self._edges(),
            "events": [self._event(number, event) for number, event in events],
        }

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

    def _entities(self) -> Lists:
        lists: Lists = {"freed": [], "entities": [], "states": []}
        for write in self._set.entities:
            if self._stored.names.get((write.kind, write.fqn), write.id) != write.id:
                lists["freed"].append(self._stored.names[write.kind, write.fqn])
            state = pack(write, self.seq)
            rev = write.expected_rev + 1
            properties = {
                "kind": write.kind,
                "fqn": write.fqn,
                "place": place(write.fqn),
                "name": write.name,
                "parent_id": write.parent_id,
                "version": write.version,
                "rev": rev,
                "deleted": write.deleted,
                "dropped": False,
                "state": state,
            }
            row = {"id": write.id, "label": label(write.kind), "properties": properties}
            lists["entities"].append(row)
            lists["states"].append(
                {
                    "entity_id": write.id,
                    "rev": rev,
                    "seq": self.seq,
                    "version": write.version,
                    "state": state,
                }
            )
        return lists

    def _containment(self) -> Lists:
        lists: Lists = {"moved": [], "placed": []}
        for write in self._set.entities:
            _, was, _ = self._stored.entities.get(write.id, (0, None, False))
            if was == write.parent_id:
                continue
            if was is not None:
                lists["moved"].append(write.id)
            if write.parent_id is not None:
                lists["placed"].append([write.id, write.parent_id])
        return lists

    def _parts(self) -> Lists:
        lists: Lists = {"flagged": [], "dropped": [], "parts": [], "linked": []}
        for write in self._set.entities:
            _, _, was_deleted = self._stored.entities.get(write.id, (0, None, write.deleted))
            if was_deleted != write.deleted:
                lists["flagged"].append([write.id, write.deleted])
            lists["dropped"] += write.dropped_parts
            for part in write.parts:
                properties = {
                    "kind": part.kind,
                    "fqn": part.fqn,
                    "name": part.name,
                    "owner_id": write.id,
                    "dropped": False,
                    "deleted": write.deleted,
                }
                row = {"id": part.id, "label": label(part.kind), "properties": properties}
                lists["parts"].append(row)
                # A part that was there and not dropped is linked to its entity already.
                if self._stored.parts.get(part.id, True):
                    lists["linked"].append([write.id, part.id, link(part.kind)])
        return lists

    def _references(self) -> Lists:
        wanted = {
            (write.id, reference.field, reference.target_id)
            for write in self._set.entities
            for reference in write.references or ()
        }
        return {
            "unreferred": [list(row) for row in self._stored.references - wanted],
            "referred": [list(row) for row in wanted - self._stored.references],
        }

    def _edges(self) -> Lists:
        puts = {edge.key: edge for edge in self._set.edges}
        ends = set(self._set.closed_edges) & self._stored.edges.keys()
        kept = {
            key
            for key, edge in puts.items()
            if key not in ends and self._stored.edges.get(key) == edge.details
        }
        closed = ends | (puts.keys() & self._stored.edges.keys()) - kept
        levels: tuple[Level, ...] = ("fine", "coarse", "suppressed")
        lists: Lists = {f"{step}_{level}": [] for level in levels for step in ("closed", "opened")}
        for key in closed:
            lists[f"closed_{key.level}"].append([key.from_id, edge_place(key)])
        for key in puts.keys() - kept:
            row = {**edge_properties(key), "details": puts[key].details, "opened_seq": self.seq}
            lists[f"opened_{key.level}"].append(row)
        return lists

    def _event(self, number: int, event: EventWrite) -> dict[str, Any]:
        return {
            "number": number,
            "seq": self.seq,
            "at": self.at,
            "actor": self._set.actor,
            "producer": self._set.producer,
            "type": event.type,
            "entity_id": event.entity_id,
            "kind": event.kind,
            "fqn": event.fqn,
            "version": event.version,
            "payload": event.payload,
        }
