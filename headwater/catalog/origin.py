"""Origins: who set each field and how, and what follows from it for the next writer.

A mark is ``{"by", "kind", "writer", "producer"?, "also"?, "removed"?, "target"?}`` under the path
of the field: ``kind`` is ``person``, ``bot``, or ``released`` for what a person handed back;
``also`` are further writers that put the same element of a list of references; ``removed`` says
that a person took the value away, and that no machine brings it back. A tag or owner that was so is
remembered under its id, for its name may change: ``target`` is the FQN that it had. The order of
a list has no mark: what stands in the list would inherit it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from headwater.catalog.diff import FieldChange, diff
from headwater.catalog.keyed import identity, keyed, quoted, with_tie
from headwater.schemas.kind import Field, Kind, Shape, is_reference
from headwater.store.base import Record
from headwater.store.draft import Actor, Document, kind_of

Origins = dict[str, Any]
WHOLE = ""
"""The path under which stands who created the entity, and so what no other path speaks of."""
TEXTS = frozenset({"description", "displayName"})
SETS = frozenset({"owners", "tags"})
FOR_PEOPLE = TEXTS | SETS
"""Properties, at any depth, that people fill in and machines leave alone once they did."""
RELEASED = "released"
_STEP = re.compile(r'(?:[^."]|"[^"]*")+')


def origins_of(record: Record) -> Origins:
    """The origins of a stored entity; the caller's own copy."""
    found: Origins = json.loads(record.origins)
    shape = kind_of(record).shape
    if ordered := shape.ordered:
        # Older releases marked a list that was put into another order, as if all of it were set.
        lists = [path for path in found if path.endswith(ordered)]
        for path in lists:
            if found[path]["kind"] != RELEASED and _is_ordered(shape, _STEP.findall(path)):
                del found[path]
    return found


def _is_ordered(shape: Shape, steps: Sequence[str]) -> bool:
    """Whether a path is that of a list whose order means something."""
    field = shape.fields.get(steps[0]) if steps else None
    if field is None or len(steps) == 1:
        return field is not None and field.ordered
    below = steps[2:] if field.is_keyed else steps[1:]
    return field.shape is not None and _is_ordered(field.shape, below)


def origin(actor: Actor) -> Document:
    """The mark that a field set by the actor carries."""
    mark = {"by": actor.name, "kind": actor.kind, "writer": actor.writer}
    return mark | ({"producer": actor.producer} if actor.producer else {})


def record_origins(origins: Origins, changes: Iterable[FieldChange], actor: Actor) -> Origins:
    """Who set each field after the changes, by path.

    Paths that are gone are forgotten, but for what a person removed of what people fill in: that
    is remembered even while the column or feature that it belongs to is away.
    """
    mark = origin(actor)
    changes = list(changes)
    gone = {
        change.path if change.path in origins else _untied(change.path, change.old)
        for change in changes
        if change.action == "deleted"
    }
    out = {
        path: each
        for path, each in origins.items()
        if not gone or each.get("removed") or gone.isdisjoint(_prefixes(path))
    }
    for change in changes:
        if change.of_order:
            continue
        if change.action != "deleted":
            out[change.path] = mark
            if change.action == "added" and _is_of_set(change, change.new):
                out.pop(_memory(change, change.new), None)
        elif actor.kind == "person" and change.field in FOR_PEOPLE:
            of_set = _is_of_set(change, change.old)
            target = {"target": change.old["fullyQualifiedName"]} if of_set else {}
            out[_memory(change, change.old)] = {**mark, "removed": True, **target}
    return out


def _memory(change: FieldChange, value: Any) -> str:
    """The path under which a removal is remembered."""
    if not _is_of_set(change, value):
        return change.path
    above = _untied(change.path, value)
    return above.removesuffix(quoted(value["fullyQualifiedName"])) + str(value["id"])


