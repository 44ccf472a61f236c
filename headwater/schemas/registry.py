"""The schemas in use: those that ship with the package, and those of an organisation (``folder``).

They are one set for the whole process. What is derived from them is kept until the set changes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, ParamSpec, TypeVar

from headwater.errors import InvalidInputError
from headwater.schemas.expand import accept_reference_strings, expand, extensions, is_kind
from headwater.schemas.kind import Kind, Shape, ShapeReader

P = ParamSpec("P")
T = TypeVar("T")
Schema = dict[str, Any]

META_SCHEMA = "meta_schema.json"
BASE = "https://headwater.dev/schemas/"

_own: dict[str, Schema] = {}
_forget: list[Callable[[], None]] = []


def kept_with_schemas(function: Callable[P, T]) -> Callable[P, T]:
    """Like ``functools.cache``, until other schemas come into use."""
    kept = cache(function)
    _forget.append(kept.cache_clear)
    return kept  # type: ignore[return-value]  # typeshed's wrapper forgets the parameters


def own_documents() -> Mapping[str, Schema]:
    """The organisation's authored documents by file name."""
    return _own


def replace_own(documents: Mapping[str, Schema]) -> None:
    """Put an organisation's documents, which were checked, in the place of those in use."""
    _own.clear()
    _own.update(documents)
    for forget in _forget:
        forget()


@cache
def shipped() -> dict[str, Schema]:
    """Every authored schema document of the package by file name, ``common.json`` first."""
    folder = files("headwater.schemas")
    names = sorted(
        entry.name
        for entry in folder.iterdir()
        if entry.name.endswith(".json") and entry.name != META_SCHEMA
    )
    names.sort(key=lambda name: name != "common.json")
    return {name: json.loads((folder / name).read_text(encoding="utf-8")) for name in names}


@kept_with_schemas
def documents() -> dict[str, Schema]:
    """Every authored schema document in use by file name, those of the package first."""
    return {**shipped(), **_own}


@kept_with_schemas
def kinds() -> dict[str, Kind]:
    """Every kind by its wire name."""
    reader = ShapeReader(documents())
    found = [reader.kind(name) for name, doc in documents().items() if is_kind(doc)]
    return {kind.name: kind for kind in found}


@kept_with_schemas
def _by_collection() -> dict[str, Kind]:
    return {kind.collection: kind for kind in kinds().values()}


def kind(name: str) -> Kind:
    """Return the kind of that wire name.

    Raises:
        InvalidInputError: There is no such kind; the message lists those there are.
    """
    found = kinds().get(name)
    if found is None:
        known = ", ".join(sorted(kinds()))
        raise InvalidInputError(f"there is no kind {name!r}; the kinds are {known}", kind=name)
    return found


def shape_of(name: str) -> Shape:
    """The shape of the kind of that name; that of a kind without a schema has no fields."""
    found = kinds().get(name)
    return found.shape if found else Shape(name)


def find_kind(collection: str) -> Kind | None:
    """Return the kind that a path segment such as ``mlmodels`` names, or None."""
    return _by_collection().get(collection)


@kept_with_schemas
def enforced() -> dict[str, Schema]:
    """Every document in its enforced form, by file name (see ``expand``)."""
    authored = documents()
    common = authored["common.json"]
    out = {
        name: expand(doc, common, extension=extension_file(doc.get("x-headwater", {}).get("kind")))
        for name, doc in authored.items()
    }
    out["common.json"] = accept_reference_strings(out["common.json"])
    return out


def extension_file(kind_name: str | None) -> str | None:
    """Name of the file that describes a kind's custom properties, or None."""
    return _extensions().get(kind_name or "")


@kept_with_schemas
def is_same_everywhere(which: Kind) -> bool:
    """Whether the package alone says what a kind is, so that every process knows it alike."""
    return which.file in shipped() and extension_file(which.name) is None


@kept_with_schemas
def _extensions() -> dict[str, str]:
    return extensions(documents())


def find_document(name: str) -> Schema | None:
    """Return the enforced form of a kind's, collection's, title's or file's document, or None."""
    found = kinds().get(name) or find_kind(name)
    if found is not None:
        return schema_document(found.file)
    titled = [doc for doc in enforced().values() if "properties" in doc and doc["title"] == name]
    return titled[0] if titled else enforced().get(name)


def schema_document(file: str) -> Schema:
    """The enforced form of one document."""
    return enforced()[file]
