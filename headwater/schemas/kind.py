"""What a schema says about a kind, in the form that services read: a tree of typed fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import NoneType
from typing import Any

from headwater.schemas.expand import extensions


@dataclass(frozen=True, slots=True)
class Field:
    """One property of a shape, with its ``x-headwater`` annotation.

    Attributes:
        shape: The properties of the object, or of the list's elements; None for plain values.
        keyed_by: Elements of the list are told apart by this property; None: by position.
        tie_breaker: A reference that tells apart elements of one key.
        part: Elements are lineage nodes of this kind.
        major: Which changes make a major version: ``added``, ``updated``, ``deleted``.
        placeholders: Values that stand for "not known".
    """

    name: str
    is_list: bool
    read_only: bool
    shape: Shape | None
    reference: tuple[str, ...] = ()
    default: str | None = None
    keyed_by: str | None = None
    tie_breaker: str | None = None
    ordered: bool = False
    part: str | None = None
    major: frozenset[str] = frozenset()
    placeholders: frozenset[str] = frozenset()
    searchable: bool = False
    secret: bool = False
    volatile: bool = False

    @property
    def is_keyed(self) -> bool:
        """Whether the list's elements are told apart by what they are, not where they stand."""
        return self.keyed_by is not None or (self.is_list and bool(self.reference))

    def fits(self, value: Any) -> bool:
        """Whether a stored value has the form that services walk through.

        One that was stored before the schema gave the property another type may not: it is as
        what the schema does not know. Plain values have no form; what stands in an object or in
        the elements of a list is judged where it is met.
        """
        if self.shape is None and not self.reference:
            return True
        if not self.is_list:
            return self._is_one(value)
        if not isinstance(value, list):
            return False
        if self.reference or self.keyed_by is None or self.tie_breaker:
            return all(map(self._is_one, value)) and self._differ(value)
        key, names = self.keyed_by, set[str]()  # one look at each: tables have many columns
        for each in value:
            if type(each) is not dict or ("type" in each and is_reference(each)):
                return False
            name = each.get(key)
            if type(name) is not str or name in names:
                return False
            names.add(name)
        return True

    def elements(self, holder: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The elements of the list of objects that a stored document has, if it has one."""
        value: list[dict[str, Any]] | None = holder.get(self.name)
        return value if value and self.fits(value) else []

    def _is_one(self, value: Any) -> bool:
        if not isinstance(value, dict):
            return False
        if self.reference or is_reference(value):
            return bool(self.reference) and is_reference(value)
        tie = value.get(self.tie_breaker) if self.tie_breaker else None
        key = value.get(self.keyed_by) if self.keyed_by else ""
        return isinstance(key, str) and (tie is None or is_reference(tie))

    def _differ(self, items: list[dict[str, Any]]) -> bool:
        """Whether elements of a keyed list can be told apart."""
        if self.keyed_by is None:
            return True
        tie = self.tie_breaker or ""
        return len({(e[self.keyed_by], (e.get(tie) or {}).get("id")) for e in items}) == len(items)


def is_reference(value: Any) -> bool:
    """Whether a value is a reference in the form that is stored."""
    if not isinstance(value, dict) or "type" not in value:
        return False  # a part has an id and an FQN, too
    return "fullyQualifiedName" in value and isinstance(value.get("id", 0), (str, NoneType))


@dataclass(eq=False)
class Shape:
    """The properties of an object type. Shapes may contain themselves (columns in columns)."""

    title: str
    fields: dict[str, Field] = field(default_factory=dict)

    @cached_property
    def refers(self) -> bool:
        """Whether a reference may stand in it, at any depth."""
        return any(each.reference for each in self._all_fields())

    @cached_property
    def ordered(self) -> tuple[str, ...]:
        """The names of lists in it, at any depth, whose order means something."""
        return tuple({each.name for each in self._all_fields() if each.ordered})

    def _all_fields(self) -> Iterator[Field]:
        """Its fields and those of all that stands in it."""
        met = [self]
        for shape in met:
            yield from shape.fields.values()
            met += {each.shape for each in shape.fields.values() if each.shape}.difference(met)


@dataclass(frozen=True, eq=False)
class Kind:
    """An entity kind.

    Attributes:
        name: The wire name, such as ``mlmodel``.
        collection: The path segment, such as ``mlmodels``.
        title: The class and graph label, such as ``MlModel``.
        file: Name of the schema file.
        parent: The reference field whose entity the FQN starts with, or None for a root.
    """

    name: str
    collection: str
    title: str
    description: str
    file: str
    parent: Field | None
    shape: Shape

    @cached_property
    def parent_kind(self) -> str | None:
        """The kind of the parent, or None for a root."""
        return self.parent.reference[0] if self.parent else None

    @cached_property
    def parts(self) -> tuple[Field, ...]:
        """Top-level lists whose elements are lineage nodes."""
        return tuple(f for f in self.shape.fields.values() if f.part)


class ShapeReader:
    """Reads shapes out of authored schema documents, each once, following ``$ref``."""

    def __init__(self, documents: Mapping[str, dict[str, Any]]) -> None:
        self._documents = documents
        self._shapes: dict[tuple[str, str], Shape] = {}
        self._extensions = extensions(documents)

    def kind(self, file: str) -> Kind:
        """Read the kind that a document describes."""
        document = self._documents[file]
        about = document["x-headwater"]
        common = self._documents["common.json"]["$defs"]["entityProperties"]
        shape = self._shape("common.json", "entityProperties", common)
        own = self._shape(file, "", document)
        whole = Shape(own.title, {**shape.fields, **own.fields})
        if extension := self._extensions.get(about["kind"]):
            described = self._shape(extension, "", self._documents[extension])
            whole.fields["extension"] = replace(whole.fields["extension"], shape=described)
        parent = about.get("parent")
        return Kind(
            name=about["kind"],
            collection=about["collection"],
            title=document["title"],
            description=document["description"],
            file=file,
            parent=whole.fields[parent] if parent else None,
            shape=whole,
        )

    def _shape(self, file: str, name: str, schema: Mapping[str, Any]) -> Shape:
        key = (file, name)
        if key not in self._shapes:
            shape = self._shapes[key] = Shape(schema["title"])
            for prop_name, prop in schema["properties"].items():
                shape.fields[prop_name] = self._field(file, prop_name, prop)
        return self._shapes[key]

    def _field(self, file: str, name: str, prop: Mapping[str, Any]) -> Field:
        about = prop.get("x-headwater", {})
        is_list = prop.get("type") == "array"
        return Field(
            name=name,
            is_list=is_list,
            read_only=prop.get("readOnly", False),
            shape=self._target(file, prop["items"] if is_list else prop),
            reference=tuple(about.get("reference", ())),
            default=about.get("default"),
            keyed_by=about.get("keyedBy"),
            tie_breaker=about.get("tieBreaker"),
            ordered=about.get("ordered", False),
            part=about.get("part"),
            major=frozenset(about.get("major", ())),
            placeholders=frozenset(about.get("placeholders", ())),
            searchable=about.get("searchable", False),
            secret=about.get("secret", False),
            volatile=about.get("volatile", False),
        )

    def _target(self, file: str, prop: Mapping[str, Any]) -> Shape | None:
        target = prop.get("$ref")
        if target is None:
            return None
        other, _, pointer = target.partition("#")
        file = other or file
        name = pointer.rpartition("/")[2]
        document = self._documents[file]
        schema = document["$defs"][name] if name else document
        if name == "EntityReference" or "properties" not in schema:
            return None
        return self._shape(file, name, schema)
