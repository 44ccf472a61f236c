"""Rows as an archive spells them: one flat JSON object each, engine-independent."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any, NamedTuple, get_args

import pydantic_core

from headwater.schemas import kinds
from headwater.store.base import (
    Edge,
    EdgeKey,
    Entry,
    EventRecord,
    EventWrite,
    Node,
    Record,
    Reference,
    Row,
    Section,
    StateRow,
)
from headwater.store.row import Commit

SECTIONS: tuple[Section, ...] = get_args(Section)


class _Form(NamedTuple):
    """How the rows of one section are flattened, and made again.

    Attributes:
        names: The wire names of the values, in their order.
    """

    names: tuple[str, ...]
    values: Callable[[Any], Iterator[Any]]
    make: Callable[..., Row]


def encode(section: Section, row: Row) -> dict[str, Any]:
    """The JSON form of a row of a section."""
    form = _FORMS[section]
    return {"section": section, **dict(zip(form.names, form.values(row), strict=True))}


def decode(line: Mapping[str, Any]) -> Row:
    """The row that ``encode`` made the JSON form of.

    Raises:
        KeyError: The section is unknown, or the row lacks a value.
    """
    form = _FORMS[line["section"]]
    return form.make(*[line[name] for name in form.names])


def fault_of(line: Mapping[str, Any]) -> str | None:
    """What is wrong with the JSON form of a row; None if a store could have it."""
    try:
        row = decode(line)
    except (KeyError, TypeError) as error:
        return f"it is no row of this section ({error})"
    return _document_fault(row) if isinstance(row, StateRow) else None


def _document_fault(row: StateRow) -> str | None:
    """What is wrong with the document of a state: it is none, or another entity's."""
    record = row.record
    what = f"the document of {record.kind} {record.fqn!r}"
    try:
        document = pydantic_core.from_json(record.document, allow_inf_nan=False)
        json.loads(record.origins)
    except (ValueError, TypeError):
        return f"{what}, or who wrote it, is no JSON"
    if not isinstance(document, dict):
        return f"{what} is no object"
    said = [("id", record.id), ("fullyQualifiedName", record.fqn), ("name", record.name)]
    for name, value in said:
        if document.get(name) != value:
            return f"{what} says {document.get(name)!r} as its {name}, the row {value!r}"
    which = kinds().get(record.kind)
    if which and which.parent and row.references is not None:
        parent = document.get(which.parent.name) or {}
        if not isinstance(parent, dict) or parent.get("id") != record.parent_id:
            return f"{what} is below another {which.parent.name} than the row, or none"
    return None


def _state_values(row: StateRow) -> Iterator[Any]:
    yield from row.record
    references = row.references
    yield None if references is None else [[each.field, each.target_id] for each in references]


def _state(*values: Any) -> StateRow:
    *record, references = values
    found = None if references is None else tuple(Reference(*pair) for pair in references)
    return StateRow(Record(*record), found)


def _edge_values(row: Edge) -> Iterator[Any]:
    yield from row.key
    yield from row[1:]


def _edge(*values: Any) -> Edge:
    inside = len(EdgeKey._fields)
    return Edge(EdgeKey(*values[:inside]), *values[inside:])


_EVENT = tuple(field.name for field in fields(EventWrite))


def _event_values(row: EventRecord) -> Iterator[Any]:
    yield from row[:-1]
    for name in _EVENT:
        yield getattr(row.event, name)


def _event(number: int, seq: int, at: int, actor: str, producer: str | None, *event: Any) -> Row:
    return EventRecord(number, seq, at, actor, producer, EventWrite(*event))


def _wire(*names: str) -> tuple[str, ...]:
    return tuple(re.sub("_([a-z])", lambda found: found[1].upper(), name) for name in names)


_FORMS: dict[Section, _Form] = {
    "commits": _Form(_wire(*Commit._fields), iter, Commit),
    "states": _Form(_wire(*Record._fields, "references"), _state_values, _state),
    "parts": _Form(_wire(*Node._fields), iter, Node),
    "edges": _Form(_wire(*EdgeKey._fields, *Edge._fields[1:]), _edge_values, _edge),
    "entries": _Form(_wire(*Entry._fields), iter, Entry),
    "events": _Form(_wire(*EventRecord._fields[:-1], *_EVENT), _event_values, _event),
}
