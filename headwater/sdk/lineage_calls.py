"""What clients ask and say of lineage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Literal

from headwater.errors import InvalidInputError
from headwater.sdk.address import EntityLike, KindLike, address_of, segment
from headwater.sdk.analysis import LineageCycles, LineageRoots
from headwater.sdk.entities import EntityCalls
from headwater.sdk.impact import Impact
from headwater.sdk.lineage import Direction, Lineage
from headwater.sdk.lineage_diff import LineageDiff
from headwater.sdk.path import LineagePath
from headwater.sdk.tagged import TaggedSources
from headwater.sdk.trained import TrainedOn

View = Literal["entity", "feature", "column"]
Edge = tuple[EntityLike, EntityLike, Mapping[str, Any] | None]
"""Where data comes from, where it goes, and what is known of that (see ``put_edge``)."""


class LineageCalls(EntityCalls):
    """The calls of lineage; see ``Headwater``."""

    def lineage(
        self,
        entity: EntityLike,
        *,
        kind: KindLike | None = None,
        upstream: int = 1,
        downstream: int = 1,
        level: View | None = None,
        as_of: str | int | None = None,
        limit: int | None = None,
    ) -> Lineage:
        """Return what an entity or part is made from, and what is made from it.

        Args:
            entity: Which one; columns and features too, as ``column:fqn`` and ``mlFeature:fqn``.
            kind: Of a bare name or id.
            upstream: Steps to go against the flow of data.
            downstream: Steps to go with the flow of data.
            level: How fine the answer is; unless said, ``column`` of a part, else ``entity``.
            as_of: The lineage at a time (ISO 8601), at a sequence number, or when the entity got a
                version (``version:0.3``).
            limit: How many edges each direction returns at most.

        Raises:
            NotFoundError: There is none.
            ConflictError: A bare FQN names several; ``details["candidates"]`` lists them.
        """
        address = self._node(self._address(entity, kind))
        params = {
            "upstream": upstream,
            "downstream": downstream,
            "level": level,
            "asOf": as_of,
            "limit": limit,
        }
        answer = self._named("GET", address.within(f"/lineage/{address.kind}"), params)
        asked: list[tuple[Direction, int]] = [("upstream", upstream), ("downstream", downstream)]
        return Lineage(answer.data, directions=[d for d, steps in asked if steps])

    def impact(
        self,
        entity: EntityLike,
        *,
        kind: KindLike | None = None,
        depth: int | None = None,
        stage: str | None = None,
        as_of: str | int | None = None,
        drop: bool = False,
        limit: int | None = None,
    ) -> Impact:
        """Return the models and versions that a column, table or other node reaches, with paths.

        Args:
            entity: Which one; usually the fully qualified name of a column.
            kind: Of a bare name.
            depth: Steps to go, 100 unless given.
            stage: Only versions in this stage, and models that have one there.
            as_of: The impact at a moment; see ``lineage``.
            drop: Tell all that breaks when it is dropped, and what is broken already.
            limit: How many are listed at most; all are counted.
        """
        params = {**self._asked(entity, kind), "depth": depth, "stage": stage, "asOf": as_of}
        params |= {"drop": drop or None, "limit": limit}
        return Impact(self._named("GET", "/lineage/impact", params).data)

    def tag_impact(
        self,
        tag: EntityLike,
        *,
        depth: int | None = None,
        stage: str | None = None,
        limit: int | None = None,
    ) -> Impact:
        """Return the features, models and versions that data with a tag reaches, with paths.

        A step that masks ends the way; the answer lists these.

        Args:
            tag: Which one, or a classification: any tag of it.
            depth: Steps to go, 100 unless given.
            stage: Only versions in this stage, and models that have one there.
            limit: How many are listed at most; all are counted.
        """
        params = {"tag": _text(tag), "depth": depth, "stage": stage, "limit": limit}
        return Impact(self._named("GET", "/lineage/impact", params).data)

    def tagged_sources(
        self,
        entity: EntityLike,
        tag: EntityLike,
        *,
        kind: KindLike | None = None,
        depth: int | None = None,
        stage: str | None = None,
        limit: int | None = None,
    ) -> TaggedSources:
        """Return the data with a tag that a model is made from, masked on the way or not.

        Args:
            entity: Which model, asked about together with its versions; or any other node.
            tag: Which one, or a classification: any tag of it.
            kind: Of a bare name.
            depth: Steps to go, 100 unless given.
            stage: Of a model: only the versions in this stage, and the model if it has one there.
            limit: How many are listed at most; all are counted.
        """
        params = {**self._asked(entity, kind), "tag": _text(tag), "depth": depth}
        params |= {"stage": stage, "limit": limit}
        return TaggedSources(self._named("GET", "/lineage/tagged", params).data)

    def trained_on(
        self,
        entity: EntityLike,
        *,
        since: str | int | date | None = None,
        until: str | int | date | None = None,
        kind: KindLike | None = None,
        stage: str | None = None,
        depth: int | None = None,
        limit: int | None = None,
    ) -> TrainedOn:
        """Return the versions of models that were trained on a table or column, with paths.

        Args:
            entity: Which one, as in ``lineage``.
            since: Only trainings that ended then or later: ISO 8601, or milliseconds.
            until: Only trainings that ended then or earlier; of a date, by the end of that day.
            kind: Of a bare name.
            stage: Only versions in this stage.
            depth: Steps to go, 100 unless given: through views, too. 1 is what was read directly.
            limit: How many are listed at most; all are counted.
        """
        params = {**self._asked(entity, kind), "from": _moment(since), "to": _moment(until)}
        params |= {"stage": stage, "depth": depth, "limit": limit}
        return TrainedOn(self._named("GET", "/lineage/trained-on", params).data)

    def lineage_path(
        self,
        source: EntityLike,
        target: EntityLike,
        *,
        level: Literal["any", "column", "entity"] = "any",
        as_of: str | int | None = None,
    ) -> LineagePath:
        """Return the shortest way that data takes from one node to another, if there is one.

        Args:
            source: Where the data comes from; columns and features too, as in ``lineage``.
            target: Where it goes.
            level: Column by column, entity by entity, or the finer one if there is one.
            as_of: The path at a time (ISO 8601) or at a sequence number.
        """
        params = {
            "from": _text(source),
            "to": _text(target),
            "level": level,
            "asOf": as_of,
        }
        return LineagePath(self._named("GET", "/lineage/path", params).data)

    def lineage_diff(
        self,
        entity: EntityLike,
        since: str | int,
        until: str | int | None = None,
        *,
        kind: KindLike | None = None,
        upstream: int | None = None,
        downstream: int | None = None,
        level: View | None = None,
        limit: int | None = None,
    ) -> LineageDiff:
        """Return what is new, gone or changed in the lineage of an entity or part.

        Args:
            entity: Which one, as in ``lineage``.
            since: The earlier moment: a time (ISO 8601), a sequence number, or ``version:0.3``.
            until: The later one; now unless said.
            kind: Of a bare name.
            upstream: Steps to compare against the flow of data, 1 unless given.
            downstream: Steps to compare with it, 1 unless given.
            level: How fine; see ``lineage``.
            limit: How many edges of each direction are compared at most.
        """
        params = {
            **self._asked(entity, kind),
            "from": since,
            "to": until,
            "upstream": upstream,
            "downstream": downstream,
            "level": level,
            "limit": limit,
        }
        return LineageDiff(self._named("GET", "/lineage/diff", params).data)

    def lineage_roots(
        self,
        entity: EntityLike,
        *,
        kind: KindLike | None = None,
        level: Literal["entity", "column"] | None = None,
        depth: int | None = None,
        as_of: str | int | None = None,
        limit: int | None = None,
    ) -> LineageRoots:
        """Return where the data of an entity or part begins: what nothing feeds, of what feeds it.

        Args:
            entity: Which one, as in ``lineage``.
            kind: Of a bare name.
            level: How fine; see ``lineage``.
            depth: Steps to go, 100 unless given.
            as_of: At a moment; see ``lineage``.
            limit: How many are listed at most; all are counted.
        """
        params = {**self._asked(entity, kind), "level": level, "depth": depth}
        params |= {"asOf": as_of, "limit": limit}
        return LineageRoots(self._named("GET", "/lineage/roots", params).data)

    def lineage_cycles(
        self,
        entity: EntityLike,
        *,
        kind: KindLike | None = None,
        level: Literal["entity", "column"] | None = None,
        depth: int | None = None,
        as_of: str | int | None = None,
        limit: int | None = None,
    ) -> LineageCycles:
        """Return the circles that data goes in, among all that an entity or part reaches.

        Args:
            entity: Which one, as in ``lineage``.
            kind: Of a bare name.
            level: How fine; see ``lineage``.
            depth: Steps to go, 100 unless given.
            as_of: At a moment; see ``lineage``.
            limit: How many are listed at most.
        """
        params = {**self._asked(entity, kind), "level": level, "depth": depth}
        params |= {"asOf": as_of, "limit": limit}
        return LineageCycles(self._named("GET", "/lineage/cycles", params).data)

    def add_mlmodel_lineage(self, model: EntityLike) -> Lineage:
        """Derive a model's lineage from its feature sources again, and return it.

        Writing a model does this already; here it also lifts what a person had taken away.
        """
        path = self._path(address_of(model, "mlmodel"), start="/lineage/mlmodels")
        return Lineage(self._wire.send("POST", path).data, directions=["upstream"])

    def put_edge(
        self, source: EntityLike, target: EntityLike, *, details: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Say that data flows from one entity or part to another; saying it twice is no change.

        Args:
            source: Where the data comes from: an entity or part, or its name.
            target: Where the data goes.
            details: ``description``, ``sqlQuery``, ``source`` (how it is known), and
                ``columnsLineage``: a list of ``{"fromColumns", "toColumn", "function",
                "masking"}``. The entity's own FQN among the columns: perhaps any of them.
        """
        return self._edge("PUT", source, target, details)

    def delete_edge(self, source: EntityLike, target: EntityLike) -> dict[str, Any]:
        """Take an edge away; one that follows from documents stays away until it is lifted."""
        return self._edge("DELETE", source, target, None)

    def replace_edges(
        self,
        edges: Iterable[Edge],
        *,
        source: str | None = None,
        targets: Iterable[EntityLike] | None = None,
    ) -> dict[str, Any]:
        """Say all that this client's producer knows, in place of what it said before, at once.

        What is said again stays as it is, what is left out is closed. Others' edges, and what
        people suppressed, are not touched.

        Args:
            edges: ``(source, target, details)``, each as ``put_edge`` takes it.
            source: How all of them are known; only what was said of that source is replaced.
            targets: Only what leads to these is replaced, and other edges are added.

        Returns:
            How many assertions were ``opened`` and ``closed``, and how many are ``unchanged``.

        Raises:
            InvalidInputError: This client has no producer, or something of an edge is not right.
        """
        producer = self._wire.producer
        if producer is None:
            raise InvalidInputError(
                "edges are replaced by the producer that wrote them: Headwater(…, producer=…) or"
                " hw.as_producer(…) names it"
            )
        body: dict[str, Any] = {"edges": [_spelled(*edge) for edge in edges]}
        if source is not None:
            body["source"] = source
        if targets is not None:
            body["targets"] = [address_of(target).reference() for target in targets]
        path = f"/lineage/producers/{segment(producer)}"
        found: dict[str, Any] = self._wire.send("PUT", path, body=body).data
        return found

    def _edge(
        self,
        method: str,
        source: EntityLike,
        target: EntityLike,
        details: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        body = _spelled(source, target, details)
        found: dict[str, Any] = self._wire.send(method, "/lineage/edges", body=body).data
        return found

    def _asked(self, entity: EntityLike, kind: KindLike | None) -> dict[str, Any]:
        """The parameters of a query that name a node."""
        address = self._address(entity, kind)
        return {"fqn": address.id or address.fqn, "kind": address.kind}


def _spelled(
    source: EntityLike, target: EntityLike, details: Mapping[str, Any] | None
) -> dict[str, Any]:
    """An edge as requests spell it."""
    ends = [address_of(end).reference() for end in (source, target)]
    body: dict[str, Any] = {"fromEntity": ends[0], "toEntity": ends[1]}
    return body if details is None else body | {"lineageDetails": dict(details)}


def _moment(at: str | int | date | None) -> str | int | None:
    return at.isoformat() if isinstance(at, date) else at


def _text(entity: EntityLike) -> str:
    """What names a node in a query: its id, ``kind:fqn``, or the FQN alone."""
    address = address_of(entity)
    if address.id is not None:
        return address.id
    return f"{address.kind}:{address.fqn}" if address.kind else str(address.fqn)
