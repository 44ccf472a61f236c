"""Checks authored schemas: the meta-schema, then the rules between documents that it cannot say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from headwater.document import Document
from headwater.schemas.expand import extensions, is_kind
from headwater.schemas.meta import meta_faults
from headwater.schemas.registry import BASE

Schema = Mapping[str, Any]
Fault = tuple[str, str, str]
"""File, JSON pointer, message."""

RESERVED = frozenset(
    {
        *("docs", "events", "export", "health", "import", "lineage", "metrics", "openapi"),
        *("records", "resolve", "schemas", "search", "tokens"),
        # Not of a path: these have another meaning as the kind of a node or the label of one.
        *("entity", "part", "featureSource"),
    }
)
"""First path segments that are not collections, and other names that no kind can have."""

COMMON = "common.json"
# Possessive quantifiers, operations on classes, braces that count nothing.
_UNEVEN = re.compile(r"[*+?}][+]|&&|--|~~|(?<!\\)\{(?![0-9]+(?:,[0-9]*)?\})")
REFERENCE = "EntityReference"


def check_schemas(
    documents: Mapping[str, Schema], *, own: Mapping[str, str] | None = None
) -> list[str]:
    """Check all authored documents, as one set.

    Args:
        documents: Every authored document by file name.
        own: Where files lie that do not ship, by file name; then only these are judged.

    Returns:
        One line for each fault: file, JSON pointer, what is wrong. Empty when all is fine.
    """
    if own is None:
        own = {file: f"headwater/schemas/{file}" for file in documents}
    faults = [fault for file in own for fault in _meta(file, documents[file])]
    if not faults:  # the rules below read what the meta-schema guarantees
        faults = [fault for fault in _rules(documents) if fault[0] in own]
    return [f"{own[file]}#{pointer}: {message}" for file, pointer, message in faults]


def _meta(file: str, document: Schema) -> Iterator[Fault]:
    moved = file == COMMON and "entityProperties" in document.get("$defs", {})
    # The common properties are checked as an entity's own are: they become part of every entity.
    for path, message in meta_faults(_as_entity(document) if moved else document):
        if moved and path.startswith(("/properties", "/required")):
            path = "/$defs/entityProperties" + path
        yield file, path, message


def _as_entity(common: Schema) -> Schema:
    defs = dict(common["$defs"])
    shared = defs.pop("entityProperties")
    body = {key: value for key, value in shared.items() if key in ("properties", "required")}
    return {**common, "$defs": defs, **body}


def _rules(documents: Mapping[str, Schema]) -> Iterator[Fault]:
    for file, document in documents.items():
        yield from _head(file, document)
        for pointer, schema in _objects(document):
            yield from _object(file, pointer, schema)
            for name, prop in schema["properties"].items():
                where = f"{pointer}/properties/{name}"
                for message in _property(documents, file, prop):
                    yield file, where, message
        yield from _parent(file, document)
        yield from _common(documents, file, document)
        for pointer, pattern in _patterns(document, ""):
            for message in _pattern(pattern):
                yield file, pointer, message
    yield from _extensions(documents)
    yield from _unique(documents)
    yield from _rootless(documents)
    yield from _unused(documents)


def _head(file: str, document: Schema) -> Iterator[Fault]:
    stem = file.removesuffix(".json")
    title = "".join(word.capitalize() for word in stem.split("_"))
    if document["title"] != title:
        yield file, "/title", f"the title of {file} is {title}"
    if document["$id"] != BASE + file:
        yield file, "/$id", f"the id of {file} is {BASE}{file}"
    for name, definition in document.get("$defs", {}).items():
        if name != "entityProperties" and definition["title"] != name:
            yield file, f"/$defs/{name}/title", f"the title of a definition is its name, {name}"


def _objects(document: Schema) -> Iterator[tuple[str, Schema]]:
    """Every object type of a document that has properties, with its pointer."""
    if "properties" in document:
        yield "", document
    for name, definition in document.get("$defs", {}).items():
        if "properties" in definition:
            yield f"/$defs/{name}", definition


def _object(file: str, pointer: str, schema: Schema) -> Iterator[Fault]:
    properties = schema["properties"]
    for name in schema.get("required", ()):
        # An entity's file may require the common `name`.
        if name not in properties and name != "name":
            yield file, f"{pointer}/required", f"{name!r} is required and not a property"
        elif properties.get(name, {}).get("readOnly"):
            yield file, f"{pointer}/required", f"{name!r} is readOnly: no request could carry it"
    spelled = Counter(snake(name) for name in properties)
    for name in properties:
        python = snake(name)
        if hasattr(Document, python) or python in ("id_", "model_fields_set"):
            yield file, f"{pointer}/properties/{name}", f"{python!r} is a method of every class"
        if spelled[python] > 1:
            yield file, f"{pointer}/properties/{name}", f"{python!r} is spelled twice in Python"


def snake(name: str) -> str:
    """The Python spelling of a property: ``mlFeatures`` is ``ml_features``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _property(documents: Mapping[str, Schema], file: str, prop: Schema) -> Iterator[str]:
    about = prop.get("x-headwater", {})
    is_list = prop.get("type") == "array"
    ref = (prop["items"] if is_list else prop).get("$ref")
    target = _target(documents, file, ref) if ref is not None else None
    if ref is not None and target is None:
        yield f"{ref!r} names nothing"
        return
    if target is not None and not _is_at_home(file, str(ref), target):
        yield f"{ref!r} is plain text of another file, and only common.json's can be referred to"
    for low, high in (("minLength", "maxLength"), ("minimum", "maximum"), ("minItems", "maxItems")):
        if low in prop and high in prop and prop[low] > prop[high]:
            yield f"{low} is above {high}: nothing is valid"
    yield from _reference(documents, about, is_reference=str(ref).endswith("/" + REFERENCE))
    if is_list:
        yield from _list(about, target or {})
    elif {"keyedBy", "ordered", "part"} & set(about):
        yield "keyedBy, ordered and part are for lists"
    if about.get("secret") and prop.get("type") != "object":
        yield "secret is for objects of free form"


