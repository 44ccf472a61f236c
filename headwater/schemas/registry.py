"""Loads the schema files that ship with the package, once."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from headwater.errors import InvalidInputError
from headwater.schemas.expand import accept_reference_strings, expand
from headwater.schemas.kind import Kind, ShapeReader

META_SCHEMA = "meta_schema.json"
BASE = "https://headwater.dev/schemas/"


@cache
def documents() -> dict[str, dict[str, Any]]:
    """Every authored schema document by file name, ``common.json`` first."""
    folder = files("headwater.schemas")
    names = sorted(
        entry.name
        for entry in folder.iterdir()
        if entry.name.endswith(".json") and entry.name != META_SCHEMA
    )
    names.sort(key=lambda name: name != "common.json")
    return {name: json.loads((folder / name).read_text(encoding="utf-8")) for name in names}


@cache
def kinds() -> dict[str, Kind]:
    """Every kind by its wire name."""
    reader = ShapeReader(documents())
    found = [reader.kind(name) for name, doc in documents().items() if "x-headwater" in doc]
    return {kind.name: kind for kind in found}


@cache
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


def find_kind(collection: str) -> Kind | None:
    """Return the kind that a path segment such as ``mlmodels`` names, or None."""
    return _by_collection().get(collection)


@cache
def enforced() -> dict[str, dict[str, Any]]:
    """Every document in its enforced form, by file name (see ``expand``)."""
    authored = documents()
    common = authored["common.json"]
    out = {name: expand(doc, common) for name, doc in authored.items()}
    out["common.json"] = accept_reference_strings(out["common.json"])
    return out


def schema_document(file: str) -> dict[str, Any]:
    """The enforced form of one document."""
    return enforced()[file]
