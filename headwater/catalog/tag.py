"""Tags of a classification that is mutually exclusive: one of them holds for one thing."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby

from headwater.catalog.keyed import keyed, quoted
from headwater.catalog.origin import Origins, owner_of
from headwater.errors import InvalidInputError
from headwater.names import join, split
from headwater.schemas.kind import Field, Shape
from headwater.store.base import Store
from headwater.store.draft import Actor, Change, Document, load


def keep_exclusive(store: Store, change: Change, actor: Actor) -> None:
    """Leave one tag of each mutually exclusive classification, wherever tags stand.

    A person's tag replaces a machine's, and a machine's never comes beside another.

    Raises:
        InvalidInputError: A person, or one machine, gives two.
    """
    crowded = [
        (holder, classification, tags)
        for holder in _tagged(change, change.after)
        for classification, tags in holder.groups()
        if len(tags) > 1
    ]
    if not crowded:
        return
    names = {("classification", classification) for _, classification, _ in crowded}
    exclusive = {
        record.fqn
        for record in store.find_many(names).values()
        if load(record).get("mutuallyExclusive")
    }
    before = {each.path: set(each.names()) for each in _tagged(change, change.before or {})}
    rules = _Rules(change.origins, by_person=actor.kind == "person")
    for holder, classification, tags in crowded:
        if classification in exclusive:
            _keep_one(holder, classification, set(tags), before.get(holder.path, set()), rules)


def crowded(shape: Shape, document: Document, exclusive: Collection[str]) -> Iterator[str]:
    """Tell where tags of one classification stand together that exclude each other.

    Args:
        exclusive: FQNs of the classifications that are mutually exclusive.
    """
    for holder in _holders(shape, document, "", ""):
        for classification, tags in holder.groups():
            if len(tags) > 1 and classification in exclusive:
                yield f"{holder.pointer}/tags {', '.join(tags)}"


@dataclass(frozen=True, slots=True)
class _Holder:
    """An object with tags; ``path`` is how origins spell it."""

    document: Document
    path: str
    pointer: str

    def groups(self) -> Iterator[tuple[str, list[str]]]:
        """FQNs of the tags by the FQN of their classification."""
        for classification, tags in groupby(sorted(self.names()), key=_classification):
            yield classification, list(tags)

    def names(self) -> list[str]:
        """FQNs of the tags."""
        return [tag["fullyQualifiedName"] for tag in self.document["tags"]]


@dataclass(frozen=True, slots=True)
class _Rules:
    origins: Origins
    by_person: bool

    def is_machines(self, holder: _Holder, tag: str) -> bool:
        """Whether a machine put a tag that stands."""
        path = f"{holder.path}.tags" if holder.path else "tags"
        mark = owner_of(self.origins, f"{path}.{quoted(tag)}")
        return mark is not None and mark["kind"] == "bot"


def _tagged(change: Change, document: Document) -> Iterator[_Holder]:
    """Every object of a document that has tags."""
    return _holders(change.kind.shape, document, "", "")


def _classification(tag: str) -> str:
    return join(*split(tag)[:-1])


def _holders(shape: Shape, document: Document, path: str, pointer: str) -> Iterator[_Holder]:
    tags = shape.fields.get("tags")
    if tags and tags.reference and document.get("tags") and tags.fits(document["tags"]):
        yield _Holder(document, path, pointer)
    for field in _nested(shape):
        name, value = field.name, document.get(field.name)
        if not value or not field.shape or not field.fits(value):
            continue
        labels, _ = keyed(field, value, [])
        where = f"{path}.{name}" if path else name
        for index, (label, item) in enumerate(labels.items()):
            below = f"{pointer}/{name}/{index}"
            yield from _holders(field.shape, item, f"{where}.{label}", below)


@cache
def _nested(shape: Shape) -> tuple[Field, ...]:
    """The lists whose elements may have tags."""
    keyed_ = [field for field in shape.fields.values() if field.keyed_by and field.shape]
    return tuple(field for field in keyed_ if field.shape and "tags" in field.shape.fields)


def _keep_one(
    holder: _Holder, classification: str, tags: set[str], stood: set[str], rules: _Rules
) -> None:
    new = tags - stood
    if not new:  # the classification has become exclusive since; what stands is left alone
        return
    if rules.by_person:
        keep = new | {tag for tag in tags & stood if not rules.is_machines(holder, tag)}
    else:
        keep = tags & stood or new
    if new <= keep and len(keep) > 1:
        raise InvalidInputError.at(
            f"{holder.pointer}/tags",
            f"{classification!r} is mutually exclusive, and {', '.join(sorted(keep))} are of it",
        )
    holder.document["tags"] = [
        tag
        for tag in holder.document["tags"]
        if tag["fullyQualifiedName"] in keep or tag["fullyQualifiedName"] not in tags
    ]
