"""Finding the node that a question starts from, and how answers spell nodes."""

from __future__ import annotations

from headwater.errors import ConflictError, InvalidInputError, NotFoundError
from headwater.schemas import kinds
from headwater.store.base import Key, Node, Store
from headwater.store.draft import Document

PART_KINDS = ("column", "mlFeature", "featureSource")


def find_root(store: Store, key: Key, *, kind: str | None = None) -> Node:
    """Return the node with an id, with a kind and FQN, or with an FQN that only one node has.

    Args:
        key: An id when ``kind`` is None and it looks like none of the others; else see ``Key``.
            A text ``kind:fqn`` counts as kind and FQN.
        kind: Restricts the search.

    Raises:
        NotFoundError: There is no such node.
        ConflictError: Several kinds have that FQN; ``details["candidates"]`` lists them.
    """
    if isinstance(key, tuple):
        kind, key = key
    elif (prefix := key.partition(":"))[0] in known_kinds() and kind is None:
        kind, _, key = prefix
    if kind is not None and kind not in known_kinds():
        known = ", ".join(sorted(known_kinds()))
        raise InvalidInputError(f"there is no kind {kind!r}; the kinds are {known}", kind=kind)
    found = [n for n in store.nodes(fqns=[key], kinds=[kind] if kind else None) if _asked(n, kind)]
    found = [n for n in found if not n.dropped and not n.deleted] or found
    return _only(found, key, kind)


def find_by_id(store: Store, node_id: str, *, kind: str | None = None) -> Node:
    """Return the node with an id.

    Raises:
        NotFoundError: There is none, or it is of another kind.
    """
    found = store.nodes(ids=[node_id], kinds=[kind] if kind else None)
    if not found:
        raise NotFoundError(f"there is no {kind or 'node'} with id {node_id}")
    return found[0]


def known_kinds() -> frozenset[str]:
    """Every kind that a node can have."""
    return frozenset(kinds()) | frozenset(PART_KINDS)


def as_json(node: Node) -> Document:
    """A node as answers spell it."""
    out: Document = {
        "id": node.id,
        "kind": node.kind,
        "fullyQualifiedName": node.fqn,
        "name": node.name,
    }
    if node.owner_id:
        out["owner"] = node.owner_id
    if node.dropped:
        out["dropped"] = True
    if node.deleted:
        out["deleted"] = True
    return out


def _asked(node: Node, kind: str | None) -> bool:
    # An unresolved source bears its column's name; it is meant only when asked for by kind.
    return kind is not None or node.kind != "featureSource"


def _only(found: list[Node], fqn: str, kind: str | None) -> Node:
    if not found:
        raise NotFoundError(f"there is no {kind or 'entity, column or feature'} {fqn!r}", fqn=fqn)
    if len(found) > 1:
        candidates = sorted(f"{node.kind}:{node.fqn}" for node in found)
        raise ConflictError(
            f"{fqn!r} names more than one thing: {', '.join(candidates)}; say which kind",
            candidates=candidates,
        )
    return found[0]
