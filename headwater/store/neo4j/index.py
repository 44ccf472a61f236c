"""Constraints and indexes, each with its name. What they serve is in the modules that read."""

from __future__ import annotations

from collections.abc import Iterator

from headwater.schemas import Kind, Shape, kinds
from headwater.store.neo4j.layout import LINKS, label

SEARCH = "search_words"
"""The full-text index."""

# A name, then what it is on. Constraints are uniqueness; each has an index of the same name.
_CONSTRAINTS = {
    "entity_id": "(n:Entity) REQUIRE n.id",
    "entity_fqn": "(n:Entity) REQUIRE (n.fqn, n.kind)",
    "part_id": "(n:Part) REQUIRE n.id",
    "state_rev": "(n:_State) REQUIRE (n.entity_id, n.rev)",
    "commit_seq": "(n:_Commit) REQUIRE n.seq",
    "commit_id": "(n:_Commit) REQUIRE n.id",
    "event_number": "(n:_Event) REQUIRE n.number",
    "entry_number": "(n:_Entry) REQUIRE n.number",
    "search_id": "(n:_Search) REQUIRE n.id",
    "search_change_id": "(n:_SearchChange) REQUIRE n.id",
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
    "state_at": "(n:_State) ON (n.entity_id, n.seq, n.rev)",
    "commit_at": "(n:_Commit) ON (n.at, n.seq)",
    "event_entity": "(n:_Event) ON (n.entity_id)",
    "entry_type": "(n:_Entry) ON (n.entity_id, n.type, n.number)",
    "entry_key": "(n:_Entry) ON (n.entity_id, n.type, n.key, n.number)",
    "entry_anywhere": "(n:_Entry) ON (n.type, n.key, n.number)",
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
# Our words hold nothing that this analyzer divides or changes. An index that is consistent only
# eventually would forget what it had not yet written at a checkpoint, if the server dies later.
_SEARCH = f"""
CREATE FULLTEXT INDEX {SEARCH} IF NOT EXISTS
FOR (n:_Search) ON EACH [n.name, n.path, n.text, n.facets]
OPTIONS {{indexConfig: {{
  `fulltext.analyzer`: 'whitespace', `fulltext.eventually_consistent`: false}}}}
"""

OUTGROWN = ("state_seq",)
"""Indexes of earlier layouts."""


def indexes() -> dict[str, str]:
    """Every statement that makes a constraint or an index, by its name."""
    made = {
        name: f"CREATE CONSTRAINT {name} IF NOT EXISTS FOR {on} IS UNIQUE"
        for name, on in _CONSTRAINTS.items()
    }
    # People look for a class by its name, and an index serves only the label it is on. Two kinds
    # may have one label; it has one index.
    labels = {label(name): name for name in sorted(_known_kinds(), reverse=True)}
    named = {f"fqn_of_{name}": f"(n:`{title}`) ON (n.fqn)" for title, name in labels.items()}
    for name, on in {**_INDEXES, **named}.items():
        made[name] = f"CREATE INDEX {name} IF NOT EXISTS FOR {on}"
    made[SEARCH] = _SEARCH
    return made


def _known_kinds() -> set[str]:
    """Every kind of entity and of part that the schemas name."""
    names = {*kinds(), *LINKS}
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