def _is_at_home(file: str, ref: str, target: Schema) -> bool:
    """Whether what is referred to can be: plain text is put where it is used (see ``expand``)."""
    other = ref.partition("#")[0]
    is_text = target.get("type") == "string" and "enum" not in target
    return not is_text or other in ("", file, COMMON)


def _patterns(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    """Every pattern within a schema, with its pointer."""
    if isinstance(value, Mapping):
        if isinstance(pattern := value.get("pattern"), str):  # not a property of that name
            yield f"{pointer}/pattern", pattern
        for name, inner in value.items():
            yield from _patterns(inner, f"{pointer}/{name}")


def _pattern(pattern: str) -> Iterator[str]:
    """What the meta-schema cannot say of a pattern."""
    import jsonschema_rs

    if uneven := _UNEVEN.search(pattern):
        yield f"engines differ about {uneven[0]!r} in {pattern!r}; escape it where it is meant"
        return
    try:
        re.compile(pattern)
        jsonschema_rs.Draft202012Validator(
            {"pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions()
        )
    except (re.error, ValueError) as error:
        said = str(error).partition("\n")[0]
        yield f"{pattern!r} is no regular expression for every engine: {said}"


def _reference(
    documents: Mapping[str, Schema], about: Schema, *, is_reference: bool
) -> Iterator[str]:
    if is_reference and "reference" not in about:
        yield "an EntityReference says in x-headwater.reference which kinds it may point to"
    if not is_reference and {"reference", "default"} & set(about):
        yield f"reference and default are for {REFERENCE}"
    known = {kind["kind"] for kind in _kinds(documents).values()}
    for kind in about.get("reference", ()):
        if kind not in known:
            yield f"there is no kind {kind!r}"
    if "default" in about and len(about.get("reference", ())) != 1:
        yield "a default needs exactly one kind"


def _list(about: Schema, items: Schema) -> Iterator[str]:
    properties = items.get("properties", {})
    key = about.get("keyedBy")
    if key is not None and (key not in properties or key not in items.get("required", ())):
        yield f"keyedBy names {key!r}, which is no required property of the items"
    elif key is not None and properties[key].get("type", "string") != "string":
        yield f"keyedBy names {key!r}, which is no text"
    if ("ordered" in about or "part" in about) and key is None:
        yield "ordered and part need keyedBy"
    if "part" in about:
        for name in ("id", "fullyQualifiedName"):
            if not properties.get(name, {}).get("readOnly"):
                yield f"the items of a part have a readOnly {name!r}"


def _parent(file: str, document: Schema) -> Iterator[Fault]:
    name = document.get("x-headwater", {}).get("parent")
    if name is None:
        return
    where = "/x-headwater/parent"
    prop = document["properties"].get(name, {})
    about = prop.get("x-headwater", {})
    if prop.get("type") == "array" or len(about.get("reference", ())) != 1:
        yield file, where, f"{name!r} is not a reference to exactly one kind"
    elif name not in document.get("required", ()) and "default" not in about:
        yield file, where, f"{name!r} is neither required nor has it a default"


def _common(documents: Mapping[str, Schema], file: str, document: Schema) -> Iterator[Fault]:
    """A kind has the common properties already."""
    shared = documents[COMMON]["$defs"]["entityProperties"]["properties"]
    for name in document["properties"] if is_kind(document) else ():
        if name in shared:
            yield file, f"/properties/{name}", f"every kind has {name!r} already"


def _extensions(documents: Mapping[str, Schema]) -> Iterator[Fault]:
    """Custom properties: of a kind that there is, in one file, all of them a writer's to set."""
    known = {kind["kind"] for kind in _kinds(documents).values()}
    found = extensions(documents)
    for file, document in documents.items():
        kind = document.get("x-headwater", {}).get("extends")
        if kind is None:
            continue
        where = "/x-headwater/extends"
        if kind not in known:
            yield file, where, f"there is no kind {kind!r}"
        if found[kind] != file:
            yield file, where, f"{found[kind]} describes the custom properties of {kind!r} already"
        for name, prop in document["properties"].items():
            if prop.get("readOnly") or "part" in prop.get("x-headwater", {}):
                yield file, f"/properties/{name}", "a custom property is no part, and not readOnly"


def _unique(documents: Mapping[str, Schema]) -> Iterator[Fault]:
    kinds = _kinds(documents)
    names = Counter(kind["kind"] for kind in kinds.values())
    collections = Counter(kind["collection"] for kind in kinds.values())
    parts = set(_parts(documents))
    for file, part in parts:
        if part in names or part in RESERVED:
            yield file, "", f"{part!r}, its part, is a kind or reserved"
    for file, kind in kinds.items():
        name, collection = kind["kind"], kind["collection"]
        if names[name] > 1 or name in {part for _, part in parts}:
            yield file, "/x-headwater/kind", f"{name!r} is taken by another kind or part"
        if collections[collection] > 1 or collection in RESERVED or name in RESERVED:
            yield file, "/x-headwater/collection", f"{collection!r} is taken or reserved"
        if collection != name + "s":
            yield file, "/x-headwater/collection", f"the collection of {name!r} is {name + 's'!r}"
    classes = Counter(name for document in documents.values() for name in _classes(document))
    for file, document in documents.items():
        for name in _classes(document):
            if classes[name] > 1:
                yield file, "", f"two definitions would make the class {name}"


def _rootless(documents: Mapping[str, Schema]) -> Iterator[Fault]:
    """Kinds whose chain of parents comes back to themselves."""
    above: dict[str, str] = {}
    for file, about in _kinds(documents).items():
        prop = documents[file]["properties"].get(about.get("parent"), {})
        for parent in prop.get("x-headwater", {}).get("reference", ()):
            above[about["kind"]] = parent
    for file, about in _kinds(documents).items():
        seen, kind = set(), about["kind"]
        while kind in above and kind not in seen:
            seen.add(kind)
            kind = above[kind]
        if kind in seen:
            yield file, "/x-headwater/parent", "the parents run in a circle"


def _unused(documents: Mapping[str, Schema]) -> Iterator[Fault]:
    """Documents that nobody would ever meet: a kind whose annotation was forgotten, say."""
    for file, document in documents.items():
        others = (other for name, other in documents.items() if name != file)
        if "x-headwater" not in document and file not in {f for o in others for f in _files(o)}:
            message = "it describes no kind (it has no x-headwater) and nothing refers to it"
            yield file, "", message


def _files(value: Any) -> Iterator[str]:
    """The files that a schema refers to."""
    if isinstance(value, Mapping):
        if isinstance(ref := value.get("$ref"), str):
            yield ref.partition("#")[0]
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _files(inner)


def _kinds(documents: Mapping[str, Schema]) -> dict[str, Schema]:
    """The kind annotation of each entity's file."""
    return {file: d["x-headwater"] for file, d in documents.items() if is_kind(d)}


def _parts(documents: Mapping[str, Schema]) -> Iterator[tuple[str, str]]:
    """Every file with the parts that it names."""
    for file, document in documents.items():
        for _, schema in _objects(document):
            for prop in schema["properties"].values():
                part = prop.get("x-headwater", {}).get("part")
                if part:
                    yield file, part


def _classes(document: Schema) -> Iterator[str]:
    """Names of the classes that a document becomes."""
    if "properties" in document:
        yield document["title"]
    if is_kind(document):
        yield "Create" + document["title"]
    yield from (
        name
        for name, definition in document.get("$defs", {}).items()
        if name != "entityProperties" and ("properties" in definition or "enum" in definition)
    )


def _target(documents: Mapping[str, Schema], file: str, ref: str) -> Schema | None:
    """What a ``$ref`` points to, or None."""
    other, _, pointer = ref.partition("#")
    document = documents.get(other or file)
    if document is None or not pointer:
        # A bare "#" or "" would be the file itself; a document is always named.
        return document if other else None
    found: Schema | None = document.get("$defs", {}).get(pointer.rpartition("/")[2])
    return found
