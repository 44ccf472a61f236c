"""Builders of small write sets, so that a test of the suite names only what it is about."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from headwater.store.base import (
    EdgeKey,
    EdgeWrite,
    EntityWrite,
    EntryWrite,
    EventWrite,
    Level,
    Part,
    SearchText,
    WriteSet,
)

NOON = 1_700_000_000_000
"""The time of a commit whose test does not care, in epoch milliseconds."""


def entity(name: str, /, *, kind: str = "table", **fields: Any) -> EntityWrite:
    """A new entity with the id ``<kind>-<name>`` and the FQN ``<name>``, unless fields differ."""
    plain = {
        "id": f"{kind}-{name}",
        "kind": kind,
        "fqn": name,
        "name": name,
        "parent_id": None,
        "version": "0.1",
        "expected_rev": 0,
        "document": json.dumps({"name": name}),
    }
    return EntityWrite(**{**plain, **fields})


def following(write: EntityWrite, **changes: Any) -> EntityWrite:
    """The write that follows this one: the next rev, no parts put or dropped, and the changes."""
    plain = {"expected_rev": write.expected_rev + 1, "parts": (), "dropped_parts": ()}
    return replace(write, **{**plain, **changes})


def part(owner: str, name: str, *, kind: str = "column") -> Part:
    """A part with the FQN ``<owner>.<name>`` and the id ``<kind>-<owner>.<name>``."""
    fqn = f"{owner}.{name}"
    return Part(id=f"{kind}-{fqn}", kind=kind, fqn=fqn, name=name)


def key(
    from_id: str,
    to_id: str,
    *,
    level: Level = "coarse",
    source: str = "manual",
    producer: str = "ada",
) -> EdgeKey:
    """What identifies an assertion between two nodes."""
    return EdgeKey(from_id, to_id, level, source, producer)


def edge(from_id: str, to_id: str, *, details: str = "{}", **fields: Any) -> EdgeWrite:
    """An assertion between two nodes; ``fields`` are those of ``key``."""
    return EdgeWrite(key(from_id, to_id, **fields), details)


def entry(entity_id: str, type_: str = "metric", /, key: str = "", **fields: Any) -> EntryWrite:
    """An entry in the records of an entity."""
    return EntryWrite(entity_id, type_, key, **fields)


def found_by(name: str = "", path: str = "", text: str = "", **facets: str) -> SearchText:
    """What an entity is found by; each facet has one value."""
    return SearchText(name, path, text, {facet: (value,) for facet, value in facets.items()})


def event(entity_id: str, payload: str = "{}") -> EventWrite:
    """An event about a table."""
    return EventWrite(
        type="entityCreated",
        entity_id=entity_id,
        kind="table",
        fqn=entity_id.partition("-")[2],
        version="0.1",
        payload=payload,
    )


def writes(*entities: EntityWrite, at: int = NOON, **fields: Any) -> WriteSet:
    """A write set of a person, with the entities and whatever else ``fields`` names."""
    plain = {"actor": "ada", "actor_kind": "person", "producer": None}
    return WriteSet(**{**plain, **fields}, at=at, entities=entities)