def _untied(path: str, value: Any) -> str:
    """The path of an element as it is where no other has its name: so it may be recorded."""
    return path.removesuffix(f"@{value['type']}") if is_reference(value) else path


def _is_of_set(change: FieldChange, value: Any) -> bool:
    """Whether a value is one tag or owner: own kinds have other lists of these names."""
    return change.field in SETS and is_reference(value)


def _prefixes(path: str) -> Iterator[str]:
    """A path and whatever lies above it, longest first."""
    yield path
    for at in range(len(path) - 1, 0, -1):
        if path[at] in ".@":
            yield path[:at]


def shown(path: str, mark: Document) -> str:
    """A path of origins as versions spell it."""
    return f"{path.rpartition('.')[0]}.{quoted(mark['target'])}" if "target" in mark else path


def release(origins: Origins, path: str, actor: Actor) -> Origins:
    """The origins after a person handed a field, and everything below it, back to the machines."""
    below = path + "."
    kept = {
        where: mark
        for where, mark in origins.items()
        if mark["kind"] != "person" or not (shown(where, mark) + ".").startswith(below)
    }
    return kept | {path: _released(actor)}


def hand_back(origins: Origins, writer: str, actor: Actor) -> Origins:
    """The origins after a writer has left for good: what it alone set is nobody's."""
    out = dict(origins)
    for path, mark in origins.items():
        writers = [mark["writer"], *mark.get("also", ())]
        if writer in writers:
            left = [each for each in writers if each != writer]
            out[path] = _marked(mark, left, actor) if left else _released(actor)
    return out


def _released(actor: Actor) -> Document:
    return {"by": actor.name, "kind": RELEASED, "writer": RELEASED}


def relabelled(shape: Shape, origins: Origins, old: Document, new: Document) -> Origins:
    """The origins of a document in which references are spelled otherwise than they were."""
    moved = {was: now for was, now in _moved(shape, old, new, "", "") if was != now}
    if not moved:
        return origins
    out: Origins = {}
    for path, mark in origins.items():
        above = next((each for each in _prefixes(path) if each in moved), path)
        out[moved.get(above, above) + path[len(above) :]] = mark
    return out


def taken_out(which: Kind, origins: Origins, old: Document, new: Document, actor: Actor) -> Origins:
    """The origins of a document without some of its references: what is left stays whose it was.

    Args:
        old: The document with them, under no id.
    """
    changes = [each for each in diff(which, old, new) if each.action == "deleted"]
    out = record_origins(relabelled(which.shape, origins, old, new), changes, actor)
    return _owned_as_before(which.shape, origins, out, old, new)


def left_out(shape: Shape, origins: Origins, old: Document, new: Document) -> Origins:
    """As ``taken_out``, of a document that never was without them: nobody's write took them out."""
    return _owned_as_before(shape, origins, relabelled(shape, origins, old, new), old, new)


def _owned_as_before(
    shape: Shape, origins: Origins, out: Origins, old: Document, new: Document
) -> Origins:
    # The path of an element that loses its tie breaker lies above those of its namesakes.
    for was, now in sorted(_moved(shape, old, new, "", ""), key=lambda pair: len(pair[1])):
        owner = owner_of(origins, was)
        if owner and owner_of(out, now) != owner:
            out[now] = owner
    return out


def _moved(
    shape: Shape, old: Document, new: Document, was: str, now: str
) -> Iterator[tuple[str, str]]:
    """The paths of every element that two spellings of a document share, in both."""
    for name, field in shape.fields.items():
        if not field.is_keyed or not old.get(name) or not new.get(name):
            continue
        if not field.fits(old[name]) or not field.fits(new[name]):
            continue  # of an earlier schema
        labels = {identity(field, item): label for label, item in _alone(field, new[name])}
        items = {identity(field, item): item for item in new[name]}
        for label, item in _alone(field, old[name]):
            who = identity(field, item)
            if who not in labels:
                continue
            a = f"{was}.{name}.{label}" if was else f"{name}.{label}"
            b = f"{now}.{name}.{labels[who]}" if now else f"{name}.{labels[who]}"
            yield a, b
            if field.shape or field.reference:
                yield with_tie(field, a, item), with_tie(field, b, items[who])
            if field.shape:
                yield from _moved(field.shape, item, items[who], a, b)


