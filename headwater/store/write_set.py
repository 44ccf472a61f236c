"""The one write: what a commit is told to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from headwater.store.row import EdgeKey, EventWrite, Record, Reference


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
class SearchText:
    """What an entity is found by: words as ``store.text`` makes them, joined by single spaces.

    Attributes:
        name: Words of the name and the display name.
        path: Words of the FQN and of the parts' names.
        text: Words of descriptions and other searchable fields.
        facets: Values by facet (``kind``, ``service``, ``owner``, ``tag``, ``stage``).
    """

    name: str
    path: str = ""
    text: str = ""
    facets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EntityWrite:
    """The new state of one entity.

    Attributes:
        expected_rev: The rev that is replaced; 0 for a new entity.
        document: The JSON text that reads answer, byte for byte.
        origins: JSON text: who set each field, and how.
        references: All references, replacing those stored; None leaves them as they are.
        parts: Parts that are new or changed (a dropped one that is put again lives again).
        dropped_parts: Ids of parts that are gone from the entity; their nodes and edges stay. One
            that stands in ``parts``, too, comes along from another store as gone.
        search: What the entity is found by from now on; ``"document"``: what ``store.text`` makes
            of its document, as late as when somebody asks; None: it is not found.
        history: States that a new entity brings along from another store, oldest first: kept under
            their revs, as if recorded by this commit. The entity's rev follows the last one's.
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
    search: SearchText | Literal["document"] | None = None
    history: tuple[Record, ...] = ()


@dataclass(frozen=True, slots=True)
class EdgeWrite:
    """An assertion to hold from now on. ``details`` is JSON text.

    An open assertion with the key and equal details stays as it is; with other details it is closed
    and opened anew.
    """

    key: EdgeKey
    details: str = "{}"


class Recorded(NamedTuple):
    """When something was recorded, in milliseconds, by whom, and for which producer."""

    at: int
    actor: str
    producer: str | None


@dataclass(frozen=True, slots=True)
class EntryWrite:
    """One entry to append to an entity's records.

    Attributes:
        type: What it records, such as ``metric``, ``status``, ``usage``, ``follower``.
        key: What it is about within its type, such as a metric's name or a user's id.
        at: When it was so, in milliseconds since the epoch (the commit has when it was recorded).
        data: JSON text.
        recorded: What another store, from which it comes, has of its commit; None: this commit.
    """

    entity_id: str
    type: str
    key: str = ""
    at: int = 0
    data: str = "{}"
    recorded: Recorded | None = None


class OpenEdges(NamedTuple):
    """What a producer has open, as far as it takes to notice a change of it.

    Attributes:
        number: How many assertions, of every level; ``newest`` is their highest ``opened_seq``, 0
            where there are none.
    """

    producer: str
    number: int
    newest: int


@dataclass(frozen=True, slots=True)
class WriteSet:
    """Everything that one commit writes, all or nothing.

    An entity, a part or an assertion stands in it once. Where an assertion is both closed and put,
    it is closed first. Erasing comes before everything else but the comparison of revs.

    Attributes:
        actor: Who writes; ``actor_kind`` is ``person`` or ``bot``.
        producer: The connector or rule that writes for the actor, or None.
        at: Wall clock in milliseconds; the store never lets recorded time go back.
        entries: Appended to the records of entities that are stored, or erased by this commit.
        erased: Ids of entities to erase: document, past, parts, edges (open and closed), search
            text, entries and what they refer to go; their events lose the payload (``{}``).
            Refused while another entity refers to one, or lies below one, after this commit.
        events_before: Events with a lower number are dropped for good; 0 drops none.
        expects: Revs of entities that the write depends on without writing them (those to be erased
            among them); 0 in place of a rev asks only that the entity is there.
        expects_open: What a producer has open before this commit; None: whatever it is.
    """

    actor: str
    actor_kind: Literal["person", "bot"]
    producer: str | None
    at: int
    entities: tuple[EntityWrite, ...] = ()
    edges: tuple[EdgeWrite, ...] = ()
    closed_edges: tuple[EdgeKey, ...] = ()
    events: tuple[EventWrite, ...] = ()
    entries: tuple[EntryWrite, ...] = ()
    erased: tuple[str, ...] = ()
    events_before: int = 0
    expects: Mapping[str, int] = field(default_factory=dict)
    expects_open: OpenEdges | None = None
