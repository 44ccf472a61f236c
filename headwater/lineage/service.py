"""The lineage service: questions about the graph, and edges that are written by hand."""

from __future__ import annotations

import json
from typing import Any

from headwater.errors import ConflictError, InvalidInputError, NotFoundError, StaleWriteError
from headwater.lineage.analysis import Question, cycles, roots
from headwater.lineage.derive import derive_features
from headwater.lineage.diff import lineage_diff
from headwater.lineage.edge import AddLineage, check_edge_request, edge_writes, find_end
from headwater.lineage.frozen import SOURCE as FROZEN
from headwater.lineage.impact import impact
from headwater.lineage.node import as_json, find_by_id, find_root
from headwater.lineage.path import shortest_path
from headwater.lineage.view import Scope, look, spell, view_of
from headwater.lineage.walk import as_seen
from headwater.schemas import kind as kind_of
from headwater.store.base import Direction, EdgeKey, EdgeWrite, EventWrite, Key, Node, Record, Store
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
from headwater.store.moment import Moment, sequence_of

MAX_DEPTH = 100
MAX_LIMIT = 100_000


class LineageService:
    """Walks, impact, and edges written by people and connectors."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # Questions

    def walk(
        self,
        key: Key,
        *,
        kind: str | None = None,
        upstream: int = 1,
        downstream: int = 1,
        level: str | None = None,
        as_of: Moment | None = None,
        limit: int = 1000,
    ) -> Document:
        """Return the graph around a node.

        Args:
            key: An id together with its ``kind``, ``(kind, fqn)``, or an FQN (see ``find``).
            level: ``entity``, ``feature`` (columns stand as their tables) or ``column``; None: the
                node's own, which is ``column`` for a part.
            limit: How many assertions each direction may return.

        Raises:
            NotFoundError: There is no such node.
        """
        _check_bounds(limit, upstream=upstream, downstream=downstream)
        root, seq = self._there(key, kind, as_of)
        view = view_of(level, root)
        scope = Scope(upstream, downstream, limit, seq)
        return spell(self._store, look(self._store, root, view, scope), view, scope)

    def neighbours(
        self,
        key: Key,
        *,
        kind: str | None = None,
        direction: Direction = "downstream",
        level: str | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> Document:
        """Return one page of a node's neighbours, so that a hub of any size can be read."""
        _check_bounds(limit)
        if direction not in ("upstream", "downstream"):
            raise InvalidInputError(f"direction is upstream or downstream, not {direction!r}")
        root = self.find(key, kind=kind)
        fine = view_of(level, root) != "entity"
        hops = self._store.expand(
            [root.id],
            direction,
            "fine" if fine else "coarse",
            limit=limit + 1,
            after=(root.id, after) if after else None,
        )
        page = {hop.node.id: hop.node for hop in hops[:limit]}
        paging = {"after": next(reversed(page))} if len(hops) > limit else {}
        nodes = [as_json(node) for node in page.values() if not node.deleted]
        return {"data": nodes, "paging": paging}

    def impact(
        self,
        fqn: str,
        *,
        kind: str | None = None,
        depth: int = 8,
        as_of: Moment | None = None,
        limit: int = 1000,
    ) -> Document:
        """Return the models that a column, table or feature reaches, each with a path.

        Args:
            limit: How many models are listed; all are counted.

        Raises:
            NotFoundError: There is no such node.
            ConflictError: Several kinds have that FQN.
        """
        _check_bounds(limit, depth=depth)
        root = find_root(self._store, fqn, kind=kind)  # of what is deleted, too
        seq = sequence_of(self._store, as_of, root.owner_id or root.id)
        return impact(self._store, root, depth=depth, limit=limit, as_of=seq)

    def path(
        self, start: str, end: str, *, level: str = "any", as_of: int | None = None
    ) -> Document:
        """Return the shortest way that data takes from one node to another, or that there is none.

        Args:
            start: An id, an FQN, or ``kind:fqn``; ``end`` likewise.
            level: ``column``, ``entity``, or ``any``: the finer one when there is one.

        Raises:
            NotFoundError: There is no such node.
            ConflictError: Several kinds have that FQN.
        """
        first, last = self.find(start, as_of=as_of), self.find(end, as_of=as_of)
        return shortest_path(self._store, first, last, level=level, as_of=as_of)

    def diff(
        self,
        fqn: str,
        *,
        before: Moment,
        after: Moment | None = None,
        kind: str | None = None,
        upstream: int = 1,
        downstream: int = 1,
        level: str | None = None,
        limit: int = 1000,
    ) -> Document:
        """Return what is new, gone or changed in the graph around a node between two moments.

        While the node was not there, its graph was empty.

        Args:
            after: Now, when it is None.

        Raises:
            NotFoundError: There is no such node, or there was none at either moment.
            ConflictError: Several kinds have that FQN.
        """
        _check_bounds(limit, upstream=upstream, downstream=downstream)
        root = find_root(self._store, fqn, kind=kind)
        entity_id = root.owner_id or root.id
        old = sequence_of(self._store, before, entity_id) or 0
        new = sequence_of(self._store, after, entity_id)
        new = self._store.sequence() if new is None else new
        view, scope = view_of(level, root), Scope(upstream, downstream, limit, None)
        return lineage_diff(self._store, root, view, scope, before=old, after=new)

    def roots(
        self,
        fqn: str,
        *,
        kind: str | None = None,
        level: str | None = None,
        depth: int = MAX_DEPTH,
        as_of: Moment | None = None,
        limit: int = 1000,
    ) -> Document:
        """Return what nothing feeds, among everything that feeds a node.

        Raises:
            NotFoundError: There is no such node.
            ConflictError: Several kinds have that FQN.
        """
        return roots(self._store, *self._asked(fqn, kind, level, depth, as_of, limit))

    def cycles(
        self,
        fqn: str,
        *,
        kind: str | None = None,
        level: str | None = None,
        depth: int = MAX_DEPTH,
        as_of: Moment | None = None,
        limit: int = 100,
    ) -> Document:
        """Return the circles that data goes in, among everything that a node reaches.

        Raises:
            NotFoundError: There is no such node.
            ConflictError: Several kinds have that FQN.
        """
        return cycles(self._store, *self._asked(fqn, kind, level, depth, as_of, limit))

    def find(self, key: Key, *, kind: str | None = None, as_of: Moment | None = None) -> Node:
        """Return the node that a key names.

        A text with a ``kind`` is an id; without one it is an id, an FQN, or ``kind:fqn``.

        Args:
            as_of: The node's entity must have been there at that moment, not now.

        Raises:
            NotFoundError: There is no such node, or its entity is soft-deleted.
            ConflictError: Several kinds have that FQN.
        """
        return self._there(key, kind, as_of)[0]

    # Edges

    def put_edge(self, body: Any, *, actor: Actor) -> Document:
        """Hold that one node feeds another, and which columns do.

        Replaces what the same producer said of the two. What a person deleted stays away until a
        person puts it again.

        Raises:
            InvalidInputError: The request is not valid, or an end or column is not there.
        """
        request = check_edge_request(body)

        def attempt() -> Document:
            start, end = self._present_ends(request)
            wanted = edge_writes(self._store, request, start, end, actor.writer)
            source, asserted = wanted[0].key.source, {_pair(write.key) for write in wanted}
            held, suppressed = self._held(start, end)
            if actor.kind == "bot":
                hidden = {_pair(key) for key in suppressed}
                wanted = [write for write in wanted if _pair(write.key) not in hidden]
            keys = {write.key for write in wanted}
            own = [k for k in held if k.producer == actor.writer and k.source == source]
            draft = Draft(edges=wanted, closed_edges=[k for k in own if k not in keys])
            if actor.kind == "person":
                draft.closed_edges += [key for key in suppressed if _pair(key) in asserted]
            self._commit(draft, start, end, actor)
            return _edge_answer(request, start, end)

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
        request = check_edge_request(body)

        def attempt() -> Document:
            start, end = self._ends(request)
            person = actor.kind == "person"
            held, _ = self._held(start, end)
            if held and all(key.source == FROZEN for key in held):
                raise ConflictError(
                    f"{end.fqn!r} was trained on {start.fqn!r}: that stays, as it was"
                )
            held = [key for key in held if key.source != FROZEN]
            held = [key for key in held if person or key.producer == actor.writer]
            if not held:
                raise NotFoundError(f"no lineage leads from {start.fqn!r} to {end.fqn!r}")
            machines = {_pair(key) for key in held if person and key.producer != actor.writer}
            hidden = [EdgeKey(*pair, "suppressed", "manual", actor.writer) for pair in machines]
            draft = Draft(closed_edges=held, edges=[EdgeWrite(key) for key in sorted(hidden)])
            self._commit(draft, start, end, actor)
            return _edge_answer(request, start, end)

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
            if record is None or record.kind != "mlmodel" or record.deleted:
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

    def _there(self, key: Key, kind: str | None, as_of: Moment | None) -> tuple[Node, int | None]:
        """The node that a key names as it was at a moment, and the moment's seq."""
        if isinstance(key, str) and kind is not None:
            node = find_by_id(self._store, key, kind=kind)
        else:
            node = find_root(self._store, key, kind=kind)
        return self._at(node, as_of)

    def _at(self, node: Node, as_of: Moment | None) -> tuple[Node, int | None]:
        seq = sequence_of(self._store, as_of, node.owner_id or node.id)
        if seq is not None:
            there = as_seen(self._store, [node], seq).get(node.id)
            if there is None or there.deleted:
                raise NotFoundError(f"there was no {node.kind} {node.fqn!r} as of {seq}")
            return there, seq
        if node.deleted:
            raise NotFoundError(
                f"{node.kind} {node.fqn!r} is deleted; restore it first", id=node.id
            )
        return node, None

    def _asked(
        self,
        fqn: str,
        kind: str | None,
        level: str | None,
        depth: int,
        as_of: Moment | None,
        limit: int,
    ) -> tuple[Node, Question]:
        """The node and the question of an analysis."""
        _check_bounds(limit, depth=depth)
        root, seq = self._at(find_root(self._store, fqn, kind=kind), as_of)
        return root, Question(level or view_of(None, root), depth, limit, seq)

    def _ends(self, request: AddLineage) -> tuple[Node, Node]:
        start = find_end(self._store, request.from_entity, "/fromEntity")
        return start, find_end(self._store, request.to_entity, "/toEntity")

    def _present_ends(self, request: AddLineage) -> tuple[Node, Node]:
        """The ends, where none may be deleted: nothing new is said of what is gone."""
        ends = self._ends(request)
        for node, pointer in zip(ends, ("/fromEntity", "/toEntity"), strict=True):
            if node.deleted or node.dropped:
                raise InvalidInputError.at(pointer, f"{node.kind} {node.fqn!r} is deleted")
        return ends

    def _held(self, start: Node, end: Node) -> tuple[list[EdgeKey], list[EdgeKey]]:
        """What is asserted and what is suppressed between two nodes, their parts included."""
        found = self._store.edges(from_ids=self._with_parts(start), to_ids=self._with_parts(end))
        keys = [edge.key for edge in found]
        return (
            [key for key in keys if key.level != "suppressed"],
            [key for key in keys if key.level == "suppressed"],
        )

    def _with_parts(self, node: Node) -> set[str]:
        if node.owner_id:
            return {node.id}
        return {node.id, *(part.id for part in self._store.nodes(owner_ids=[node.id]))}

    def _commit(self, draft: Draft, start: Node, end: Node, actor: Actor) -> None:
        draft.edges = self._news(draft.edges)
        if not (draft.edges or draft.closed_edges):
            return
        owner = self._store.find(end.owner_id or end.id)
        if owner is None:
            raise StaleWriteError(f"{end.kind} {end.fqn!r} is gone")
        draft.events.append(_event(owner, {"from": as_json(start), "to": as_json(end)}))
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


def _edge_answer(request: AddLineage, start: Node, end: Node) -> Document:
    details = request.lineage_details
    spelled = details.model_dump(by_alias=True, exclude_none=True) if details else {}
    return {"fromEntity": as_json(start), "toEntity": as_json(end), "lineageDetails": spelled}


def _check_bounds(limit: int, **depths: int) -> None:
    for name, depth in depths.items():
        if not 0 <= depth <= MAX_DEPTH:
            raise InvalidInputError(f"{name} is 0 to {MAX_DEPTH}, not {depth}")
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidInputError(f"limit is 1 to {MAX_LIMIT}, not {limit}")
