"""How the graph is laid out: labels, types, constraints and indexes, and how values are packed.

People query ``Entity`` and ``Part`` nodes, which also carry the label of their class, and the
relationships between them: ``CONTAINS``, ``HAS_…`` and open lineage. Labels that begin with an
underscore are nodes without relationships, which no path meets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from headwater.errors import InvalidInputError, StoreError
from headwater.schemas import Kind, kinds
from headwater.schemas.kind import Shape
from headwater.store.base import EdgeKey, EntityWrite, Level, Record
from headwater.store.neo4j.database import Database

LAYOUT = 1
"""Counts the releases of the layout."""

FEEDS: dict[Level, str] = {"fine": "FEEDS", "coarse": "FEEDS_TABLE"}
"""Relationship types of open lineage."""

_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_INNER_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")
_LINKS = {"mlFeature": "HAS_FEATURE", "featureSource": "HAS_SOURCE"}

# A name, then what it is on. Constraints are uniqueness; each has an index of the same name.
_CONSTRAINTS = {
    "entity_id": "(n:Entity) REQUIRE n.id",
    "entity_fqn": "(n:Entity) REQUIRE (n.fqn, n.kind)",
    "part_id": "(n:Part) REQUIRE n.id",
    "state_rev": "(n:_State) REQUIRE (n.entity_id, n.rev)",
    "commit_seq": "(n:_Commit) REQUIRE n.seq",
    "commit_id": "(n:_Commit) REQUIRE n.id",
    "event_number": "(n:_Event) REQUIRE n.number",
    "counter_name": "(n:_Counter) REQUIRE n.name",
    "suppression_down": "(n:_Suppression) REQUIRE (n.from_id, n.by_to)",
    "feeds_down": "()-[n:FEEDS]-() REQUIRE (n.from_id, n.by_to)",
    "feeds_table_down": "()-[n:FEEDS_TABLE]-() REQUIRE (n.from_id, n.by_to)",
}
_INDEXES = {
    "entity_place": "(n:Entity) ON (n.kind, n.deleted, n.place)",
    "entity_child": "(n:Entity) ON (n.parent_id, n.kind, n.deleted, n.place)",
    "part_fqn": "(n:Part) ON (n.fqn)",
    "part_owner": "(n:Part) ON (n.owner_id)",
    "state_seq": "(n:_State) ON (n.entity_id, n.seq)",
    "commit_at": "(n:_Commit) ON (n.at, n.seq)",
    "reference_from": "(n:_Reference) ON (n.entity_id)",
    "reference_to": "(n:_Reference) ON (n.target_id)",
    "suppression_up": "(n:_Suppression) ON (n.to_id, n.by_from)",
    "suppression_producer": "(n:_Suppression) ON (n.producer)",
    "closed_down": "(n:_ClosedEdge) ON (n.from_id, n.level, n.by_to)",
    "closed_up": "(n:_ClosedEdge) ON (n.to_id, n.level, n.by_from)",
    "closed_producer": "(n:_ClosedEdge) ON (n.producer)",
    "feeds_up": "()-[n:FEEDS]-() ON (n.to_id, n.by_from)",
    "feeds_producer": "()-[n:FEEDS]-() ON (n.producer)",
    "feeds_table_up": "()-[n:FEEDS_TABLE]-() ON (n.to_id, n.by_from)",
    "feeds_table_producer": "()-[n:FEEDS_TABLE]-() ON (n.producer)",
}

# ON CREATE alone: of two processes that come at once, the second changes nothing.
_COUNTERS = """
MERGE (c:_Counter {name: 'commit'}) ON CREATE SET c.seq = 0, c.at = 0, c.events = 0
MERGE (l:_Counter {name: 'layout'}) ON CREATE SET l.version = $version
"""


def schema() -> dict[str, str]:
    """Every statement that makes a constraint or an index, by its name."""
    made = {
        name: f"CREATE CONSTRAINT {name} IF NOT EXISTS FOR {on} IS UNIQUE"
        for name, on in _CONSTRAINTS.items()
    }
    # People look for a class by its name, and an index serves only the label it is on.
    named = {f"fqn_of_{name}": f"(n:`{label(name)}`) ON (n.fqn)" for name in _known_kinds()}
    for name, on in {**_INDEXES, **named}.items():
        made[name] = f"CREATE INDEX {name} IF NOT EXISTS FOR {on}"
    return made


def migrate(database: Database, *, dry_run: bool) -> list[str]:
    """See ``Store.migrate``. Kinds that are new since then get their index."""
    rows = database.read("MATCH (layout:_Counter {name: 'layout'}) RETURN layout.version")
    if rows and rows[0][0] > LAYOUT:
        raise StoreError(
            f"the store has layout {rows[0][0]}, this release knows {LAYOUT}: it was written by a"
            " newer release of Headwater"
        )
    there = {name for (name,) in database.read("SHOW INDEXES YIELD name")}
    missing = {name: statement for name, statement in schema().items() if name not in there}
    if not dry_run:
        for statement in missing.values():
            database.read(statement)
        if missing:
            database.read("CALL db.awaitIndexes()")
        if not rows:
            database.read(_COUNTERS, version=LAYOUT)
    return [f"make {name}" for name in missing]


def label(kind: str) -> str:
    """The label of a kind: its class's name, such as ``MlModel`` or ``Column``."""
    known = kinds().get(kind)
    text = known.title if known else kind[:1].upper() + kind[1:]
    if not _LABEL.fullmatch(text):
        raise InvalidInputError(f"{kind!r} cannot be the name of a kind: letters and digits only")
    return text


