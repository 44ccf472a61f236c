"""Teams within teams, domains within domains: none is a part of itself, through however many."""

from __future__ import annotations

from collections.abc import Iterator

from headwater.errors import InvalidInputError
from headwater.store.base import EntityWrite, Store
from headwater.store.draft import Change, Document, Draft, load

ABOVE = {"team": "parents", "domain": "domain"}
"""The property that names what an entity of a kind is a part of."""


def check_circle(store: Store, change: Change, draft: Draft) -> None:
    """Refuse to put an entity below itself, or below what is a part of it.

    The commit depends on every entity that was met: of two writers who make a circle together, the
    second is refused.

    Raises:
        InvalidInputError: What is above it is below it, too.
    """
    name = change.kind.name
    if name not in ABOVE:
        return
    known = _above(name, change.before or {})
    for index, (id_, fqn) in enumerate(_above(name, change.after).items()):
        if id_ not in known and (way := _chain(store, name, (id_, fqn), change.id, draft)):
            message = _told(name, [change.fqn, *way])
            is_list = isinstance(change.after[ABOVE[name]], list)
            where = f"/{ABOVE[name]}/{index}" if is_list else f"/{ABOVE[name]}"
            raise InvalidInputError.at(where, message)


def circles(ahead: Store, writes: list[EntityWrite], draft: Draft) -> Iterator[str]:
    """Say which entities would be parts of themselves after many writes at once.

    Args:
        ahead: The store as it will be.
        draft: Of the writes; its commit depends on what else was met.
    """
    met = Draft()
    for write in writes:
        record = ahead.find(write.id) if write.kind in ABOVE else None
        for above in _above(write.kind, load(record)).items() if record else ():
            if way := _chain(ahead, write.kind, above, write.id, met):
                yield f"{write.kind} {write.fqn!r}: {_told(write.kind, [write.fqn, *way])}"
    written = {write.id for write in writes}
    draft.depend_on({id_: rev for id_, rev in met.expects.items() if id_ not in written})


def _told(name: str, way: list[str]) -> str:
    return f"a {name} cannot be a part of itself: {' → '.join(way)}"


def _above(name: str, document: Document) -> dict[str, str]:
    """FQNs, by id, of what an entity is a part of."""
    held = document.get(ABOVE[name]) or []
    return {
        each["id"]: each["fullyQualifiedName"]
        for each in (held if isinstance(held, list) else [held])
    }


def _chain(store: Store, name: str, above: tuple[str, str], id_: str, draft: Draft) -> list[str]:
    """The FQNs from what is above an entity up to that; empty when it does not lead there."""
    names, came_from = dict([above]), dict[str, str]()
    frontier = [above[0]]
    while frontier and id_ not in names:
        found = store.find_many(frontier)
        draft.depend_on({record.id: record.rev for record in found.values()})
        frontier = []
        for record in found.values():
            for next_id, fqn in _above(name, load(record)).items():
                if next_id not in names:
                    names[next_id], came_from[next_id] = fqn, record.id
                    frontier.append(next_id)
    if id_ not in names:
        return []
    ids = [id_]
    while ids[-1] in came_from:
        ids.append(came_from[ids[-1]])
    return [names[each] for each in reversed(ids)]
