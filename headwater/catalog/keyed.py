"""Keyed lists: telling their elements apart, in one state and across two."""

from __future__ import annotations

from collections import Counter

from headwater.names import quote
from headwater.schemas.kind import Field
from headwater.store.draft import Document

Elements = dict[str, Document]


def keyed(field: Field, old: list[Document], new: list[Document]) -> tuple[Elements, Elements]:
    """Both lists by label: the quoted key, with the tie breaker where a key alone is not enough.

    Two sources named ``id`` of one feature are ``id@db.shop.orders`` and ``id@db.shop.customers``.
    A list of references goes by their FQNs. References in both lists have their full form.
    """
    if field.reference:
        old_, new_ = ({quote(r["fullyQualifiedName"]): r for r in items} for items in (old, new))
        return old_, new_
    key, tie = str(field.keyed_by), field.tie_breaker
    tied: set[str] = set()
    if tie:
        counts = [Counter(item[key] for item in items) for items in (old, new)]
        tied = {name for count in counts for name, times in count.items() if times > 1}

    def label(item: Document) -> str:
        name = quote(item[key])
        if item[key] not in tied or tie not in item:
            return name
        return f"{name}@{item[tie]['fullyQualifiedName']}"

    return {label(item): item for item in old}, {label(item): item for item in new}