def link(part_kind: str) -> str:
    """The type of the relationship from an entity to its parts of a kind."""
    return _LINKS.get(part_kind) or "HAS_" + _INNER_CAPITAL.sub("_", label(part_kind)).upper()


def place(*texts: str) -> str:
    """A text that sorts as the texts do one after the other, by code point.

    Neo4j's indexes sort by code point, its memory by UTF-16 unit, and which of them answers is the
    planner's choice: on what this returns they agree.
    """
    return "\x01".join([_same_order(text) for text in texts])


def behind(text: str) -> str:
    """What sorts behind every place that begins with the text, and before the next text's."""
    return _same_order(text) + "\x02"


# In UTF-16 the code points from here on do not sort as they count.
_HIGH = re.compile("[\ud7ff-\U0010ffff]")


def _same_order(text: str) -> str:
    if text.isascii():
        return text
    return _HIGH.sub(lambda found: f"\ud7ff{ord(found[0]):06x}", text)


def edge_properties(key: EdgeKey) -> dict[str, Any]:
    """What is stored of an assertion's key, wherever it is stored."""
    return {
        "from_id": key.from_id,
        "to_id": key.to_id,
        "level": key.level,
        "source": key.source,
        "producer": key.producer,
        "by_to": edge_place(key),
        "by_from": place(key.from_id, key.source, key.producer),
    }


def edge_place(key: EdgeKey) -> str:
    """Where an assertion stands among those of its ``from`` node."""
    return place(key.to_id, key.source, key.producer)


def edge_key(stored: Mapping[str, Any]) -> EdgeKey:
    """The key of an assertion from its stored properties."""
    return EdgeKey(
        *(stored["from_id"], stored["to_id"], stored["level"], stored["source"], stored["producer"])
    )


def pack(write: EntityWrite, seq: int) -> list[str]:
    """A state as the value of one property.

    A reader may see one property of a node before and another after a commit, but no half of one.
    """
    return [
        *(write.id, write.kind, write.fqn, write.name, write.parent_id or "", write.version),
        *(str(write.expected_rev + 1), str(seq), "deleted" if write.deleted else ""),
        *(write.document, write.origins),
    ]


def unpack(state: list[str]) -> Record:
    """The record that ``pack`` made a property of."""
    id_, kind, fqn, name, parent_id, version, rev, seq, deleted, document, origins = state
    return Record(
        *(id_, kind, fqn, name, parent_id or None, version),
        *(int(rev), int(seq), bool(deleted), document, origins),
    )


def _known_kinds() -> set[str]:
    """Every kind of entity and of part that the schemas name."""
    names = {*kinds(), *_LINKS}
    for kind in kinds().values():
        names.update(_parts(kind))
    return names


def _parts(kind: Kind) -> Iterator[str]:
    seen: set[int] = set()
    shapes: list[Shape] = [kind.shape]
    while shapes:
        shape = shapes.pop()
        if id(shape) in seen:
            continue
        seen.add(id(shape))
        for field in shape.fields.values():
            if field.part:
                yield field.part
            if field.shape:
                shapes.append(field.shape)
