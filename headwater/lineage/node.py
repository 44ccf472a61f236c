"""Finding the nodes that questions and requests name, and how answers spell nodes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from headwater.errors import ConflictError, HeadwaterError, InvalidInputError, NotFoundError
from headwater.lineage.kind import UNRESOLVED, known_kinds
from headwater.store.base import Key, Node, Store
from headwater.store.draft import Document

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Name(NamedTuple):
    """What names a node: an id, or an FQN, or a text that may be either; and perhaps its kind."""

    id: str | None = None
    fqn: str | None = None
    kind: str | None = None

    @classmethod
    def of(cls, key: Key, kind: str | None = None) -> Name:
        """Read a key; a text is an id or an FQN, and without a kind perhaps ``kind:fqn``."""
        if isinstance(key, tuple):
            return cls(fqn=key[1], kind=key[0])
        prefix, _, rest = key.partition(":")
        if kind is None and prefix in known_kinds():
            return cls(fqn=rest, kind=prefix)
        return cls(key.lower() if _UUID.fullmatch(key) else None, key, kind)


def find_root(store: Store, key: Key, *, kind: str | None = None) -> Node:
    """Return the node with a kind and FQN, with an FQN that only one node has, or with an id.

    Args:
        key: See ``Name.of``.
        kind: Restricts the search.

    Raises:
        NotFoundError: There is no such node.
        ConflictError: Several kinds have that FQN; ``details["candidates"]`` lists them.
    """
    return _one(store, Name.of(key, kind))


def find_by_id(store: Store, node_id: str, *, kind: str | None = None) -> Node:
    """Return the node with an id.

    Raises:
        NotFoundError: There is none, or it is of another kind.
    """
    return _one(store, Name(node_id, None, kind))


def find_all(store: Store, names: Sequence[Name]) -> list[Node | HeadwaterError]:
    """Return the node of each name, or why there is none, in at most two look-ups."""
    ids = {name.id for name in names if name.id}
    by_id = {node.id: node for node in store.nodes(ids=ids)} if ids else {}
    fqns = {name.fqn for name in names if name.fqn and name.id not in by_id}
    by_fqn: dict[str, list[Node]] = {}
    for node in store.nodes(fqns=fqns) if fqns else ():
        by_fqn.setdefault(node.fqn, []).append(node)
    return [_pick(name, by_id, by_fqn) for name in names]


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


def _one(store: Store, name: Name) -> Node:
    (found,) = find_all(store, [name])
    if isinstance(found, HeadwaterError):
        raise found
    return found


def _pick(
    name: Name, by_id: dict[str, Node], by_fqn: dict[str, list[Node]]
) -> Node | HeadwaterError:
    kind = name.kind
    if kind is not None and kind not in known_kinds():
        known = ", ".join(sorted(known_kinds()))
        return InvalidInputError(f"there is no kind {kind!r}; the kinds are {known}", kind=kind)
    node = by_id.get(name.id or "")
    if node and kind in (None, node.kind):
        return node
    if name.fqn is None:
        return NotFoundError(f"there is no {kind or 'node'} with id {name.id}")
    found = [each for each in by_fqn.get(name.fqn, ()) if _asked(each, kind)]
    found = [each for each in found if not each.dropped and not each.deleted] or found
    return _only(found, name.fqn, kind)


def _asked(node: Node, kind: str | None) -> bool:
    # An unresolved source bears its column's name; it is meant only when asked for by kind.
    return node.kind != UNRESOLVED if kind is None else node.kind == kind


def _only(found: list[Node], fqn: str, kind: str | None) -> Node | HeadwaterError:
    if not found:
        what = kind or "entity, column or feature"
        asked = {"kind": kind} if kind else {}
        return NotFoundError(f"there is no {what} {fqn!r}", fqn=fqn, **asked)
    if len(found) > 1:
        candidates = sorted(f"{node.kind}:{node.fqn}" for node in found)
        return ConflictError(
            f"{fqn!r} names more than one thing: {', '.join(candidates)}; say which kind",
            candidates=candidates,
        )
    return found[0]