def _alone(field: Field, items: list[Document]) -> Iterable[tuple[str, Document]]:
    return keyed(field, items, [])[0].items()


def owner_of(origins: Origins, path: str) -> Document | None:
    """The origin of a path: its own, or the nearest one above it that was set as a whole."""
    for above in _prefixes(path):
        # An element whose label got a tie breaker later (see ``keyed``) was recorded without it.
        if above in origins:
            found: Document = origins[above]
            return found
    whole: Document | None = origins.get(WHOLE)
    return whole


class Rules:
    """What an actor may do to each field of a stored document.

    Args:
        origins: Of the document. ``claim`` completes them.
    """

    leads = False
    """Whether a list has the elements of the request first, in its order."""

    def __init__(self, origins: Origins, actor: Actor) -> None:
        self._origins = origins
        self._actor = actor
        self._tied = [path for path in origins if "@" in path]

    @property
    def is_bot(self) -> bool:
        """Whether a machine writes."""
        return self._actor.kind == "bot"

    def is_peoples(self, path: str) -> bool:
        """Whether a person set the value."""
        owner = owner_of(self._origins, path)
        return owner is not None and owner["kind"] == "person"

    def path(self, field: Field, where: str, item: Document) -> str:
        """Where the origins speak of an element: it may have needed its tie breaker once."""
        long = with_tie(field, where, item) if self._tied else where
        below = long + "."
        if any(path == long or path.startswith(below) for path in self._tied if long != where):
            return long
        return where

    def may_set(self, path: str, name: str, old: Any) -> bool:
        """Whether the actor may put a value in the place of the old one, or of none."""
        if not self.is_bot or name not in TEXTS:
            return True
        if old is None:
            return not self._origins.get(path, {}).get("removed")
        return not self.is_peoples(path)

    def may_empty(self, path: str, name: str) -> bool:
        """Whether having no value removes the one there is: of texts, machines remove their own."""
        if not self.is_bot or name not in TEXTS:
            return True
        owner = owner_of(self._origins, path)
        return owner is None or owner["writer"] in (self._actor.writer, RELEASED)

    def may_add(self, path: str, item: Document) -> bool:
        """Whether the actor may put an element into a list: what people removed stays away."""
        return not self.is_bot or f"{path}.{item.get('id')}" not in self._origins

    def may_change(self, field: Field, known: Iterable[str]) -> bool:
        """Whether the actor may change a set at all: owners that a person chose are complete.

        Args:
            known: Where the origins speak of the elements that it has.
        """
        return not self.is_bot or field.name != "owners" or not any(map(self.is_peoples, known))

    def may_remove(self, field: Field, path: str) -> bool:  # noqa: ARG002  (a promotion asks)
        """Whether leaving the element out of a list removes it."""
        owner = owner_of(self._origins, path)
        if owner is None or owner["kind"] == RELEASED:
            return True
        return owner["writer"] == self._actor.writer and not owner.get("also")

    def claim(
        self, known: Mapping[str, str], asked: Collection[str], *, joins: bool = True
    ) -> None:
        """Note who puts which element of a list of references, where several writers put one.

        An element goes when the last of those who put it leaves it out.

        Args:
            known: Where the origins speak of the elements that it has, by label.
            asked: Labels of those that the writer puts.
            joins: Whether the writer says itself what it leaves as it is: not by a patch.
        """
        me = self._actor.writer
        for name, where in known.items():
            mark = owner_of(self._origins, where)
            if mark is None or mark["kind"] == RELEASED:
                continue
            writers = [mark["writer"], *mark.get("also", ())]
            if joins and name in asked and me not in writers:
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
