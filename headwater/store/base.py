"""The store port: what a store keeps, the one write, the reads. Adapters add nothing public.

What reads return are named tuples: a walk makes thousands of them. Words used throughout:

- *entity*: a versioned document with an id; *part*: a column, feature or unresolved source of an
  entity, with an id of its own; *node*: either, as lineage sees it.
- *rev*: counts the writes of one entity from 1; *seq*: counts the commits of the store from 1.
  As-of reads name a seq.
- *edge*: one assertion ``(from, to, level, source, producer)``. It is opened by one commit and
  closed by another, never deleted.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
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


@dataclass(frozen=True, slots=True)
class Part:
    """A part as it is to be stored, owned by the entity it is written with.

    The id is the part's for good: it is neither an entity's nor of another owner. ``fqn`` need not
    be unique.
    """

    id: str
    kind: str
    fqn: str
    name: str


@dataclass(frozen=True, slots=True)
class EntityWrite:
    """The new state of one entity.

    Attributes:
        expected_rev: The rev that is replaced; 0 for a new entity.
        document: The JSON text that reads answer, byte for byte.
        origins: JSON text: who set each field, and how.
        references: All references, replacing those stored; None leaves them as they are.
        parts: Parts that are new or changed (a dropped one that is put again lives again).
        dropped_parts: Ids of parts that are gone from the entity; their nodes and edges stay.
    """

    id: str
    kind: str
    fqn: str
    name: str
    parent_id: str | None
    version: str
    expected_rev: int
    document: str
    deleted: bool = False
    origins: str = "{}"
    references: tuple[Reference, ...] | None = ()
    parts: tuple[Part, ...] = ()
    dropped_parts: tuple[str, ...] = ()


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
class EdgeWrite:
    """An assertion to hold from now on. ``details`` is JSON text.

    An open assertion with the key and equal details stays as it is; with other details it is closed
    and opened anew.
    """

    key: EdgeKey
    details: str = "{}"


@dataclass(frozen=True, slots=True)
class EventWrite:
    """One thing that happened, for readers of the event log. ``payload`` is JSON text."""

    type: str
    entity_id: str
    kind: str
    fqn: str
    version: str
    payload: str = "{}"


@dataclass(frozen=True, slots=True)
class WriteSet:
    """Everything that one commit writes, all or nothing.

    An entity, a part or an assertion stands in it once. Where an assertion is both closed and put,
    it is closed first.

    Attributes:
        actor: Who writes; ``actor_kind`` is ``person`` or ``bot``.
        producer: The connector or rule that writes for the actor, or None.
        at: Wall clock in milliseconds; the store never lets recorded time go back.
        expects: Revs of entities that the write depends on without writing them; 0 in place of a
            rev asks only that the entity is there.
    """

    actor: str
    actor_kind: Literal["person", "bot"]
    producer: str | None
    at: int
    entities: tuple[EntityWrite, ...] = ()
    edges: tuple[EdgeWrite, ...] = ()
    closed_edges: tuple[EdgeKey, ...] = ()
    events: tuple[EventWrite, ...] = ()
    expects: Mapping[str, int] = field(default_factory=dict)


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


class Hop(NamedTuple):
    """One step of a walk: the assertion and the node on its far side."""

    edge: Edge
    node: Node


class EventRecord(NamedTuple):
    """A stored event. ``number`` counts the store's events from 1 without a gap."""

    number: int
    seq: int
    at: int
    actor: str
    producer: str | None
    event: EventWrite


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which entities of a kind a list shows, ordered by FQN (by code point).

    Attributes:
        after: FQN that the page starts behind.
        parent_id: Only children of this entity.
    """

    kind: str
    limit: int
    after: str | None = None
    parent_id: str | None = None
    deleted: Deleted = "exclude"


class Store(ABC):
    """A place that keeps the catalog. Instances are safe to use from many threads at once.

    Every method raises ``StoreError`` when the store cannot be reached, fails or is closed;
    drivers' exceptions never pass. Text that is not valid Unicode and numbers beyond 64 bits may be
    refused with ``InvalidInputError``.
    """

    local: bool
    """True when reads are answered within the process, in microseconds."""

    @abstractmethod
    def commit(self, write_set: WriteSet) -> int:
        """Write all of it or nothing, durably, and return the commit's seq.

        Checked inside the transaction, so that two writers cannot both win: expected revs, that an
        FQN is held by one entity of its kind (soft-deleted ones hold theirs), that what is live has
        a live parent or none, that the targets of references are stored, that both ends of new
        edges are nodes. The state that an entity had stays readable as of earlier commits. Recorded
        time is monotone: a clock that went back counts as standing still.

        Raises:
            StaleWriteError: An entity has another rev, or a parent, target or node is not there,
                or a live child is: read again and retry.
            AlreadyExistsError: The FQN belongs to another entity of the kind.
        """

    @abstractmethod
    def find(
        self, key: Key, *, as_of: int | None = None, version: str | None = None
    ) -> Record | None:
        """Return one entity, soft-deleted or not, or None.

        Args:
            key: Id, or kind and FQN (the FQN that it has now).
            as_of: The state after that commit; None before the entity was created.
            version: The last state that carried that version. Not together with ``as_of``.
        """

    @abstractmethod
    def find_many(self, keys: Collection[Key], *, as_of: int | None = None) -> dict[Key, Record]:
        """Return the entities that are there, by the key that was asked, in one round trip."""

    @abstractmethod
    def page(self, query: PageQuery) -> list[Record]:
        """Return up to ``query.limit`` entities in order, their ``origins`` left empty (``""``)."""

    @abstractmethod
    def count(self, query: PageQuery) -> int:
        """Return how many entities the query matches, whatever its ``limit`` and ``after``."""

    @abstractmethod
    def versions(
        self, entity_id: str, *, before_rev: int | None = None, limit: int = 100
    ) -> list[Record]:
        """Return the states of an entity, newest first, the present one included.

        Several states may carry one version (a rename makes none); each is listed.
        """

    @abstractmethod
    def descendants(self, entity_id: str) -> list[Record]:
        """Return children, their children and so on, soft-deleted ones too, parents first."""

    @abstractmethod
    def referrers(self, entity_id: str) -> list[tuple[str, str]]:
        """Return ``(entity id, field path)`` of every reference to the entity, ordered."""

    @abstractmethod
    def nodes(
        self,
        *,
        ids: Collection[str] | None = None,
        fqns: Collection[str] | None = None,
        owner_ids: Collection[str] | None = None,
        kinds: Collection[str] | None = None,
    ) -> list[Node]:
        """Return nodes that match every filter given, dropped and deleted ones too, by FQN and id.

        At least one of ``ids``, ``fqns`` and ``owner_ids`` is given. ``owner_ids`` finds parts.
        """

    @abstractmethod
    def expand(
        self,
        ids: Collection[str],
        direction: Direction,
        level: Level,
        *,
        limit: int,
        as_of: int | None = None,
        after: tuple[str, str] | None = None,
    ) -> list[Hop]:
        """Return one hop of a walk from all the nodes: assertions and the nodes they lead to.

        Ordered by near id, then far id, then source and producer. ``after`` (a near and a far id)
        continues behind that pair. ``limit`` counts assertions, so that a page may end within a
        pair: ask for one more to see whether it did. An edge counts as of a commit when it was
        opened by then and not yet closed. Only what is returned is touched, so a hub costs no more
        than ``limit``.
        """

    @abstractmethod
    def degrees(
        self,
        ids: Collection[str],
        direction: Direction,
        level: Level,
        *,
        as_of: int | None = None,
    ) -> dict[str, int]:
        """Return how many distinct neighbours each node has; nodes without any may be left out."""

    @abstractmethod
    def edges(
        self,
        *,
        source: str | None = None,
        producer: str | None = None,
        from_ids: Collection[str] | None = None,
        to_ids: Collection[str] | None = None,
        include_closed: bool = False,
    ) -> list[Edge]:
        """Return assertions that match every filter given, ordered by key and ``opened_seq``.

        At least one of ``producer``, ``from_ids`` and ``to_ids`` is given.
        """

    @abstractmethod
    def events(self, *, after: int = 0, limit: int = 100) -> list[EventRecord]:
        """Return events behind a number, in order. A reader that asks on never misses one."""

    @abstractmethod
    def sequence(self, at: int | None = None) -> int:
        """Return the seq of the newest commit, or of the newest recorded at or before ``at`` (ms).

        0 when there is none.
        """

    @abstractmethod
    def migrate(self) -> None:
        """Bring an empty or older store to this release's layout; does nothing when it is there.

        Raises:
            StoreError: The store was written by a newer release.
        """

    @abstractmethod
    def close(self) -> None:
        """Release connections. Closing twice is allowed."""
