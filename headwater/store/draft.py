"""A write set under construction, and how services commit one against other writers."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import pydantic_core

from headwater.errors import InvalidInputError, StaleWriteError
from headwater.schemas import Kind, kind, kinds
from headwater.store.base import (
    EdgeKey,
    EdgeWrite,
    EntityWrite,
    EntryWrite,
    EventWrite,
    OpenEdges,
    Part,
    Record,
    Reference,
    Store,
    WriteSet,
)
from headwater.store.text import written_text

Document = dict[str, Any]
T = TypeVar("T")
TRIES = 60
PATIENCE = 10
_TURN = threading.RLock()
"""Others let whoever has it go first."""


def load(record: Record) -> Document:
    """The document of a record, parsed; the caller's own copy."""
    document: Document = pydantic_core.from_json(record.document)
    return document


def kind_of(record: Record) -> Kind:
    """The kind of a stored entity.

    Raises:
        InvalidInputError: No schema describes it: the file of an own kind is missing.
    """
    if record.kind not in kinds():
        raise InvalidInputError(
            f"no schema describes the kind {record.kind!r}, of which {record.fqn!r} is;"
            " HEADWATER_SCHEMAS names the folder of your own schemas"
        )
    return kind(record.kind)


def dump(value: Any) -> str:
    """JSON text as the store keeps it: compact, Unicode as it is."""
    return pydantic_core.to_json(value).decode()


def now_ms() -> int:
    """The wall clock in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def producer_of(entity_id: str) -> str:
    """The producer that keeps the edges derived from one entity's document."""
    return f"entity:{entity_id}"


def until_current(attempt: Callable[[], T]) -> T:
    """Run a write that reads first, again and again while other writers are faster.

    Every tenth time, those of this process wait until it is through.

    Raises:
        StaleWriteError: Others still were faster after 60 tries.
    """
    for tries in range(1, TRIES):
        try:
            with _TURN:
                if tries % PATIENCE == 0:
                    return _in_turn(attempt)
            return attempt()
        except StaleWriteError:
            time.sleep(random.uniform(0, 0.002 * min(tries, 10)))  # noqa: S311  (jitter, no secret)
    try:
        return attempt()
    except StaleWriteError as error:
        told = f"{error.message}; other writers were faster each of {TRIES} times, and nothing was"
        raise StaleWriteError(f"{told} written: try again", **error.details) from error


def _in_turn(attempt: Callable[[], T]) -> T:
    with suppress(StaleWriteError):  # by those who were at it already
        return attempt()
    return attempt()


Role = Literal["viewer", "editor", "admin"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who writes.

    Attributes:
        kind: ``person`` or ``bot``.
        producer: The connector or rule that a bot writes for.
        role: What the actor may do; the local person may do everything.
    """

    name: str = "local"
    kind: Literal["person", "bot"] = "person"
    producer: str | None = None
    role: Role = "admin"

    @property
    def writer(self) -> str:
        """Whose elements a write owns: each producer has its own, people share theirs."""
        if self.kind == "person":
            return "person"
        return self.producer or f"bot:{self.name}"


@dataclass(slots=True)
class Change:
    """One entity on its way from one state to the next.

    Attributes:
        before: The stored document, or None for a new entity.
        after: The new document; services complete it (ids, names, resolved columns).
        rev: Rev of ``before``; 0 for a new entity.
        parts: Parts to put; ``dropped_parts``: ids of those that are gone.
        references: Of ``after``, where they are known already.
        depends: Revs of the entities whose names the document spells, by id.
        about: Further properties of the ``changeDescription``.
        restores: The origins are those that the values had already, and stay as they are.
        follows: It follows from another write, such as a promotion, and asks for none itself.
    """

    kind: Kind
    id: str
    fqn: str
    name: str
    parent_id: str | None
    before: Document | None
    after: Document
    rev: int = 0
    origins: dict[str, Any] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    dropped_parts: list[str] = field(default_factory=list)
    references: list[Reference] | None = None
    depends: dict[str, int] = field(default_factory=dict)
    about: Document = field(default_factory=dict)
    restores: bool = False
    follows: bool = False


@dataclass(slots=True)
class Draft:
    """Collects what one commit will write."""

    entities: list[EntityWrite] = field(default_factory=list)
    edges: list[EdgeWrite] = field(default_factory=list)
    closed_edges: list[EdgeKey] = field(default_factory=list)
    events: list[EventWrite] = field(default_factory=list)
    entries: list[EntryWrite] = field(default_factory=list)
    erased: list[str] = field(default_factory=list)
    expects: dict[str, int] = field(default_factory=dict)
    expects_open: OpenEdges | None = None

    def merge(self, other: Draft) -> None:
        """Add everything that another draft holds."""
        self.entities += other.entities
        self.edges += other.edges
        self.closed_edges += other.closed_edges
        self.events += other.events
        self.entries += other.entries
        self.erased += other.erased
        self.depend_on(other.expects)

    def depend_on(self, revs: Mapping[str, int]) -> None:
        """Commit only if these entities still have these revs; of two, what was read first counts.

        An entity that changed between two reads was seen half in one state, half in another.
        """
        for entity_id, rev in revs.items():
            known = self.expects.get(entity_id)
            self.expects[entity_id] = min(known, rev) if known and rev else known or rev

    def commit(self, store: Store, actor: Actor) -> int | None:
        """Write it all in one commit and return its seq; a draft that holds nothing has none."""
        if not (self.entities or self.edges or self.closed_edges or self.entries or self.erased):
            return None
        write_set = WriteSet(
            actor=actor.name,
            actor_kind=actor.kind,
            producer=actor.producer,
            at=now_ms(),
            entities=tuple(self.entities),
            edges=tuple(self.edges),
            closed_edges=tuple(self.closed_edges),
            events=tuple(self.events),
            entries=tuple(self.entries),
            erased=tuple(self.erased),
            expects=self.expects,
            expects_open=self.expects_open,
        )
        return store.commit(write_set)


def in_order(which: Kind, document: Document) -> Document:
    """The document with its fields in the order of the schema, as it is stored.

    What the schema does not know, for it did once, is behind them.
    """
    return {name: document[name] for name in which.shape.fields if name in document} | document


def same_version(
    record: Record,
    document: Document,
    dropped: Iterable[str] = (),
    parts: Iterable[Part] = (),
    **fields: Any,
) -> EntityWrite:
    """A write that completes a stored document without making a version of it.

    Args:
        fields: Of ``EntityWrite``, in place of what the record has.
    """
    which = kind_of(record)
    return EntityWrite(
        **{
            "id": record.id,
            "kind": record.kind,
            "fqn": record.fqn,
            "name": record.name,
            "parent_id": record.parent_id,
            "version": record.version,
            "expected_rev": record.rev,
            "document": dump(in_order(which, document)),
            "deleted": record.deleted,
            "origins": record.origins,
            "references": None,
            "parts": tuple(parts),
            "dropped_parts": tuple(dropped),
            "search": written_text(which, document),
            **fields,
        }
    )
