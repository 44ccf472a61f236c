"""The store port: what a store keeps, the one write, the reads. Adapters add nothing public.

Words used throughout:

- *entity*: a versioned document with an id; *part*: a column, feature or unresolved source of an
  entity, with an id of its own; *node*: either, as lineage sees it.
- *rev*: counts the writes of one entity from 1; *seq*: counts the commits of the store from 1.
  As-of reads name a seq.
- *edge*: one assertion ``(from, to, level, source, producer)``. It is opened by one commit and
  closed by another, never deleted.
- *entry*: one line of an entity's records (a metric, a status, a follow, a lifecycle move):
  appended, never changed, and no version of the entity.
- *erased*: gone with its past, by an explicit act; what is soft-deleted is all still there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

from headwater.store.row import (
    MAX_HITS,
    Commit,
    Deleted,
    Direction,
    Edge,
    EdgeKey,
    Entry,
    EventRecord,
    EventWrite,
    Hop,
    Key,
    Level,
    Node,
    PageQuery,
    Record,
    Reference,
    Row,
    SearchQuery,
    SearchResult,
    Section,
    StateRow,
    Term,
)
from headwater.store.write_set import (
    EdgeWrite,
    EntityWrite,
    EntryWrite,
    OpenEdges,
    Part,
    Recorded,
    SearchText,
    WriteSet,
)

__all__ = [
    "MAX_HITS",
    "Commit",
    "Deleted",
    "Direction",
    "Edge",
    "EdgeKey",
    "EdgeWrite",
    "EntityWrite",
    "Entry",
    "EntryWrite",
    "EventRecord",
    "EventWrite",
    "Hop",
    "Key",
    "Level",
    "Node",
    "OpenEdges",
    "PageQuery",
    "Part",
    "Record",
    "Recorded",
    "Reference",
    "Row",
    "SearchQuery",
    "SearchResult",
    "SearchText",
    "Section",
    "StateRow",
    "Store",
    "Term",
    "WriteSet",
]


class Store(ABC):
    """A place that keeps the catalog. Instances are safe to use from many threads at once.

    Every method raises ``StoreError`` when the store cannot be reached, fails or is closed;
    drivers' exceptions never pass. Text that is not valid Unicode and numbers beyond 64 bits may be
    refused with ``InvalidInputError``.
    """

    local: bool
    """True when reads are answered within the process, in microseconds."""
    on_commit: Callable[[WriteSet, int], None] | None = None
    """A local store tells it of each commit that this instance makes, with its seq, right after."""

    @abstractmethod
    def commit(self, write_set: WriteSet) -> int:
        """Write all of it or nothing, durably, and return the commit's seq.

        Checked inside the transaction, so that two writers cannot both win: expected revs and open
        edges, that an FQN is held by one entity of its kind (soft-deleted ones hold theirs), that
        what is live has a live parent or none, that the targets of references are stored, that both
        ends of new edges are nodes, that where an FQN changes everything is written that spells it:
        what lies directly below, and what refers to it. The state that an entity had stays readable
        as of earlier commits. Recorded time is monotone: a clock that went back counts as standing
        still.

        Raises:
            StaleWriteError: An entity has another rev, a producer other edges than expected, or a
                parent, target or node is not there, or a live child is: read again and retry.
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
    def referrers(self, entity_ids: Collection[str]) -> list[tuple[str, str, str]]:
        """Return ``(target id, entity id, field path)`` of every reference to some, ordered.

        One round trip, however many targets are asked for.
        """

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
    def entries(
        self,
        *,
        entity_ids: Collection[str] | None = None,
        types: Collection[str] | None = None,
        keys: Collection[str] | None = None,
        before: int | None = None,
        as_of: int | None = None,
        latest: bool = False,
        limit: int = 100,
    ) -> list[Entry]:
        """Return entries that match every filter given, newest (highest number) first.

        At least one of ``entity_ids`` and ``keys`` is given; ``keys`` go with ``types``.

        Args:
            before: Only numbers below this one.
            as_of: Only what was recorded by that commit.
            latest: Only the newest of each entity, type and key, as of the commit if one is given.
        """

    @abstractmethod
    def search(self, query: SearchQuery) -> SearchResult:
        """Return a page of the entities that a query finds; the deleted are not found."""

    @abstractmethod
    def dump(self, section: Section) -> Iterator[Row]:
        """Yield every row of a section.

        Commits, entries and events come in order of their numbers, states by seq and id (of past
        and present), parts by id, edges by key and ``opened_seq``.

        One iterator sees one state of its section. Writers that go on meanwhile may be seen by the
        next section: a caller who needs them to agree leaves out what is newer than a seq.
        """

    @abstractmethod
    def load(self, rows: Iterable[Row]) -> None:
        """Fill an empty store with the rows of another, in the order of ``Section``, as they are.

        Numbers, seqs and times stay. Search text is made anew from the documents. All or nothing:
        a store that was left half loaded is refused by ``migrate`` and ``open_store`` until it is
        loaded again from the start.

        Raises:
            ConflictError: The store holds something already.
        """

    @abstractmethod
    def sequence(self, at: int | None = None) -> int:
        """Return the seq of the newest commit, or of the newest recorded at or before ``at`` (ms).

        0 when there is none.
        """

    @abstractmethod
    def migrate(self, *, dry_run: bool = False, backup: Path | None = None) -> list[str]:
        """Bring an empty or older store to this release's layout, and return the steps taken.

        An older store is backed up first; one that has no file, by the caller.

        Args:
            dry_run: Only return the steps, one line each; none when the layout is this release's.
            backup: What the file is copied to; unless given, a file beside it.

        Raises:
            ConflictError: The backup is there already.
            StoreError: The store was written by a newer release, or a load of it was interrupted
                (``details["half_loaded"]``): then it can still be loaded again.
        """

    @abstractmethod
    def close(self) -> None:
        """Release connections. Closing twice is allowed."""
