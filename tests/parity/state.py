"""What the oracle holds: entities, edges, and how versions count. Nothing here is the product's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Self

ROOTS = {"databaseSchema": "wh.main", "mlmodel": "headwater"}
"""FQNs of what stands above the kinds that the oracle follows to the root."""
LISTED = ("staging", "production")
PLACEHOLDERS = ("unknown", "mlmodel")


class Refused(Exception):  # noqa: N818  (an answer, as right as any other)
    """The catalog must refuse, with this code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Source(NamedTuple):
    """A feature source: a column's path, in the table with that id."""

    name: str
    table: str | None


Features = Mapping[str, frozenset[Source]]
Tie = tuple[str, Source]
"""A source in its feature."""


class Node(NamedTuple):
    """A node of the graph: an entity (no path), or a part of it by its path."""

    kind: str
    owner: str
    path: str = ""
    source: Source | None = None

    @property
    def is_part(self) -> bool:
        return bool(self.path)


class Edge(NamedTuple):
    """One assertion."""

    start: Node
    end: Node
    level: str
    source: str
    producer: str

    @property
    def pair(self) -> tuple[Node, Node]:
        return self.start, self.end


@dataclass(frozen=True, kw_only=True)
class Entity:
    """What all kinds have.

    Attributes:
        deleted: The number of the deletion that it went with; 0 while it is live.
        by_person: Whether a person wrote the description, or took it away.
    """

    id: str
    kind: str
    name: str
    parent: str = ""
    version: tuple[int, int] = (0, 1)
    deleted: int = 0
    description: str | None = None
    by_person: bool = False

    @property
    def node(self) -> Node:
        return Node(self.kind, self.id)

    @property
    def said(self) -> tuple[object, ...]:
        """What makes a version when it changes."""
        return self.name, self.description, bool(self.deleted)

    @property
    def sources(self) -> Iterator[Tie]:
        return iter(())


@dataclass(frozen=True, kw_only=True)
class Table(Entity):
    """Its columns in order, nested ones by their path, with their types."""

    columns: tuple[tuple[str, str], ...] = ()

    @property
    def said(self) -> tuple[object, ...]:
        return (*super().said, self.columns)


@dataclass(frozen=True, kw_only=True)
class Featured(Entity):
    """A model, or a version of one.

    Attributes:
        tied: The sources whose columns are known; nothing unties them.
    """

    algorithm: str | None = None
    features: Features | None = None
    tied: frozenset[Tie] = frozenset()

    @property
    def said(self) -> tuple[object, ...]:
        return (*super().said, self.algorithm, self.features or {})

    @property
    def sources(self) -> Iterator[Tie]:
        for name, sources in (self.features or {}).items():
            yield from ((name, source) for source in sources)


@dataclass(frozen=True, kw_only=True)
class Model(Featured):
    """A model and where its versions are; the last of those in production is served."""

    target: str | None = None
    last: int = 0
    latest: str | None = None
    staging: tuple[str, ...] = ()
    production: tuple[str, ...] = ()

    @property
    def said(self) -> tuple[object, ...]:
        return (*super().said, self.target)

    @property
    def serving(self) -> str | None:
        return self.production[-1] if self.production else None

    def stage_of(self, version_id: str) -> str:
        return next((stage for stage in LISTED if version_id in getattr(self, stage)), "none")

    def placed(self, version_id: str, stage: str | None) -> Model:
        """The model with the version as the newest in a stage, and in no other."""
        held = {each: _without(getattr(self, each), version_id) for each in LISTED}
        if stage in LISTED:
            held[stage] = (*held[stage], version_id)
        return replace(self, **held)  # type: ignore[arg-type]  # names of fields of that type


@dataclass(frozen=True, kw_only=True)
class ModelVersion(Featured):
    """One training.

    Attributes:
        frozen: Of each source, the version of its table then, and whether it was tied later.
    """

    number: int = 0
    stage: str = "none"
    frozen: Mapping[Tie, tuple[str | None, bool]] = field(default_factory=dict)


def _without(ids: tuple[str, ...], gone: str) -> tuple[str, ...]:
    return tuple(each for each in ids if each != gone)


