"""What entities still hold of properties that their kind's schema no longer knows."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any

from headwater.catalog.same import same
from headwater.names import escape
from headwater.schemas import Kind, extension_file, is_same_everywhere
from headwater.schemas.kind import Field, Shape
from headwater.store.draft import Document

Place = tuple[str | int, ...]
"""Keys and indices that lead to a value of a document."""


def leftovers(which: Kind, stored: Document, document: Document) -> list[Place]:
    """Where a document has what the schema does not know, as the stored one has it.

    Elements of keyed lists are followed by their key, wherever they stand.
    """
    out: list[Place] = []
    if "extension" in stored and extension_file(which.name) is None:
        out += [("extension",)] if same(stored["extension"], document.get("extension")) else []
    if not is_same_everywhere(which):
        out += _leftovers(which.shape, stored, document, ())
    return out


def _leftovers(shape: Shape, stored: Document, document: Any, above: Place) -> Iterator[Place]:
    for name, value in document.items() if isinstance(document, dict) else ():
        field, old, here = shape.fields.get(name), stored.get(name), (*above, name)
        if field is None:
            if old is not None and same(old, value):
                yield here
        elif old is None or not field.fits(old):
            continue  # the schema refuses it
        elif field.shape and field.is_list and isinstance(value, list):
            key = field.keyed_by
            there = {item.get(key) if key else at: item for at, item in enumerate(old)}
            for at, item in enumerate(value):
                label = item.get(key) if key and isinstance(item, dict) else at
                stood = there.get(label, {}) if isinstance(label, (str, int)) else {}
                yield from _leftovers(field.shape, stood, item, (*here, at))
        elif field.shape and not field.is_list:
            yield from _leftovers(field.shape, old, value, here)


def misfits(shape: Shape, document: Document, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Where values stand that are not of the schema's form, or refer to what it no longer admits.

    Yields:
        The JSON pointer, and what fits there.
    """
    for name, value in document.items():
        field, where = shape.fields.get(name), f"{pointer}/{escape(name)}"
        if field is None or value is None:
            continue
        if not field.fits(value):
            yield where, f"should be {_form(field)}"
        elif field.reference:
            for at, each in enumerate(value) if field.is_list else ((None, value),):
                if each.get("type") not in field.reference:
                    fits = " or ".join(field.reference)
                    here = where if at is None else f"{where}/{at}"
                    yield here, f"is a {each.get('type')}; {fits} fits here"
        elif field.shape:
            for at, each in enumerate(value) if field.is_list else ((None, value),):
                yield from misfits(field.shape, each, where if at is None else f"{where}/{at}")


def _form(field: Field) -> str:
    one = "a reference" if field.reference else "an object"
    if not field.is_list:
        return one
    key = f", each with its own {field.keyed_by}" if field.keyed_by else ""
    return f"a list of {one[one.index(' ') + 1 :]}s{key}"


def without(document: Document, places: Iterable[Place]) -> Document:
    """A copy of the document without the values at these places."""
    out = copy.deepcopy(document)
    for *above, name in places:
        del _at(out, above)[name]
    return out


def put_back(document: Document, places: Iterable[Place], source: Document) -> None:
    """Put the values at these places of a source into the document, which is alike."""
    for *above, name in places:
        _at(document, above)[name] = _at(source, above)[name]


def _at(value: Any, place: Iterable[str | int]) -> Any:
    for step in place:
        value = value[step]
    return value
