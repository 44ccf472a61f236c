"""Merging: what a write leaves of the stored document, by who set what.

A merge sets the fields that the request carries; absent ones stay and ``null`` removes. A keyed
list is complete for the writer's own elements; elements of other writers stay, and so do texts of
others that a bot has none for. A bot never overwrites what a person wrote for people to read, nor
brings back what a person removed of it.
``docs/provenance.md`` has the cases. Origins themselves are in ``origin.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.catalog.keyed import Elements, keyed
from headwater.catalog.origin import SETS, Rules
from headwater.schemas.kind import Field, Shape
from headwater.store.draft import Document


def merge(shape: Shape, stored: Document, request: Document, rules: Rules) -> Document:
    """Return the stored document with the request merged in; neither is changed.

    Args:
        rules: What the actor may do. Their origins are completed where the actor puts an element
            that another writer has put before.
    """
    return _object(shape, stored, request, "", rules)


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


def with_peoples_words(shape: Shape, stored: Document, wanted: Document, rules: Rules) -> Document:
    """Return the wanted document with texts and elements of lists as the actor may leave them.

    A patch by a bot changes as little of what people wrote as its merge would.
    """
    return _with_words(shape, stored, wanted, "", rules)


def _object(
    shape: Shape, stored: Document, request: Mapping[str, Any], path: str, rules: Rules
) -> Document:
    out = dict(stored)
    for name, value in request.items():
        field, where = shape.fields[name], f"{path}.{name}" if path else name
        old = stored.get(name)
        if field.read_only or not rules.may_set(where, name, old):
            continue
        if value is None and not rules.may_empty(where, name):
            continue
        merged = _value(field, old, value, where, rules)
        if merged is None:
            out.pop(name, None)
        else:
            out[name] = merged
    return out


def _value(field: Field, old: Any, value: Any, where: str, rules: Rules) -> Any:
    """What a field holds after the merge; None: nothing."""
    if not field.fits(old):
        old = None  # of an earlier schema: replaced as a whole
    if old is None and value == []:
        return None  # nothing of nothing
    if field.is_keyed:
        if value is None and not rules.is_bot:
            return None
        return _keyed(field, old or [], value or [], where, rules) if value or old else value
    if value is None or not field.shape:
        return value
    if field.is_list:
        return [without_nulls(field.shape, item) for item in value]
    return _object(field.shape, old or {}, value, where, rules)


def _keyed(
    field: Field,
    stored: list[Document],
    request: list[Document],
    path: str,
    rules: Rules,
    *,
    is_patch: bool = False,
) -> list[Document]:
    known, found = keyed(field, stored, request)
    where = {name: rules.path(field, f"{path}.{name}", item) for name, item in known.items()}
    if field.name in SETS and not rules.may_change(field, where.values()):
        return stored
    asked: Elements = {}
    for name, item in found.items():
        if not rules.may_add(path, item):
            continue
        old = known.get(name)
        another = old is not None and _is_another(field, old, item, where[name], rules)
        asked[f"{name}@" if another else name] = item
    if field.reference:
        rules.claim(where, asked, joins=not is_patch)

    def one(name: str) -> Document:
        if field.shape is None:
            return asked[name]
        above = where.get(name, f"{path}.{name}")
        return _object(field.shape, known.get(name, {}), asked[name], above, rules)

    kept = [n for n in known if n in asked or not rules.may_remove(field, where[n])]
    if field.ordered or rules.leads:
        order = [*asked, *(n for n in kept if n not in asked)]
    else:
        order = [*kept, *(n for n in asked if n not in known)]
    return [one(name) if name in asked else known[name] for name in order]


def _is_another(field: Field, known: Document, asked: Document, path: str, rules: Rules) -> bool:
    """Whether an element only shares its name with the stored one, which another writer keeps.

    The writer's own element moves with its tie breaker: it is the same one, with another source.
    """
    if field.tie_breaker is None:
        return False
    old, new = known.get(field.tie_breaker), asked.get(field.tie_breaker)
    return bool(old and new and old["id"] != new["id"]) and not rules.may_remove(field, path)


def _with_words(
    shape: Shape, stored: Document, wanted: Document, path: str, rules: Rules
) -> Document:
    out = dict(wanted)
    for name in dict.fromkeys([*stored, *wanted]):
        field, where = shape.fields.get(name), f"{path}.{name}" if path else name
        old, new = stored.get(name), wanted.get(name)
        if field is None or (new is not None and not field.fits(new)):
            continue  # a leftover of an earlier schema
        if not field.fits(old):
            old = None
        if not rules.may_set(where, name, old):
            new = old
        elif name in SETS and field.reference:
            new = _keyed(field, old or [], new or [], where, rules, is_patch=True)
        elif field.shape and field.keyed_by and (new or old):
            known, asked = keyed(field, old or [], new or [])
            kept = [
                item
                for n, item in known.items()
                if n not in asked and rules.is_peoples(rules.path(field, f"{where}.{n}", item))
            ]
            put = [
                _with_words(field.shape, known.get(n, {}), item, f"{where}.{n}", rules)
                for n, item in asked.items()
            ]
            new = [*put, *kept] or new
        elif field.shape and not field.is_list and new:
            new = _with_words(field.shape, old or {}, new, where, rules)
        if new is None or (new == [] and old is None):
            out.pop(name, None)
        else:
            out[name] = new
    return out
