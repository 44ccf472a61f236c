"""Teams within teams: none is a part of itself, through however many others."""

from __future__ import annotations

from headwater.errors import InvalidInputError
from headwater.store.base import Store
from headwater.store.draft import Change, Document, Draft, load

KIND = "team"


def check_team(store: Store, change: Change, draft: Draft) -> None:
    """Refuse new parents of a team that are the team itself, or parts of it.

    The commit depends on every team that was met: of two writers who make a circle together, the
    second is refused.

    Raises:
        InvalidInputError: A parent is below the team.
    """
    known = _parents(change.before or {})
    for index, parent in enumerate(change.after.get("parents", ())):
        if parent["id"] in known:
            continue
        chain = _chain(store, parent, change.id, draft)
        if chain:
            way = " → ".join([change.fqn, *chain])
            message = f"a team cannot be a part of itself: {way}"
            raise InvalidInputError.at(f"/parents/{index}", message)


def _parents(document: Document) -> dict[str, str]:
    """FQNs of a team's parents by id."""
    return {each["id"]: each["fullyQualifiedName"] for each in document.get("parents", ())}


def _chain(store: Store, parent: Document, team_id: str, draft: Draft) -> list[str]:
    """The FQNs from a parent up to the team; empty when it does not lead there."""
    names = {parent["id"]: parent["fullyQualifiedName"]}
    came_from: dict[str, str] = {}
    frontier = [parent["id"]]
    while frontier and team_id not in names:
        found = store.find_many(frontier)
        draft.depend_on({record.id: record.rev for record in found.values()})
        frontier = []
        for record in found.values():
            for above, name in _parents(load(record)).items():
                if above not in names:
                    names[above], came_from[above] = name, record.id
                    frontier.append(above)
    if team_id not in names:
        return []
    ids = [team_id]
    while ids[-1] in came_from:
        ids.append(came_from[ids[-1]])
    return [names[each] for each in reversed(ids)]
