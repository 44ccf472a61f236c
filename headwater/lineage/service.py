"""The lineage service: questions about the graph, and edges that people and connectors write."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from headwater.errors import AccessError, ConflictError, NotFoundError, StaleWriteError
from headwater.lineage.derive import derive_features
from headwater.lineage.edge import (
    MANUAL,
    AddLineage,
    EdgeSet,
    Ends,
    allowed,
    check_request,
    checked_nodes,
    edge_writes,
    find_nodes,
    gone,
    hidden_pairs,
    known_columns,
    refuse,
)
from headwater.lineage.frozen import SOURCE as FROZEN
from headwater.lineage.kind import MODEL
from headwater.lineage.node import as_json
from headwater.lineage.producer import replace_edges
from headwater.lineage.read import LineageReader
from headwater.lineage.source import source_id, sources_of
from headwater.schemas import kind as kind_of
from headwater.store.base import EdgeKey, EdgeWrite, EventWrite, Key, Node, Record
from headwater.store.draft import (
    Actor,
    Change,
    Document,
    Draft,
    dump,
    load,
    same_version,
    until_current,
)


class LineageService(LineageReader):
    """Walks, impact and other questions; edges written by people and connectors."""

    def put_edge(self, body: Any, *, actor: Actor) -> Document:
        """Hold that one node feeds another, and which columns do.

        Replaces what the same producer said of the two. What a person deleted stays away until a
        person puts it again.

        Raises:
            InvalidInputError: The request is not valid, or an end or column is not there.
        """
        request = check_request(AddLineage, body)

        def attempt() -> Document:
            ends = self._ends(request)
            refuse(gone([ends]))
            columns, source = known_columns(self._store, [ends]), request.details.source
            wanted = edge_writes(ends, columns, source=source, producer=actor.writer)
            asserted = {_pair(write.key) for write in wanted}
            held, suppressed = self._held(ends, wanted)
            if actor.kind == "bot":
                wanted = allowed(wanted, hidden_pairs(suppressed), ends.entities)
            keys = {write.key for write in wanted}
            own = [k for k in held if k.producer == actor.writer and k.source == source]
            draft = Draft(edges=wanted, closed_edges=[k for k in own if k not in keys])
            if actor.kind == "person":
                draft.closed_edges += [key for key in suppressed if _pair(key) in asserted]
            self._commit(draft, ends, actor)
            return _edge_answer(ends)

        return until_current(attempt)

    def delete_edge(self, body: Any, *, actor: Actor) -> Document:
        """Close what is asserted between two nodes.

        A person closes every assertion, and what machines asserted stays away until a person puts
        it again (``add_mlmodel_lineage`` for what follows from feature sources); a bot closes its
        own.

        Raises:
            NotFoundError: Nothing leads from the one to the other.
            ConflictError: It is what a model version was trained on.
        """
        request = check_request(AddLineage, body)

        def attempt() -> Document:
            ends = self._ends(request)
            person = actor.kind == "person"
            held, _ = self._held(ends, waiting=self._waiting(ends))
            if held and all(key.source == FROZEN for key in held):
                raise ConflictError(
                    f"{ends.end.fqn!r} was trained on {ends.start.fqn!r}: that stays, as it was"
                )
            held = [key for key in held if key.source != FROZEN]
            held = [key for key in held if person or key.producer == actor.writer]
            if not held:
                raise NotFoundError(f"no lineage leads from {ends.start.fqn!r} to {ends.end.fqn!r}")
            machines = {_pair(key) for key in held if person and key.producer != actor.writer}
            hidden = [EdgeKey(*pair, "suppressed", MANUAL, actor.writer) for pair in machines]
            draft = Draft(closed_edges=held, edges=[EdgeWrite(key) for key in sorted(hidden)])
            self._commit(draft, ends, actor)
            return _edge_answer(ends)

        return until_current(attempt)

    def replace_edges(self, producer: str, body: Any, *, actor: Actor) -> Document:
        """Hold a producer's edges in place of those that it said before, in one commit.

        What it says again stays as it is, what it leaves out is closed; other producers' edges and
        what people suppressed are not touched.

        Returns:
            ``{producer, opened, closed, unchanged}``, counted in assertions.

        Raises:
            AccessError: The actor is another producer, or none.
            InvalidInputError: Something of the request is not right; every fault has its pointer.
        """
        if actor.producer != producer:
            who = f"the producer {actor.producer!r}" if actor.producer else "no producer"
            raise AccessError(
                f"only {producer!r} itself replaces its edges, and this caller is {who}; a caller"
                " names its producer by the header X-Headwater-Producer"
            )
        request = check_request(EdgeSet, body)

        def attempt() -> Document:
            draft, answer = replace_edges(self._store, actor.writer, request)
            draft.commit(self._store, actor)
            return answer

        return until_current(attempt)

    def add_mlmodel_lineage(self, key: Key, *, actor: Actor) -> Document:
        """Derive a model's edges from its feature sources now, suppressed ones too.

        Returns:
            The model's lineage, one hop up, at feature level.

        Raises:
            NotFoundError: There is no such model.
        """

        def attempt() -> Document:
            record = self._store.find(key)
            if record is None or record.kind != MODEL or record.deleted:
                raise NotFoundError(f"there is no mlmodel {key!r}")
            document = load(record)
            change = Change(
                kind_of(record.kind), record.id, record.fqn, record.name, record.parent_id,
                before=load(record), after=document, rev=record.rev,
                origins=json.loads(record.origins),
            )  # fmt: skip
            draft = Draft(expects={record.id: record.rev})
            derive_features(self._store, change, draft, lift=True)
            if document != change.before:
                write = same_version(record, document, change.dropped_parts, change.parts)
                draft.entities.append(write)
                del draft.expects[record.id]  # the write has its rev
            if draft.edges or draft.closed_edges:
                opened, closed = len(draft.edges), len(draft.closed_edges)
                draft.events.append(_event(record, {"opened": opened, "closed": closed}))
            draft.commit(self._store, actor)
            return self.walk(record.id, kind=record.kind, upstream=2, downstream=0, level="feature")

        return until_current(attempt)

    # Inside

    def _ends(self, request: AddLineage) -> Ends:
        references = [("/fromEntity", request.from_entity), ("/toEntity", request.to_entity)]
        found = find_nodes(self._store, references)
        if conflict := next((each for each in found if isinstance(each, ConflictError)), None):
            raise conflict  # it lists the candidates
        return Ends("", request, *checked_nodes(references, found))

    def _held(
        self, ends: Ends, wanted: Iterable[EdgeWrite] = (), waiting: Iterable[str] = ()
    ) -> tuple[list[EdgeKey], list[EdgeKey]]:
        """What is asserted between two nodes, their parts included, and what is suppressed.

        Suppressed may also be what is wanted beside: the edge between the entities of two parts.

        Args:
            waiting: Further nodes that count as parts of the start.
        """
        start = self._with_parts(ends.start) | {*waiting}
        end = self._with_parts(ends.end)
        found = self._store.edges(
            from_ids={*start, ends.entities[0], *(write.key.from_id for write in wanted)},
            to_ids={*end, ends.entities[1], *(write.key.to_id for write in wanted)},
        )
        keys = [edge.key for edge in found]
        held = [key for key in keys if key.from_id in start and key.to_id in end]
        return (
            [key for key in held if key.level != "suppressed"],
            [key for key in keys if key.level == "suppressed"],
        )

    def _waiting(self, ends: Ends) -> set[str]:
        """The end's sources that wait for a column of the start: they go with its edge."""
        owner = self._store.find(ends.entities[1])
        if owner is None or ends.start.owner_id:
            return set()
        return {
            source_id(owner.id, each)
            for each in sources_of(load(owner))
            if each.table_id == ends.start.id and "columnId" not in each.source
        }

    def _with_parts(self, node: Node) -> set[str]:
        if node.owner_id:
            return {node.id}
        return {node.id, *(part.id for part in self._store.nodes(owner_ids=[node.id]))}

    def _commit(self, draft: Draft, ends: Ends, actor: Actor) -> None:
        draft.edges = self._news(draft.edges)
        if not (draft.edges or draft.closed_edges):
            return
        owner = self._store.find(ends.entities[1])
        if owner is None:
            raise StaleWriteError(f"{ends.end.kind} {ends.end.fqn!r} is gone")
        payload = {"from": as_json(ends.start), "to": as_json(ends.end)}
        draft.events.append(_event(owner, payload))
        draft.commit(self._store, actor)

    def _news(self, edges: list[EdgeWrite]) -> list[EdgeWrite]:
        """Those that do not stand already, so that writing again writes nothing."""
        if not edges:
            return []
        stored = self._store.edges(
            from_ids={e.key.from_id for e in edges}, to_ids={e.key.to_id for e in edges}
        )
        known = {(edge.key, edge.details) for edge in stored}
        return [edge for edge in edges if (edge.key, edge.details) not in known]


def _pair(key: EdgeKey) -> tuple[str, str]:
    return key.from_id, key.to_id


def _event(record: Record, payload: Document) -> EventWrite:
    what = ("lineageChanged", record.id, record.kind, record.fqn, record.version)
    return EventWrite(*what, dump(payload))


def _edge_answer(ends: Ends) -> Document:
    details = ends.request.lineage_details
    spelled = details.model_dump(by_alias=True, exclude_none=True) if details else {}
    return {
        "fromEntity": as_json(ends.start),
        "toEntity": as_json(ends.end),
        "lineageDetails": spelled,
    }
