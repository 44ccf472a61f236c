"""Renaming: one entity gets a new name, and every document that spells the old one follows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from headwater.catalog import model_summary
from headwater.catalog.lifecycle import Summary
from headwater.catalog.origin import origins_of, relabelled
from headwater.catalog.reference import referring
from headwater.catalog.version_number import check_not_hidden, check_version_name
from headwater.catalog.write import Prepared, WritePath
from headwater.errors import AlreadyExistsError, StaleWriteError
from headwater.names import MAX_NAME, check_name, child
from headwater.schemas import kind
from headwater.store.base import Node, Part, Record, Store
from headwater.store.draft import Actor, Document, dump, kind_of, load, same_version


def name_aside(name: str) -> str:
    """What a soft-deleted entity is called from now on, so that another can have its name."""
    when = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    aside = f" (deleted {when})"
    return name[: MAX_NAME - len(aside)] + aside


def prepare_aside(store: Store, path: WritePath, stored: Record, actor: Actor) -> Prepared:
    """The rename of a soft-deleted entity that makes room, to go before what takes its name.

    Raises:
        StaleWriteError: It was renamed in this very millisecond; the next has another name.
    """
    try:
        return prepare_rename(store, path, stored, name_aside(stored.name), actor)
    except AlreadyExistsError as error:
        raise StaleWriteError(error.message, **error.details) from error


def prepare_rename(
    store: Store, path: WritePath, stored: Record, name: str, actor: Actor
) -> Prepared:
    """See ``CatalogService.rename``."""
    name = check_name(name)
    parent = store.find(stored.parent_id) if stored.parent_id else None
    fqn = child(parent.fqn if parent else None, name)
    taken = store.find((stored.kind, fqn))
    if taken and taken.id != stored.id:
        gone = ", soft-deleted" if taken.deleted else ""
        raise AlreadyExistsError(f"{stored.kind} {fqn!r} is there already{gone}", id=taken.id)
    below = store.descendants(stored.id)
    names = _Names(
        {stored.id: (name, stored.fqn, fqn)}
        | {each.id: (each.name, each.fqn, fqn + each.fqn[len(stored.fqn) :]) for each in below}
    )
    before = load(stored)
    if stored.kind == model_summary.KIND:
        check_version_name(store, name, before["number"])
        if parent is not None:
            check_not_hidden(name, Summary(load(parent)).aliases, stored.id)
    after, _ = names.rewritten(stored.id, before)
    change = path.change(kind(stored.kind), stored, before, {**after, "name": name})
    change.name, change.fqn = name, fqn
    own_parts = store.nodes(owner_ids=[stored.id])
    change.parts, change.dropped_parts = names.dropped(n for n in own_parts if n.dropped)
    prepared = path.prepare(change, actor, stored=stored)
    if stored.fqn == fqn:
        return prepared
    records = {each.id: each for each in below} | referring(store, names.of)
    if parent and stored.kind == model_summary.KIND and not stored.deleted:  # it sums these up
        records[parent.id] = parent
    records.pop(stored.id, None)
    owned = defaultdict(list)
    for node in store.nodes(owner_ids=set(records)) if records else ():
        owned[node.owner_id].append(node)
    for record in records.values():
        document, moved = names.rewritten(record.id, load(record))
        parts, dropped = names.dropped([node for node in owned[record.id] if node.dropped])
        live = [node for node in owned[record.id] if not node.dropped and node.fqn in moved]
        parts += [Part(n.id, n.kind, moved[n.fqn], n.name) for n in live]
        fields = {"fqn": names.of[record.id][2]} if record.id in names.of else {}
        fields["origins"] = _origins(record, document)
        prepared.draft.entities.append(same_version(record, document, dropped, parts, **fields))
    return prepared


def _origins(record: Record, document: Document) -> str:
    """The origins of an entity whose document spells new names."""
    shape = kind_of(record).shape
    return dump(relabelled(shape, origins_of(record), load(record), document))


@dataclass(frozen=True, slots=True)
class _Names:
    """Name, old and new FQN of every entity that a rename moves, by id."""

    of: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)

    def dropped(self, nodes: Iterable[Node]) -> tuple[list[Part], list[str]]:
        """Parts that are gone from their entities, under their new FQNs, and still to be dropped.

        No document spells them; sources that name them are still tied to them.
        """
        parts = []
        for node in nodes:
            own = self.of.get(str(node.owner_id))
            if own and node.fqn.startswith(own[1] + "."):
                parts.append(Part(node.id, node.kind, own[2] + node.fqn[len(own[1]) :], node.name))
        return parts, [part.id for part in parts]

    def rewritten(self, entity_id: str, document: Document) -> tuple[Document, dict[str, str]]:
        """The document with the new names, and the FQNs within it that moved."""
        moved: dict[str, str] = {}
        own = self.of.get(entity_id)
        out: Document = {}
        for name, value in document.items():
            out[name] = value if name == "changeDescription" else self._value(value, own, moved)
        if own:
            out["fullyQualifiedName"] = own[2]
        return out, moved

    def _value(self, value: Any, own: tuple[str, str, str] | None, moved: dict[str, str]) -> Any:
        if isinstance(value, list):
            return [self._value(item, own, moved) for item in value]
        if not isinstance(value, dict):
            return value
        out = {name: self._value(inner, own, moved) for name, inner in value.items()}
        fqn = value.get("fullyQualifiedName")
        pointed = self.of.get(str(value.get("id")))
        if pointed:  # a reference, or a pointer to a model version
            out["name"] = pointed[0]
            if fqn is not None:
                out["fullyQualifiedName"] = pointed[2]
        elif isinstance(fqn, str):
            source = value.get("dataSource")
            within = self.of.get(str(source.get("id"))) if isinstance(source, dict) else own
            if within and fqn.startswith(within[1] + "."):
                out["fullyQualifiedName"] = moved[fqn] = within[2] + fqn[len(within[1]) :]
        return out
