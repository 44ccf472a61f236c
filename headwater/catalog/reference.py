"""References: every spelling of them is resolved to an entity that is there."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from headwater.catalog.keyed import identity
from headwater.errors import InvalidInputError, StaleWriteError
from headwater.schemas import Kind
from headwater.schemas.kind import Field, Shape, is_reference
from headwater.store.base import Key, Record, Reference, Store
from headwater.store.draft import Document


@dataclass(slots=True)
class Spelled:
    """A reference as it stands in a document.

    Attributes:
        holder: The object or list that it stands in, at ``slot``; resolving replaces it there.
        pointer: Where it stands, as a JSON pointer.
        path: The field, without positions: ``mlFeatures.featureSources.dataSource``.
    """

    holder: Any
    slot: str | int
    field: Field
    pointer: str
    path: str

    @property
    def value(self) -> Any:
        """What was written there."""
        return self.holder[self.slot]


def stored_references(shape: Shape, document: Document) -> Iterator[Spelled]:
    """Yield every reference in a stored document; values of an earlier schema are none."""
    return spelled_references(shape, document, stored=True)


def spelled_references(
    shape: Shape, document: Document, pointer: str = "", path: str = "", *, stored: bool = False
) -> Iterator[Spelled]:
    """Yield every reference in a request, which is valid."""
    for name, value in document.items():
        field = shape.fields.get(name)
        if field is None or value is None or not _may_refer(field):
            continue
        if stored and not field.fits(value):
            continue
        here, field_path = f"{pointer}/{name}", f"{path}.{name}" if path else name
        if field.reference and field.is_list:
            for index in range(len(value)):
                yield Spelled(value, index, field, f"{here}/{index}", field_path)
        elif field.reference:
            yield Spelled(document, name, field, here, field_path)
        elif field.shape and field.is_list:
            for index, item in enumerate(value):
                yield from spelled_references(
                    field.shape, item, f"{here}/{index}", field_path, stored=stored
                )
        elif field.shape:
            yield from spelled_references(field.shape, value, here, field_path, stored=stored)


def _may_refer(field: Field) -> bool:
    return bool(field.reference) or (field.shape is not None and field.shape.refers)


def keys_of(spelled: Spelled) -> list[Key]:
    """The keys that a reference may mean: several where it names no kind and the field allows some.

    A text is an FQN, or ``kind:fqn``.

    Raises:
        InvalidInputError: It names neither an id nor an FQN, or a kind that the field refuses.
    """
    value = spelled.value
    allowed = spelled.field.reference
    if isinstance(value, str):
        value = {"fullyQualifiedName": value}
        kind, _, rest = spelled.value.partition(":")
        if kind in allowed:
            value = {"type": kind, "fullyQualifiedName": rest}
    kind = value.get("type")
    if kind is not None and kind not in allowed:
        raise InvalidInputError.at(
            spelled.pointer + "/type", f"{kind!r} does not fit here; {' or '.join(allowed)} does"
        )
    if entity_id := value.get("id"):
        return [str(entity_id).lower()]
    fqn = value.get("fullyQualifiedName")
    if fqn and not fqn.isascii():
        fqn = unicodedata.normalize("NFC", fqn)  # as names are stored
    if not fqn:
        raise InvalidInputError.at(spelled.pointer, "a reference has an id or a fullyQualifiedName")
    return [(each, fqn) for each in (allowed if kind is None else [kind])]


@dataclass(frozen=True, slots=True)
class Resolved:
    """What references were found to point to.

    Attributes:
        references: One entry a field and target.
        gone: Those whose targets are soft-deleted.
        revs: Rev of every target, by id: their names are spelled as of these.
    """

    references: list[Reference]
    gone: list[Spelled]
    revs: dict[str, int]


def resolve(store: Store, spelled: Iterable[Spelled]) -> Resolved:
    """Replace each reference by its full form.

    Raises:
        InvalidInputError: A target is not there, not one alone, or of a kind that does not fit.
    """
    gone, revs = [], {}
    asked = [(each, keys_of(each)) for each in spelled]
    if not asked:
        return Resolved([], [], {})
    found = store.find_many({key for _, keys in asked for key in keys})
    for each, keys in asked:
        record = _meant(each, keys, found)
        _check_agreement(each, record)
        if record.kind not in each.field.reference:
            fits = " or ".join(each.field.reference)
            message = f"{_spell(keys)} is a {record.kind}; {fits} fits here"
            raise InvalidInputError.at(each.pointer, message)
        each.holder[each.slot] = full_reference(record)
        revs[record.id] = record.rev
        if record.deleted:
            gone.append(each)
    return Resolved(_references([each for each, _ in asked]), gone, revs)


def _meant(spelled: Spelled, keys: list[Key], found: Mapping[Key, Record]) -> Record:
    """The one entity that a reference means, a live one before others.

    Raises:
        InvalidInputError: There is none, or there are several.
    """
    there = [found[key] for key in keys if key in found]
    there = [record for record in there if not record.deleted] or there
    if not there:
        what = _spell(keys)
        raise InvalidInputError.at(spelled.pointer, f"there is no {what}", missing=what)
    if len(there) > 1:
        candidates = sorted(f"{record.kind}:{record.fqn}" for record in there)
        raise InvalidInputError.at(
            spelled.pointer + "/type",
            f"say which kind is meant: {' or '.join(candidates)}",
            candidates=candidates,
        )
    return there[0]


def _check_agreement(spelled: Spelled, record: Record) -> None:
    """Refuse a reference whose parts name two things.

    Raises:
        InvalidInputError: Its id is of one entity, its FQN or kind another's.
    """
    if isinstance(spelled.value, str) or "id" not in spelled.value:
        return
    for name, right in (("type", record.kind), ("fullyQualifiedName", record.fqn)):
        said = spelled.value.get(name)
        if said and said != right and unicodedata.normalize("NFC", said) != right:
            raise InvalidInputError.at(
                f"{spelled.pointer}/{name}",
                f"is {said!r}, but the id is that of {record.kind} {record.fqn!r}; leave one out",
            )


def spell_by_id(shape: Shape, before: Document, document: Document) -> None:
    """Leave the FQN out of references that stood so before: their targets may have been renamed."""
    stood = {_pair(each.value) for each in stored_references(shape, before)}
    for each in spelled_references(shape, document):
        if isinstance(each.value, dict) and _pair(each.value) in stood:
            each.holder[each.slot] = {"id": each.value["id"]}


def spell_as_now(store: Store, shape: Shape, *documents: Document) -> None:
    """Give references of stored documents, whenever they are from, the names that targets have."""
    spelled = [each for document in documents for each in stored_references(shape, document)]
    found = store.find_many({each.value["id"] for each in spelled}) if spelled else {}
    for each in spelled:
        if record := found.get(each.value["id"]):
            each.holder[each.slot] = full_reference(record)


def _pair(reference: Document) -> tuple[Any, Any]:
    return reference.get("id"), reference.get("fullyQualifiedName")


def drop_repeats(spelled: Iterable[Spelled]) -> None:
    """Leave each target of a list of resolved references in it once."""
    lists = {id(each.holder): each.holder for each in spelled if each.field.is_list}
    for listed in lists.values():
        listed[:] = {each["id"]: each for each in listed}.values()


def refuse_deleted(gone: Iterable[Spelled], known: Iterable[str]) -> None:
    """Refuse references to what is soft-deleted, but for targets that are known already.

    Raises:
        InvalidInputError: One of them is new.
    """
    for each in gone:
        target = each.value
        if target["id"] not in known:
            what = f"{target['type']} {target['fullyQualifiedName']!r}"
            raise InvalidInputError.at(each.pointer, f"{what} is deleted; restore it first")


def targets(which: Kind, document: Document) -> list[Reference]:
    """What a document refers to, its references in full form: one entry a field and target."""
    return _references(stored_references(which.shape, document))


def _references(spelled: Iterable[Spelled]) -> list[Reference]:
    found = dict.fromkeys((each.path, each.value["id"]) for each in spelled)
    return [Reference(path, target_id) for path, target_id in found]


def loose_references(document: Any) -> Iterator[str]:
    """The ids of all references in a document, wherever they stand and whatever its schema says."""
    if is_reference(document):
        yield str(document["id"])
    for value in document.values() if isinstance(document, dict) else document:
        if isinstance(value, (dict, list)):
            yield from loose_references(value)


def without_references(shape: Shape, document: Document, gone: Container[str]) -> Document:
    """A copy of the document without its references to entities that are gone, at every depth.

    Also without those that it holds since they were of an earlier schema.
    """
    out: Document = {}
    for name, value in document.items():
        field = shape.fields.get(name)
        if field is None or field.shape is None or _is_to(value, gone) or not field.fits(value):
            value = _without(value, gone)
        elif field.is_list:
            value = [without_references(field.shape, item, gone) for item in value]
            if field.tie_breaker:  # what only its table told from another is one with it now
                value = list({identity(field, item): item for item in reversed(value)}.values())[
                    ::-1
                ]
        else:
            value = without_references(field.shape, value, gone)
        if value is not None:
            out[name] = value
    return out


def _without(value: Any, gone: Container[str]) -> Any:
    """A value without references to what is gone; None when it is one."""
    if _is_to(value, gone):
        return None
    if isinstance(value, list):
        return [left for each in value if (left := _without(each, gone)) is not None]
    if isinstance(value, dict):
        return {n: left for n, e in value.items() if (left := _without(e, gone)) is not None}
    return value


def _is_to(value: Any, gone: Container[str]) -> bool:
    return is_reference(value) and value["id"] in gone


def referring(store: Store, family: Collection[str]) -> dict[str, Record]:
    """The entities that refer to some of a family, which are an entity and all below it, by id.

    Raises:
        StaleWriteError: One of them was made below these since they were read.
    """
    found = {entity_id for _, entity_id, _ in store.referrers(family)}.difference(family)
    records = store.find_many(found) if found else {}
    for record in records.values():
        if record.parent_id in family:
            raise StaleWriteError(f"{record.kind} {record.fqn!r} was made meanwhile", id=record.id)
    return {record.id: record for record in records.values()}


def full_reference(record: Record) -> Document:
    """The stored form of a reference to an entity."""
    return {
        "id": record.id,
        "type": record.kind,
        "name": record.name,
        "fullyQualifiedName": record.fqn,
    }


def _spell(keys: list[Key]) -> str:
    kinds = [key[0] for key in keys if isinstance(key, tuple)]
    return f"{' or '.join(kinds)} {keys[0][1]!r}" if kinds else f"entity with id {keys[0]}"
