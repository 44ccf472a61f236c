"""Merging: what a write leaves of the stored document, by who set what.

A merge sets the fields that the request carries; absent ones stay and ``null`` removes. A keyed
list is complete for the writer's own elements; elements of other writers stay. A bot never
overwrites what a person wrote for people to read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.catalog.diff import FieldChange
from headwater.catalog.keyed import keyed
from headwater.schemas.kind import Field, Shape
from headwater.store.draft import Actor, Document

Origins = dict[str, Any]
WHOLE = ""
"""The path under which stands who created the entity, and so what no other path speaks of."""
FOR_PEOPLE = frozenset({"description", "displayName"})


def merge(
    shape: Shape, stored: Document, request: Document, *, origins: Origins, actor: Actor
) -> Document:
    """Return the stored document with the request merged in; neither is changed.

    Args:
        origins: Who set each field of the stored document, by path.
    """
    return _object(shape, stored, request, "", _Merge(origins, actor))


def without_nulls(shape: Shape, request: Document) -> Document:
    """The document that a request makes where there is none: the request without its nulls."""
    out: Document = {}
    for name, value in request.items():
        inner = shape.fields[name].shape
        if value is None:
            continue
        if inner is None:
            out[name] = value
        elif isinstance(value, list):
            out[name] = [without_nulls(inner, item) for item in value]
        else:
            out[name] = without_nulls(inner, value)
    return out


def with_peoples_words(
    shape: Shape, stored: Document, wanted: Document, *, origins: Origins, actor: Actor
) -> Document:
    """Return the wanted document with the texts back that the actor may not overwrite.

    A patch by a bot changes as little of what people wrote as its merge would.
    """
    return _with_words(shape, stored, wanted, "", _Merge(origins, actor))


def record_origins(origins: Origins, changes: list[FieldChange], actor: Actor) -> Origins:
    """Who set each field after the changes, by path; paths that are gone are forgotten."""
    mark = origin(actor)
    out = dict(origins)
    for change in changes:
        if change.action == "deleted":
            below = change.path + "."
            out = {p: o for p, o in out.items() if p != change.path and not p.startswith(below)}
        else:
            out[change.path] = mark
    return out


def origin(actor: Actor) -> Document:
    """The mark that a field set by the actor carries."""
    mark = {"by": actor.name, "kind": actor.kind, "writer": actor.writer}
    return mark | ({"producer": actor.producer} if actor.producer else {})


def _owner(origins: Origins, path: str) -> Document | None:
    """The origin of a path: its own, or the nearest one above it that was set as a whole."""
    while path:
        if path in origins:
            found: Document = origins[path]
            return found
        # An element whose label got a tie breaker later (see ``keyed``) was recorded without it.
        above, _, last = path.rpartition(".")
        path = path.rpartition("@")[0] if "@" in last else above
    whole: Document | None = origins.get(WHOLE)
    return whole


class _Merge:
    def __init__(self, origins: Origins, actor: Actor) -> None:
        self._origins = origins
        self._actor = actor

    @property
    def is_bot(self) -> bool:
        """Whether a machine writes."""
        return self._actor.kind == "bot"

    def may_set(self, path: str, name: str) -> bool:
        """Whether the actor may overwrite the value at the path."""
        if self._actor.kind == "person" or name not in FOR_PEOPLE:
            return True
        owner = _owner(self._origins, path)
        return owner is None or owner["kind"] != "person"

    def may_remove(self, path: str) -> bool:
        """Whether leaving the element out of a list removes it."""
        owner = _owner(self._origins, path)
        return owner is None or owner["writer"] == self._actor.writer


def _object(
    shape: Shape, stored: Document, request: Mapping[str, Any], path: str, rules: _Merge
) -> Document:
    out = dict(stored)
    for name, value in request.items():
        field, where = shape.fields[name], f"{path}.{name}" if path else name
        if field.read_only:
            continue
        old = stored.get(name)
        if old is not None and not rules.may_set(where, name):
            continue
        if value is None and field.is_keyed and rules.is_bot:
            value = _keyed(field, old or [], [], where, rules) or None
        elif value is not None and field.is_keyed:
            value = _keyed(field, old or [], value, where, rules)
        if value is None:
            out.pop(name, None)
        elif field.is_keyed:
            out[name] = value
        elif field.shape and not field.is_list:
            out[name] = _object(field.shape, old or {}, value, where, rules)
        elif field.shape:
            out[name] = [without_nulls(field.shape, item) for item in value]
        else:
            out[name] = value
    return out


def _keyed(
    field: Field, stored: list[Document], request: list[Document], path: str, rules: _Merge
) -> list[Document]:
    known, found = keyed(field, stored, request)
    asked = {}
    for name, item in found.items():
        old = known.get(name)
        another = old is not None and _is_another(field, old, item, f"{path}.{name}", rules)
        asked[f"{name}@" if another else name] = item

    def one(name: str) -> Document:
        if field.shape is None:
            return asked[name]
        return _object(field.shape, known.get(name, {}), asked[name], f"{path}.{name}", rules)

    kept = [n for n in known if n in asked or not rules.may_remove(f"{path}.{n}")]
    if field.ordered:
        order = [*asked, *(n for n in kept if n not in asked)]
    else:
        order = [*kept, *(n for n in asked if n not in known)]
    return [one(name) if name in asked else known[name] for name in order]


def _is_another(field: Field, known: Document, asked: Document, path: str, rules: _Merge) -> bool:
    """Whether an element only shares its name with the stored one, which another writer keeps.

    The writer's own element moves with its tie breaker: it is the same one, with another source.
    """
    if field.tie_breaker is None:
        return False
    old, new = known.get(field.tie_breaker), asked.get(field.tie_breaker)
    return bool(old and new and old["id"] != new["id"]) and not rules.may_remove(path)


def _with_words(
    shape: Shape, stored: Document, wanted: Document, path: str, rules: _Merge
) -> Document:
    out = dict(wanted)
    for name, old in stored.items():
        field, where = shape.fields[name], f"{path}.{name}" if path else name
        new = wanted.get(name)
        if not rules.may_set(where, name):
            out[name] = old
        elif field.shape and field.keyed_by and new:
            known, asked = keyed(field, old, new)
            out[name] = [
                _with_words(field.shape, known[n], item, f"{where}.{n}", rules)
                if n in known
                else item
                for n, item in asked.items()
            ]
        elif field.shape and not field.is_list and new:
            out[name] = _with_words(field.shape, old, new, where, rules)
    return out
