"""The client: what people and connectors say to the catalog, over HTTP or in process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Literal

from headwater.sdk.address import EntityLike, KindLike, address_of
from headwater.sdk.entities import EntityCalls
from headwater.sdk.impact import Impact
from headwater.sdk.lineage import Direction, Lineage
from headwater.sdk.session import PAGE


class Headwater(EntityCalls):
    """A client of one catalog; safe to use from many threads at once.

    Where a method takes an *entity*, it takes an entity that was read, an ``EntityReference``, an
    id, a fully qualified name, or the text form ``kind:fqn``. Where it takes a *kind*, it takes an
    entity's class or the name of a kind, collection or class. Every method raises subclasses of
    ``HeadwaterError``: those that the server raised, and ``ClientError`` when the server is not
    reached or not understood.

    Example:
        >>> with Headwater("http://127.0.0.1:8585") as hw:
        ...     model = hw.get(MlModel, "headwater.churn")
        ...     model.description = "Who leaves next month"
        ...     model = hw.update(model)
    """

    # Lineage

    def lineage(
        self,
        entity: EntityLike,
        *,
        kind: KindLike | None = None,
        upstream: int = 1,
        downstream: int = 1,
        level: Literal["entity", "feature", "column"] = "entity",
        as_of: str | int | None = None,
        limit: int | None = None,
    ) -> Lineage:
        """Return what an entity or part is made from, and what is made from it.

        Args:
            entity: Which one; columns and features too, as ``column:fqn`` and ``mlFeature:fqn``.
            kind: Of a bare name or id.
            upstream: Steps to go against the flow of data.
            downstream: Steps to go with the flow of data.
            level: How fine the answer is.
            as_of: The lineage at a time (ISO 8601) or at a sequence number.
            limit: How many edges each direction returns at most.

        Raises:
            NotFoundError: There is none.
            ConflictError: A bare FQN names several; ``details["candidates"]`` lists them.
        """
        address = self._node(address_of(entity, kind))
        params = {
            "upstream": upstream,
            "downstream": downstream,
            "level": level,
            "asOf": as_of,
            "limit": limit,
        }
        answer = self._wire.send("GET", address.within(f"/lineage/{address.kind}"), params=params)
        asked: list[tuple[Direction, int]] = [("upstream", upstream), ("downstream", downstream)]
        return Lineage(answer.data, directions=[d for d, steps in asked if steps])

    def impact(
        self,
        entity: EntityLike,
        *,
        kind: KindLike | None = None,
        depth: int | None = None,
        as_of: str | int | None = None,
    ) -> Impact:
        """Return the models that a column, a table or another node reaches, with a path for each.

        Args:
            entity: Which one; usually the fully qualified name of a column.
            kind: Of a bare name.
            depth: Steps to go, 8 unless given.
            as_of: The impact at a time (ISO 8601) or at a sequence number.
        """
        address = address_of(entity, kind)
        fqn = address.fqn or self._fqn(entity, address.kind)
        params = {"fqn": fqn, "kind": address.kind, "depth": depth, "asOf": as_of}
        return Impact(self._wire.send("GET", "/lineage/impact", params=params).data)

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
                ``columnsLineage``: a list of ``{"fromColumns", "toColumn", "function"}``.
        """
        return self._edge("PUT", source, target, details)

    def delete_edge(self, source: EntityLike, target: EntityLike) -> dict[str, Any]:
        """Take an edge away; one that follows from documents stays away until it is lifted."""
        return self._edge("DELETE", source, target, None)

    # The catalog as a whole

    def events(self, *, after: int | str = 0, limit: int | None = None) -> Iterator[dict[str, Any]]:
        """Iterate over what happened, oldest first, up to now.

        Args:
            after: Number of the last event that is known already.
            limit: The most to return; None for all.
        """
        params = {"limit": PAGE if limit is None else max(1, min(limit, PAGE)), "after": after}
        return islice(self._pages("/events", params), limit)

    def health(self) -> dict[str, Any]:
        """Return the server's state: ``status``, ``version``, ``store``."""
        found: dict[str, Any] = self._wire.send("GET", "/health").data
        return found

    def _edge(
        self,
        method: str,
        source: EntityLike,
        target: EntityLike,
        details: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        ends = [address_of(end).reference() for end in (source, target)]
        body: dict[str, Any] = {"fromEntity": ends[0], "toEntity": ends[1]}
        if details is not None:
            body["lineageDetails"] = dict(details)
        found: dict[str, Any] = self._wire.send(method, "/lineage/edges", body=body).data
        return found
