"""Keyed lists: telling their elements apart, in one state and across two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from headwater.catalog.same import same
from headwater.names import quote
from headwater.schemas.kind import Field, Shape
from headwater.store.draft import Document

Elements = dict[str, Document]


def identity(field: Field, item: Document) -> tuple[Any, ...]:
    """What makes an element of a keyed list the same one, however references are spelled."""
    if field.reference:
        return (item["id"],)
    tie = item.get(field.tie_breaker) if field.tie_breaker else None
    return item[str(field.keyed_by)], tie["id"] if tie else None


def keyed(field: Field, old: list[Document], new: list[Document]) -> tuple[Elements, Elements]:
    """Both lists by label: the quoted key, with the tie breaker where a key alone is not enough.

    Two sources named ``id`` of one feature are ``id@db.shop.orders`` and ``id@db.shop.customers``;
    of references the key is the FQN, and the kind breaks ties: ``ops@team`` and ``ops@user``.
    References in both lists have their full form.
    """
    key = "fullyQualifiedName" if field.reference else str(field.keyed_by)
    if field.reference:  # one of a kind may also stand in the place of one of another
        counts = [Counter(name for name, _ in {(item[key], item["type"]) for item in [*old, *new]})]
    elif field.tie_breaker:
        counts = [Counter(item[key] for item in items) for items in (old, new)]
    else:
        counts = []
    tied = {name for count in counts for name, times in count.items() if times > 1}

    def label(item: Document) -> str:
        name = quoted(item[key])
        return with_tie(field, name, item) if item[key] in tied else name

    return {label(item): item for item in old}, {label(item): item for item in new}


def quoted(name: str) -> str:
    """A name as paths spell it: an ``@`` outside quotes is a tie breaker's."""
    return f'"{name}"' if "@" in name and quote(name) == name else quote(name)


def with_tie(field: Field, where: str, item: Document) -> str:
    """The path of an element with its tie breaker, if it has one; it may or may not need it."""
    if field.reference:
        return f"{where}@{item['type']}"
    tie = item.get(field.tie_breaker) if field.tie_breaker else None
    return f"{where}@{tie['fullyQualifiedName']}" if tie else where


def where_they_stood(shape: Shape, before: Document, after: Document) -> None:
    """Put elements of lists that have no order back to where they stood before, in place.

    An empty list stays one, too, where there is none any more.

    Args:
        shape: Of both documents, which tell the same but for the order of such lists and for
            lists without elements.
        before: The state that stays as it is.
        after: The state that is put in order.
    """
    for name, field in shape.fields.items():
        old, new = before.get(name), after.get(name)
        if same(old, new):
            continue
        if field.is_keyed and old == [] and not new:
            after[name] = old
        elif not (old and new):
            continue
        elif field.is_keyed:
            stood, now = keyed(field, old, new)
            if not field.ordered:
                new[:] = [now[label] for label in stood]
            if field.shape:
                for label, item in stood.items():
                    where_they_stood(field.shape, item, now[label])
        elif field.shape and not field.is_list:
            where_they_stood(field.shape, old, new)


def paths(shape: Shape, document: Document, above: str = "") -> Iterator[str]:
    """Every path that a document has, those of fields that it might have among them."""
    for name, field in shape.fields.items():
        if field.read_only:
            continue
        where, value = f"{above}.{name}" if above else name, document.get(name)
        yield where
        if value is not None and not field.fits(value):
            continue  # of an earlier schema
        if field.is_keyed:
            for label, item in keyed(field, value or [], [])[0].items():
                yield f"{where}.{label}"
                if field.shape:
                    yield from paths(field.shape, item, f"{where}.{label}")
        elif field.shape and not field.is_list:
            yield from paths(field.shape, value or {}, where)
