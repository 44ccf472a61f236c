"""Hypothesis strategies over the keywords that the meta-schema admits: documents, and mutations.

``valid`` makes documents that a schema accepts. ``mutated`` changes one place of one by one
keyword: across its limit, onto it, or to something that only looks alike. ``mutations`` are all of
those that change the document's own properties.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from headwater.schemas.check import snake
from headwater.schemas.registry import enforced

Json = Any
Schema = dict[str, Any]

DEEP = 2  # levels of a document that refers to itself, such as columns in columns
TEXT = st.characters(codec="utf-8")
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(TEXT),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(TEXT), inner, max_size=3),
    max_leaves=4,
)
WRONG: list[Json] = [
    None, True, False, 0, 1, -1, 1.0, -0.0, 1.5, 1e300, math.nan, math.inf, 10**400, 2**63, "", "1",
    "1.0", "true", "null", "x", [], [None], [[]], ["x"], {}, {"x": 1}, {"id": 1},
]  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A schema, and the file that its references are relative to."""

    file: str
    schema: Schema

    def at(self, schema: Schema) -> Place:
        """A schema within this one, with ``$ref`` followed to its end."""
        place = Place(self.file, schema)
        while "$ref" in place.schema:
            file, _, pointer = place.schema["$ref"].partition("#")
            document = enforced()[file or place.file]
            name = pointer.rpartition("/")[2]
            place = Place(file or place.file, document["$defs"][name] if name else document)
        return place

    def branches(self) -> list[Place]:
        """This place without ``anyOf`` and lists of types: one place for each alternative."""
        if "anyOf" in self.schema:
            return [b for each in self.schema["anyOf"] for b in self.at(each).branches()]
        kind = self.schema.get("type")
        if isinstance(kind, list):
            return [Place(self.file, {**self.schema, "type": each}) for each in kind]
        return [self]

    def branch_of(self, value: Json) -> Place | None:
        """The alternative that a valid value was made by."""
        names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer"}
        wanted = "null" if value is None else names.get(type(value), "integer")
        return next((b for b in self.branches() if b.schema.get("type") == wanted), None)


def valid(place: Place, depth: int = 0, *, full: bool = False) -> st.SearchStrategy[Json]:
    """Documents that the schema accepts; full ones have every property, and none is null."""
    branches = [b for b in place.branches() if not full or b.schema.get("type") != "null"]
    return st.one_of([_valid(branch, depth, full) for branch in branches])


def _valid(place: Place, depth: int, full: bool) -> st.SearchStrategy[Json]:
    schema = place.schema
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "integer":
            whole = st.integers(schema.get("minimum"), schema.get("maximum"))
            return whole | whole.filter(lambda n: abs(n) < 2**53).map(float)
        case "string":
            return _text(schema)
        case "array":
            least = schema.get("minItems", 0)
            most = 0 if depth > DEEP else schema.get("maxItems", least + 2)
            items = valid(place.at(schema["items"]), depth + 1) if most else st.nothing()
            return st.lists(items, min_size=max(least, int(full)), max_size=most)
        case "object" if "properties" in schema:
            return _object(place, depth, full)
        case "object":
            return st.dictionaries(st.text(TEXT), ANYTHING, max_size=3)
        case _:
            return ANYTHING


def _text(schema: Schema) -> st.SearchStrategy[str]:
    least, most = schema.get("minLength", 0), schema.get("maxLength", math.inf)
    if "pattern" not in schema:
        return st.text(TEXT, min_size=least, max_size=min(most, least + 12))
    made = st.from_regex(schema["pattern"][:-1] + r"\Z", alphabet=TEXT)
    return made.filter(lambda text: least <= len(text) <= most)


@st.composite
def _object(draw: st.DrawFn, place: Place, depth: int, full: bool) -> dict[str, Json]:
    properties, required = place.schema["properties"], place.schema.get("required", [])
    given = [name for name in properties if name not in required]
    if given and not full:
        given = draw(st.lists(st.sampled_from(given), unique=True))
    return {
        name: draw(valid(place.at(properties[name]), depth, full=full and not depth))
        for name in [*required, *given]
    }


@st.composite
def mutated(draw: st.DrawFn, place: Place, document: Json) -> Json:
    """The document with one place changed."""
    path, site, value = draw(st.sampled_from(list(_sites(place, document))))
    return _changed(document, path, draw(st.sampled_from([*_near(site, value), *WRONG])))


def mutations(place: Place, document: Json) -> Iterator[Json]:
    """Every mutation of the document itself, of its properties, and of elements of its lists."""
    for path, site, value in _sites(place, document):
        if len(path) < 2 or (len(path) == 2 and isinstance(path[1], int)):
            yield from (_changed(document, path, each) for each in (*_near(site, value), *WRONG))


Path = tuple[str | int, ...]


def _changed(document: Json, path: Path, value: Json) -> Json:
    if not path:
        return value
    out = copy.deepcopy(document)
    parent = out
    for step in path[:-1]:
        parent = parent[step]
    parent[path[-1]] = value
    return out


def _sites(place: Place, value: Json, path: Path = ()) -> Iterator[tuple[Path, Place, Json]]:
    """Every place of a valid document that a schema says something about."""
    branch = place.branch_of(value)
    yield path, branch or place, value
    if branch is None:
        return
    if isinstance(value, dict):
        for name, each in value.items():
            if name in branch.schema.get("properties", {}):
                yield from _sites(branch.at(branch.schema["properties"][name]), each, (*path, name))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _sites(branch.at(branch.schema["items"]), each, (*path, index))


def _near(place: Place, value: Json) -> Iterator[Json]:
    """Values on both sides of each keyword of the place."""
    schema = place.schema
    if "enum" in schema:
        yield from (*schema["enum"], value.upper(), value.lower(), value + "\n", "outsider")
    elif isinstance(value, str):
        yield from _near_text(schema, value)
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int | float):
        yield from (float(min(value, 2**53)), str(value), value + 0.5, bool(value))
        limits = [schema[key] for key in ("minimum", "maximum") if key in schema]
        yield from (limit + step for limit in limits for step in (-1, 0, 1, -0.5))
    elif isinstance(value, dict):
        yield from _near_object(schema, value)
    elif isinstance(value, list):
        yield from ([*value, wrong] for wrong in WRONG)
        yield from (value + value, dict(enumerate(value)), {"0": value})


def _near_text(schema: Schema, value: str) -> Iterator[Json]:
    for key in ("minLength", "maxLength"):
        for length in range(schema.get(key, 1) - 1, schema.get(key, 1) + 2):
            yield from ("a" * length, "\U0001f600" * length, "e\u0301" * length)
    yield from (value + tail for tail in ("\n", "\r", "\u2028", "\x00", "\x7f", "\x85", " ", "é"))
    yield from (value + "\ud800", "\udc00\ud800", value[:-1], value.upper(), [value])


def _near_object(schema: Schema, value: dict[str, Json]) -> Iterator[Json]:
    known = schema.get("properties", {})
    for name in value:
        yield {key: each for key, each in value.items() if key != name}
        yield {snake(key) if key == name else key: each for key, each in value.items()}
    yield from ({**value, name: None} for name in known)
    yield from (
        {**value, name: 1} for name in ("unknown", "", "\ud800", "model_config", "__init__")
    )
    yield from ({**value, snake(name): "x"} for name in known)
    yield [value]
