"""What carries a tag: entities, columns and features, found by the references to the tag."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from headwater.errors import ConflictError, NotFoundError
from headwater.lineage.kind import FEATURES, WORDS
from headwater.lineage.node import Name, find_all
from headwater.schemas import shape_of
from headwater.schemas.kind import Shape
from headwater.store.base import Node, Record, Store
from headwater.store.draft import load

MOST = 20_000
"""How many entities that carry a tag are read for one question."""
_BATCH = 1000
_FIELD = "tags"
Names = frozenset[str]


@dataclass(slots=True)
class Tagged:
    """What carries a tag.

    Attributes:
        nodes: Whose data is what the tag says, by id: what carries it, the columns of a table that
            does, and columns that hold one that does.
        tags: The FQNs of the tags, by the id of the node.
        carriers: Ids of what carries it itself.
        cut: There is more than was read.
    """

    nodes: dict[str, Node] = field(default_factory=dict)
    tags: dict[str, Names] = field(default_factory=dict)
    carriers: set[str] = field(default_factory=set)
    cut: bool = False


def find_tag(store: Store, name: str) -> Node:
    """Return the tag or classification with an FQN or id, also as ``tag:fqn``.

    Raises:
        NotFoundError: There is none.
    """
    asked = Name.of(name)
    kinds = [asked.kind] if asked.kind else sorted(WORDS)
    for each in find_all(store, [asked._replace(kind=kind_) for kind_ in kinds]):
        if isinstance(each, Node) and each.kind in WORDS:
            return each
        if isinstance(each, ConflictError):
            raise each
    raise NotFoundError(f"there is no tag or classification {name!r}", fqn=name)


def tagged(store: Store, word: Node, *, within: Collection[str] | None = None) -> Tagged:
    """Return what carries a tag, or a tag below it, or any tag of a classification.

    Args:
        within: Only these entities, by id.
    """
    ids = {word.id, *(record.id for record in store.descendants(word.id))}
    holders = {
        entity_id
        for _, entity_id, path in store.referrers(ids)
        if path.rpartition(".")[2] == _FIELD
    }
    wanted = sorted(holders if within is None else holders.intersection(within))
    found = Tagged(cut=len(wanted) > MOST)
    for at in range(0, min(len(wanted), MOST), _BATCH):
        some = wanted[at : min(at + _BATCH, MOST)]
        _add(store, store.find_many(some).values(), ids, found)
    return found


def _add(store: Store, records: Collection[Record], ids: set[str], found: Tagged) -> None:
    """Add what of these entities carries one of the tags."""
    said: dict[str, Names] = {}
    whole: dict[str, Names] = {}
    for record in records:
        document = load(record)
        shape = shape_of(record.kind)
        marked = [*_marked(shape, document, ids, frozenset())]
        own = _tags(document, ids)
        if not (own or marked):  # on a feature of a version, which is no node of its own
            own = _anywhere(shape, document, ids)
        if own:
            whole[record.id] = own
            found.carriers.add(record.id)
        for part_id, tags, itself in marked:
            said[part_id] = tags
            if itself:
                found.carriers.add(part_id)
    parts = store.nodes(owner_ids=whole) if whole else []
    for part in parts:  # what is dropped, too: no document has it
        if part.kind not in FEATURES:
            said[part.id] = said.get(part.id, frozenset()) | whole[str(part.owner_id)]
    said |= whole
    nodes = store.nodes(ids=said) if said else []
    found.nodes |= {node.id: node for node in nodes}
    found.tags |= said


def _marked(
    shape: Shape, holder: Mapping[str, Any], ids: set[str], above: Names
) -> Iterator[tuple[str, Names, bool]]:
    """The parts that carry a tag, lie in one that does, or hold one that does.

    Yields:
        Its id, the tags, and whether it carries one itself.
    """
    for each in shape.fields.values():
        if not (each.part and each.shape):
            continue
        for element in each.elements(holder):
            own = _tags(element, ids)
            below = [*_marked(each.shape, element, ids, above | own)]
            tags = (above | own).union(*(names for _, names, _ in below))
            if tags and "id" in element:
                yield element["id"], tags, bool(own)
            yield from below


def _tags(holder: Mapping[str, Any], ids: set[str]) -> Names:
    listed = holder.get(_FIELD, ())
    return frozenset(tag["fullyQualifiedName"] for tag in listed if tag["id"] in ids)


def _anywhere(shape: Shape, holder: Mapping[str, Any], ids: set[str]) -> Names:
    """The tags that stand anywhere in a document."""
    found = _tags(holder, ids)
    for each in shape.fields.values():
        if each.shape and each.is_list:
            below = (_anywhere(each.shape, item, ids) for item in each.elements(holder))
            found = found.union(*below)
    return found
