"""How the graph is laid out: labels, types, and the properties of nodes. Indexes: ``index.py``.

People query ``Entity`` and ``Part`` nodes, which also carry the label of their class, and the
relationships between them: ``CONTAINS``, ``HAS_…`` and open lineage. Labels that begin with an
underscore are nodes without relationships, which no path meets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from headwater.errors import InvalidInputError
from headwater.schemas import kinds
from headwater.store.base import EdgeKey, Entry, EventRecord, Level, Node, Record
from headwater.store.row import masks

FEEDS: dict[Level, str] = {"fine": "FEEDS", "coarse": "FEEDS_TABLE"}
"""Relationship types of open lineage."""

LOCK = """
MATCH (counter:_Counter {name: 'commit'})
SET counter.name = 'commit'
WITH counter.seq AS seq
"""
"""Begins a statement. Waits for the commit under way, until all of it can be read, and keeps others
out. Writes nothing."""

_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_INNER_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")
LINKS = {"mlFeature": "HAS_FEATURE", "featureSource": "HAS_SOURCE"}

# Labels of what is not a class: every entity and every part has one of them.
_TAKEN = ("Entity", "Part")


def label(kind: str) -> str:
    """The label of a kind: its class's name, such as ``MlModel`` or ``Column``."""
    known = kinds().get(kind)
    text = known.title if known and _LABEL.fullmatch(known.title) else kind[:1].upper() + kind[1:]
    if not _LABEL.fullmatch(text):
        raise InvalidInputError(f"{kind!r} cannot be the name of a kind: letters and digits only")
    return f"{text}_" if text in _TAKEN else text


def link(part_kind: str) -> str:
    """The type of the relationship from an entity to its parts of a kind."""
    return LINKS.get(part_kind) or "HAS_" + _INNER_CAPITAL.sub("_", label(part_kind)).upper()


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


def edge_properties(key: EdgeKey, details: str, opened_seq: int) -> dict[str, Any]:
    """What is stored of an assertion, wherever it is stored.

    ``masking`` is in the details too: here people's own queries can ask for it.
    """
    return {
        "from_id": key.from_id,
        "to_id": key.to_id,
        "level": key.level,
        "source": key.source,
        "producer": key.producer,
        "by_to": edge_place(key),
        "by_from": place(key.from_id, key.source, key.producer),
        "details": details,
        "masking": masks(details),
        "opened_seq": opened_seq,
    }


def edge_place(key: EdgeKey) -> str:
    """Where an assertion stands among those of its ``from`` node."""
    return place(key.to_id, key.source, key.producer)


def edge_key(stored: Mapping[str, Any]) -> EdgeKey:
    """The key of an assertion from its stored properties."""
    return EdgeKey(
        *(stored["from_id"], stored["to_id"], stored["level"], stored["source"], stored["producer"])
    )


def pack(record: Record) -> list[str]:
    """A state as the value of one property.

    A reader may see one property of a node before and another after a commit, but no half of one.
    """
    return [
        *(record.id, record.kind, record.fqn, record.name, record.parent_id or "", record.version),
        *(str(record.rev), str(record.seq), "deleted" if record.deleted else ""),
        *(record.document, record.origins),
    ]


def unpack(state: list[str]) -> Record:
    """The record that ``pack`` made a property of."""
    id_, kind, fqn, name, parent_id, version, rev, seq, deleted, document, origins = state
    return Record(
        *(id_, kind, fqn, name, parent_id or None, version),
        *(int(rev), int(seq), bool(deleted), document, origins),
    )


def entity_row(record: Record) -> dict[str, Any]:
    """The node of an entity in its present state."""
    properties = {
        "kind": record.kind,
        "fqn": record.fqn,
        "place": place(record.fqn),
        "name": record.name,
        "parent_id": record.parent_id,
        "version": record.version,
        "rev": record.rev,
        "deleted": record.deleted,
        "dropped": False,
        "state": pack(record),
    }
    return {"id": record.id, "properties": properties}


def state_row(record: Record) -> dict[str, Any]:
    """The node of one state."""
    return {
        "entity_id": record.id,
        "rev": record.rev,
        "seq": record.seq,
        "version": record.version,
        "state": pack(record),
    }


def part_row(node: Node) -> dict[str, Any]:
    """The node of a part."""
    properties = {
        "kind": node.kind,
        "fqn": node.fqn,
        "name": node.name,
        "owner_id": node.owner_id,
        "dropped": node.dropped,
        "deleted": node.deleted,
    }
    return {"id": node.id, "properties": properties}


def entry_row(entry: Entry) -> dict[str, Any]:
    """The node of an entry."""
    return entry._asdict()


def event_row(record: EventRecord) -> dict[str, Any]:
    """The node of an event."""
    event = record.event
    return {
        "number": record.number,
        "seq": record.seq,
        "at": record.at,
        "actor": record.actor,
        "producer": record.producer,
        "type": event.type,
        "entity_id": event.entity_id,
        "kind": event.kind,
        "fqn": event.fqn,
        "version": event.version,
        "payload": event.payload,
    }
