"""References: every spelling of them is resolved to an entity that is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from headwater.errors import InvalidInputError
from headwater.schemas.kind import Field, Shape
from headwater.store.base import Key, Record, Reference, Store
from headwater.store.draft import Document


@dataclass(slots=True)
class Spelled:
    """A reference as it stands in a document.

    Attributes:
        holder: The object whose property it is; resolving replaces the property.
        pointer: Where it stands, as a JSON pointer.
        path: The field, without positions: ``mlFeatures.featureSources.dataSource``.
    """

    holder: Document
    field: Field
    pointer: str
    path: str

    @property
    def value(self) -> Any:
        """What was written there."""
        return self.holder[self.field.name]


def spelled_references(
    shape: Shape, document: Document, pointer: str = "", path: str = ""
) -> Iterator[Spelled]:
    """Yield every reference in a document."""
    for name, value in document.items():
        field = shape.fields.get(name)
        if field is None or value is None:
            continue
        here, field_path = f"{pointer}/{name}", f"{path}.{name}" if path else name
        if field.reference:
            yield Spelled(document, field, here, field_path)
        elif field.shape and field.is_list:
            for index, item in enumerate(value):
                yield from spelled_references(field.shape, item, f"{here}/{index}", field_path)
        elif field.shape:
            yield from spelled_references(field.shape, value, here, field_path)


def key_of(spelled: Spelled) -> Key:
    """The key that a reference names.

    Raises:
        InvalidInputError: It names neither an id nor an FQN, or a kind that the field refuses.
    """
    value = spelled.value
    allowed = spelled.field.reference
    if isinstance(value, str):
        value = {"fullyQualifiedName": value}
    kind = value.get("type") or (allowed[0] if len(allowed) == 1 else None)
    if kind is not None and kind not in allowed:
        raise InvalidInputError.at(
            spelled.pointer + "/type", f"{kind!r} does not fit here; {' or '.join(allowed)} does"
        )
    if entity_id := value.get("id"):
        return str(entity_id).lower()
    fqn = value.get("fullyQualifiedName")
    if not fqn:
        raise InvalidInputError.at(spelled.pointer, "a reference has an id or a fullyQualifiedName")
    if kind is None:
        raise InvalidInputError.at(
            spelled.pointer + "/type", f"say which kind is meant: {' or '.join(allowed)}"
        )
    return (kind, fqn)


def resolve(store: Store, spelled: list[Spelled], *, known: frozenset[str]) -> list[Reference]:
    """Replace each reference by its full form and return what the store keeps of it.

    Args:
        known: Ids that the stored document refers to already: those may be soft-deleted.

    Raises:
        InvalidInputError: A target is not there, soft-deleted, or of a kind that does not fit.
    """
    keys = [key_of(each) for each in spelled]
    found = store.find_many(set(keys)) if keys else {}
    references = []
    for each, key in zip(spelled, keys, strict=True):
        record = found.get(key)
        _check_target(each, key, record, known)
        assert record is not None  # noqa: S101  (checked just above; tells the type checker)
        each.holder[each.field.name] = full_reference(record)
        references.append(Reference(each.path, record.id))
    return list(dict.fromkeys(references))


def full_reference(record: Record) -> Document:
    """The stored form of a reference to an entity."""
    return {
        "id": record.id,
        "type": record.kind,
        "name": record.name,
        "fullyQualifiedName": record.fqn,
    }


def _check_target(spelled: Spelled, key: Key, record: Record | None, known: frozenset[str]) -> None:
    what = f"{key[0]} {key[1]!r}" if isinstance(key, tuple) else f"entity with id {key}"
    if record is None:
        raise InvalidInputError.at(spelled.pointer, f"there is no {what}", missing=str(what))
    if record.kind not in spelled.field.reference:
        fits = " or ".join(spelled.field.reference)
        raise InvalidInputError.at(spelled.pointer, f"{what} is a {record.kind}; {fits} fits here")
    if record.deleted and record.id not in known:
        raise InvalidInputError.at(spelled.pointer, f"{what} is deleted; restore it first")
