"""What changed between two documents of a kind, down to the nested element."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from headwater.catalog.keyed import keyed
from headwater.catalog.same import same
from headwater.schemas import Kind
from headwater.schemas.kind import Field, Shape
from headwater.store.draft import Document

Action = Literal["added", "updated", "deleted"]
ABSENT = object()


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One changed field.

    Attributes:
        path: Names elements of keyed lists: ``mlFeatures.age.dataType``.
        field: The property that changed, such as ``dataType``, or that the element stands in.
        of_order: Elements of a list stand in another order; the values are their labels.
    """

    action: Action
    path: str
    old: Any
    new: Any
    major: bool
    field: str = ""
    of_order: bool = False

    def as_json(self) -> Document:
        """The wire form: ``{name, oldValue?, newValue?}``."""
        out: Document = {"name": self.path}
        if self.action != "added":
            out["oldValue"] = self.old
        if self.action != "deleted":
            out["newValue"] = self.new
        return out


def diff(kind: Kind, old: Document, new: Document) -> list[FieldChange]:
    """Return the changes from one document of a kind to another, in the schema's order.

    Read-only and volatile fields do not count; references are equal when their ids are.
    """
    return list(_objects(kind.shape, old, new, ""))


def grouped(changes: list[FieldChange]) -> Document:
    """The changes as ``fieldsAdded``, ``fieldsUpdated`` and ``fieldsDeleted``."""
    return {
        f"fields{action.capitalize()}": [c.as_json() for c in changes if c.action == action]
        for action in ("added", "updated", "deleted")
    }


def _objects(shape: Shape, old: Document, new: Document, path: str) -> Iterator[FieldChange]:
    fields: Iterable[Field] = shape.fields.values()
    if not old.keys() <= shape.fields.keys() >= new.keys():
        fields = [*fields, *_leftovers(shape, old, new)]
    for field in fields:
        if field.read_only or field.volatile:
            continue
        name = field.name
        before, after = old.get(name, ABSENT), new.get(name, ABSENT)
        if before is after or same(before, after):
            continue
        yield from _values(field, before, after, f"{path}.{name}" if path else name)


def _leftovers(shape: Shape, old: Document, new: Document) -> Iterator[Field]:
    """What the schema does not know, for it did once."""
    for name in sorted((old.keys() | new.keys()) - shape.fields.keys()):
        yield Field(name, is_list=False, read_only=False, shape=None)


def _values(field: Field, before: Any, after: Any, path: str) -> Iterator[FieldChange]:
    if not all(value is ABSENT or field.fits(value) for value in (before, after)):
        field = Field(field.name, is_list=False, read_only=False, shape=None, major=field.major)
    if field.is_keyed:
        old = before if before is not ABSENT else []
        new = after if after is not ABSENT else []
        yield from _keyed(field, old, new, path)
    elif before is ABSENT:
        yield FieldChange("added", path, None, after, "added" in field.major, field.name)
    elif after is ABSENT:
        yield FieldChange("deleted", path, before, None, "deleted" in field.major, field.name)
    elif field.reference:
        if before["id"] != after["id"]:
            yield FieldChange("updated", path, before, after, "updated" in field.major, field.name)
    elif field.shape and not field.is_list:
        yield from _objects(field.shape, before, after, path)
    else:
        known = not isinstance(before, str) or before not in field.placeholders
        major = "updated" in field.major and known
        yield FieldChange("updated", path, before, after, major, field.name)


def _keyed(
    field: Field, old: list[Document], new: list[Document], path: str
) -> Iterator[FieldChange]:
    shape = field.shape
    before, after = keyed(field, old, new)
    for name, item in after.items():
        where = f"{path}.{name}"
        if name not in before:
            yield FieldChange("added", where, None, item, "added" in field.major, field.name)
        elif shape:
            yield from _objects(shape, before[name], item, where)
        elif field.reference and before[name]["id"] != item["id"]:
            major = "updated" in field.major
            yield FieldChange("updated", where, before[name], item, major, field.name)
    for name, item in before.items():
        if name not in after:
            where = f"{path}.{name}"
            yield FieldChange("deleted", where, item, None, "deleted" in field.major, field.name)
    stayed, now = [n for n in before if n in after], [n for n in after if n in before]
    if field.ordered and stayed != now:
        yield FieldChange("updated", path, stayed, now, False, field.name, of_order=True)
