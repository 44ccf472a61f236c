"""What a store answers and is asked: states, nodes, edges, entries, events, and queries of them.

Named tuples, because a walk makes thousands of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Key = str | tuple[str, str]
"""What finds an entity: its id, or ``(kind, fully qualified name)``."""

Direction = Literal["upstream", "downstream"]
Level = Literal["fine", "coarse", "suppressed"]
"""``fine``: between parts, or a part and an entity. ``coarse``: between entities. ``suppressed``: a
person's word that the coarse or fine edge between the two must not be derived; no walk meets it."""
Deleted = Literal["exclude", "include", "only"]


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference of an entity: the path of the field, and the entity it points to."""

    field: str
    target_id: str


class EdgeKey(NamedTuple):
    """What tells one assertion from another.

    ``source`` says how it is known (such as ``featureSources``, ``view``, ``manual``), ``producer``
    who keeps it.
    """

    from_id: str
    to_id: str
    level: Level
    source: str
    producer: str


@dataclass(frozen=True, slots=True)
class EventWrite:
    """One thing that happened, for readers of the event log. ``payload`` is JSON text."""

    type: str
    entity_id: str
    kind: str
    fqn: str
    version: str
    payload: str = "{}"


class Record(NamedTuple):
    """A stored entity: now, or as it was.

    Attributes:
        seq: The commit that wrote this state.
        document: JSON text as it was committed.
    """

    id: str
    kind: str
    fqn: str
    name: str
    parent_id: str | None
    version: str
    rev: int
    seq: int
    deleted: bool
    document: str
    origins: str


class Node(NamedTuple):
    """A node of the lineage graph.

    Attributes:
        owner_id: The entity of a part; None for an entity.
        dropped: A part that is gone from its entity.
        deleted: The entity, or the part's entity, is soft-deleted.
    """

    id: str
    kind: str
    fqn: str
    name: str
    owner_id: str | None
    dropped: bool
    deleted: bool


class Edge(NamedTuple):
    """A stored assertion, open while ``closed_seq`` is None."""

    key: EdgeKey
    details: str
    opened_seq: int
    closed_seq: int | None

    @property
    def masking(self) -> bool:
        """Whether it says that nothing of the values can be told from the result."""
        return masks(self.details)


def masks(details: str) -> bool:
    """Whether an assertion's details say that nothing of the values can be told from the result."""
    if '"masking"' not in details:
        return False
    said = json.loads(details)
    return isinstance(said, dict) and said.get("masking") is True


class Hop(NamedTuple):
    """One step of a walk: the assertion and the node on its far side."""

    edge: Edge
    node: Node


class EventRecord(NamedTuple):
    """A stored event. ``number`` counts the store's events from 1 without a gap.

    Dropped events (``WriteSet.events_before``) are missing at the beginning, never in between.
    """

    number: int
    seq: int
    at: int
    actor: str
    producer: str | None
    event: EventWrite


class Entry(NamedTuple):
    """A stored entry.

    Attributes:
        number: Counts the store's entries from 1; later ones have higher numbers.
        recorded_at: When it was committed, in milliseconds; ``at`` is when it was so.
    """

    number: int
    seq: int
    recorded_at: int
    actor: str
    producer: str | None
    entity_id: str
    type: str
    key: str
    at: int
    data: str


class Commit(NamedTuple):
    """A line of the commit log; ``at`` is its recorded time in milliseconds."""

    seq: int
    at: int
    actor: str
    actor_kind: str
    producer: str | None


class StateRow(NamedTuple):
    """One state of an entity, as archives keep it.

    Attributes:
        references: All references of the present state, by field and target; None for a past state.
    """

    record: Record
    references: tuple[Reference, ...] | None


Row = Commit | StateRow | Node | Edge | Entry | EventRecord
"""What a store is made of, row by row. Nodes are parts: an entity's own node follows from it."""

Section = Literal["commits", "states", "parts", "edges", "entries", "events"]
"""The rows of a store by what they are, in the order in which they are loaded."""


class Term(NamedTuple):
    """Words that stand side by side in one of the fields of ``SearchText``.

    With ``prefix`` the last word is only begun: it is looked for by itself, in any field, and the
    words before it, if any, side by side.
    """

    words: tuple[str, ...]
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What is looked for: every term is found, and of every facet named one of the values holds.

    Without terms and filters everything that can be found is.

    Attributes:
        offset: Hits to pass over; at most ``MAX_HITS`` are ranked, so none lie behind that.
    """

    terms: tuple[Term, ...] = ()
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    limit: int = 10
    offset: int = 0


MAX_HITS = 2000
"""Up to so many hits are counted and ranked exactly; beyond, counts are lower bounds."""


class SearchResult(NamedTuple):
    """One page of hits, best first, ``origins`` left empty.

    Equal matches on every store; their order may differ: a match in the name counts most, then in
    the path, then in the text.

    Attributes:
        total: How many were found, up to ``MAX_HITS``.
        approximate: There are more than ``MAX_HITS``; total and facets count that many.
        facets: How many of the hits have each value, by facet and value.
    """

    records: list[Record]
    total: int
    approximate: bool
    facets: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which entities of a kind a list shows, ordered by FQN (by code point).

    Attributes:
        after: FQN that the page starts behind.
        parent_id: Only children of this entity.
        filters: Values by facet, as a ``SearchQuery`` has them; what is deleted has none, so that
            with filters ``deleted`` is ``exclude``.
    """

    kind: str
    limit: int
    after: str | None = None
    parent_id: str | None = None
    deleted: Deleted = "exclude"
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