def is_major(old: Entity, new: Entity) -> bool:
    """A column less, a column of another type; another algorithm that was known, another target."""
    if isinstance(old, Table) and isinstance(new, Table):
        types = dict(new.columns)
        return any(types.get(path) != type_ for path, type_ in old.columns)
    if isinstance(old, Model) and isinstance(new, Model):
        known = old.algorithm not in PLACEHOLDERS
        return (known and old.algorithm != new.algorithm) or old.target != new.target
    return False


def counted(old: Entity, new: Entity) -> Entity:
    """The new state with its version: counted up when something changed that makes one."""
    if old.said == new.said:
        return new
    major, minor = old.version
    return replace(new, version=(major + 1, 0) if is_major(old, new) else (major, minor + 1))


def quote(name: str) -> str:
    """A name as FQNs have it."""
    return f'"{name}"' if "." in name else name


@dataclass
class State:
    """All of it at one moment. The values are never changed, so a copy is cheap.

    Attributes:
        columns: The paths of the columns that each table ever had.
        names: FQNs that erased tables had at the end, which states of the past still spell.
    """

    entities: dict[str, Entity] = field(default_factory=dict)
    columns: dict[str, frozenset[str]] = field(default_factory=dict)
    edges: dict[Edge, str | None] = field(default_factory=dict)
    suppressed: frozenset[tuple[Node, Node]] = frozenset()
    names: dict[str, str] = field(default_factory=dict)
    deletions: int = 0

    def copy(self) -> Self:
        return replace(
            self,
            entities=dict(self.entities),
            columns=dict(self.columns),
            edges=dict(self.edges),
            names=dict(self.names),
        )

    def without(self, gone: set[str]) -> Self:
        """This moment after the erasure of some entities, which takes them out of the past, too."""
        out = self.copy()
        for each in gone & self.entities.keys():
            out.names[each] = self.fqn(each)
            del out.entities[each]
        out.edges = {
            edge: details
            for edge, details in self.edges.items()
            if gone.isdisjoint((edge.start.owner, edge.end.owner))
        }
        out.suppressed = frozenset(
            pair for pair in self.suppressed if gone.isdisjoint(node.owner for node in pair)
        )
        return out

    def of(self, kind: str, *, deleted: bool | None = False) -> list[Entity]:
        """The entities of a kind: live, deleted, or (None) all."""
        return [
            each
            for each in self.entities.values()
            if each.kind == kind and deleted in (None, bool(each.deleted))
        ]

    def named(self, kind: str, parent: str, name: str) -> Entity | None:
        """The entity of that name, deleted or not."""
        found = (each for each in self.of(kind, deleted=None) if each.name == name)
        return next((each for each in found if each.parent == parent), None)

    def live(self, entity_id: str) -> Entity:
        """An entity that is there.

        Raises:
            Refused: It is not.
        """
        found = self.entities.get(entity_id)
        if found is None or found.deleted:
            raise Refused("not-found")
        return found

    def versions_of(self, model_id: str) -> list[ModelVersion]:
        return [
            each
            for each in self.entities.values()
            if isinstance(each, ModelVersion) and each.parent == model_id
        ]

    def fqn(self, entity_id: str) -> str:
        entity = self.entities.get(entity_id)
        if entity is None:
            return self.names[entity_id]
        above = ROOTS.get(entity.kind) or self.fqn(entity.parent)
        return f"{above}.{quote(entity.name)}"

    def node_fqn(self, node: Node) -> str:
        """The FQN of a node; a source that waits for a column of a table has the column's."""
        if node.source is None:
            return self.fqn(node.owner) + (f".{node.path}" if node.path else "")
        table, name = node.source.table, quote(node.source.name)
        return (
            f"{self.fqn(table)}.{name}" if table else f"{self.fqn(node.owner)}.{node.path}.{name}"
        )

    def would_merge_sources(self, table_id: str) -> bool:
        """Whether without a table two sources of a feature had nothing to tell them apart."""
        features = (
            sources
            for each in self.entities.values()
            if isinstance(each, Featured)
            for sources in (each.features or {}).values()
        )
        return any(
            len(names) > len({*names})
            for sources in features
            for names in [[s.name for s in sources if s.table in (None, table_id)]]
        )

    def is_dropped(self, node: Node) -> bool:
        """Whether the entity of a part has it no more."""
        owner = self.entities[node.owner]
        if node.kind == "column" and isinstance(owner, Table):
            return node.path not in dict(owner.columns)
        if node.kind == "mlFeature" and isinstance(owner, Featured):
            return node.path not in (owner.features or {})
        return False
