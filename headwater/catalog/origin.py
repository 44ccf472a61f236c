"""Origins: who set each field and how, and what follows from it for the next writer.

A mark is ``{"by", "kind", "writer", "producer"?, "also"?, "removed"?}`` under the field's path:
``kind`` is ``person``, ``bot``, or ``released`` for what a person handed back; ``also`` are further
writers that put the same element of a list of references; ``removed`` says that a person took the
value away, and that no machine brings it back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from headwater.catalog.diff import FieldChange
from headwater.store.draft import Actor, Document

Origins = dict[str, Any]
WHOLE = ""
"""The path under which stands who created the entity, and so what no other path speaks of."""
TEXTS = frozenset({"description", "displayName"})
SETS = frozenset({"owners", "tags"})
FOR_PEOPLE = TEXTS | SETS
"""Properties, at any depth, that people fill in and machines leave alone once they did."""
RELEASED = "released"


def origin(actor: Actor) -> Document:
    """The mark that a field set by the actor carries."""
    mark = {"by": actor.name, "kind": actor.kind, "writer": actor.writer}
    return mark | ({"producer": actor.producer} if actor.producer else {})


def record_origins(origins: Origins, changes: Iterable[FieldChange], actor: Actor) -> Origins:
    """Who set each field after the changes, by path.

    Paths that are gone are forgotten, but for what a person removed of what people fill in.
    """
    mark = origin(actor)
    out = dict(origins)
    for change in changes:
        if change.action == "deleted":
            below = change.path + "."
            out = {p: o for p, o in out.items() if p != change.path and not p.startswith(below)}
            if actor.kind == "person" and change.field in FOR_PEOPLE:
                out[change.path] = {**mark, "removed": True}
        else:
            out[change.path] = mark
    return out


def release(origins: Origins, path: str, actor: Actor) -> Origins:
    """The origins after a person handed a field, and everything below it, back to the machines."""
    below = path + "."
    kept = {
        where: mark
        for where, mark in origins.items()
        if mark["kind"] != "person" or (where != path and not where.startswith(below))
    }
    return kept | {path: {"by": actor.name, "kind": RELEASED, "writer": RELEASED}}


def owner_of(origins: Origins, path: str) -> Document | None:
    """The origin of a path: its own, or the nearest one above it that was set as a whole."""
    while path:
        if path in origins:
            found: Document = origins[path]
            return found
        # An element whose label got a tie breaker later (see ``keyed``) was recorded without it.
        above, _, last = path.rpartition(".")
        path = path.rpartition("@")[0] if "@" in last else above
    whole: Document | None = origins.get(WHOLE)
    return whole


class Rules:
    """What an actor may do to each field of a stored document.

    Args:
        origins: Of the document. ``claim`` completes them.
    """

    def __init__(self, origins: Origins, actor: Actor) -> None:
        self._origins = origins
        self._actor = actor

    @property
    def is_bot(self) -> bool:
        """Whether a machine writes."""
        return self._actor.kind == "bot"

    def may_set(self, path: str, name: str, old: Any) -> bool:
        """Whether the actor may put a value in the place of the old one, or of none."""
        if not self.is_bot or name not in TEXTS:
            return True
        if old is None:
            return not self.is_removed(path)
        owner = owner_of(self._origins, path)
        return owner is None or owner["kind"] != "person"

    def may_change(self, path: str, known: Collection[str]) -> bool:
        """Whether the actor may change a set at all: owners that a person chose are complete."""
        if not self.is_bot or path.rpartition(".")[2] != "owners":
            return True
        owners = [owner_of(self._origins, f"{path}.{name}") for name in known]
        return not any(owner and owner["kind"] == "person" for owner in owners)

    def may_remove(self, path: str) -> bool:
        """Whether leaving the element out of a list removes it."""
        owner = owner_of(self._origins, path)
        if owner is None or owner["kind"] == RELEASED:
            return True
        return owner["writer"] == self._actor.writer and not owner.get("also")

    def is_removed(self, path: str) -> bool:
        """Whether a person removed the value, and the actor is a machine that would put it back."""
        return self.is_bot and bool(self._origins.get(path, {}).get("removed"))

    def claim(self, path: str, known: Collection[str], asked: Collection[str]) -> None:
        """Note who puts which element of a list of references, where several writers put one.

        An element goes when the last of those who put it leaves it out.
        """
        me = self._actor.writer
        for name in known:
            where = f"{path}.{name}"
            mark = owner_of(self._origins, where)
            if mark is None or mark["kind"] == RELEASED:
                continue
            writers = [mark["writer"], *mark.get("also", ())]
            if name in asked and me not in writers:
                self._origins[where] = _marked(mark, [*writers, me], self._actor)
            elif name not in asked and me in writers and len(writers) > 1:
                left = [writer for writer in writers if writer != me]
                self._origins[where] = _marked(mark, left, self._actor)


def _marked(mark: Document, writers: list[str], actor: Actor) -> Document:
    """The mark of an element that these writers put; people come first."""
    first, *others = sorted(writers, key=lambda writer: writer != "person")
    if first == mark["writer"]:
        out = {name: value for name, value in mark.items() if name != "also"}
    elif first == actor.writer:
        out = origin(actor)
    else:
        out = {"by": first, "kind": "person" if first == "person" else "bot", "writer": first}
    return out | ({"also": others} if others else {})
