"""Parts: columns and features get their identity and their fully qualified names."""

from __future__ import annotations

from headwater.names import child, part_id, quote
from headwater.schemas.kind import Field, Kind, Shape
from headwater.store.base import Part
from headwater.store.draft import Change, Document


def identify_parts(change: Change) -> None:
    """Give every part of ``change.after`` its id and FQN, and note which are new and gone."""
    after = {"fullyQualifiedName": change.fqn, **change.after}
    now = _walk(change.kind, change.id, after, assign=True)
    before = parts_of(change.kind, change.before) if change.before else {}
    change.parts += [part for part_id, part in now.items() if before.get(part_id) != part]
    change.dropped_parts += [part_id for part_id in before if part_id not in now]


def parts_of(which: Kind, document: Document) -> dict[str, Part]:
    """The parts that a stored document has, by id."""
    return _walk(which, document["id"], document, assign=False)


def _walk(which: Kind, entity_id: str, document: Document, *, assign: bool) -> dict[str, Part]:
    found: dict[str, Part] = {}
    for field in which.parts:
        for item in field.elements(document):
            _visit(entity_id, field, item, (document["fullyQualifiedName"], ""), found, assign)
    return found


def _visit(
    entity_id: str,
    field: Field,
    item: Document,
    above: tuple[str, str],
    found: dict[str, Part],
    assign: bool,
) -> None:
    kind, name = str(field.part), item["name"]
    fqn = child(above[0], name)
    path = f"{above[1]}.{quote(name)}" if above[1] else quote(name)
    if assign:
        # The same name in the same entity is the same part, gone in between or not.
        item["id"] = item.get("id") or part_id(entity_id, f"{kind}:{path}")
        item["fullyQualifiedName"] = fqn
    elif "id" not in item:
        return  # stored before the schema said that it is a part
    part = Part(id=item["id"], kind=kind, fqn=item["fullyQualifiedName"], name=name)
    found[part.id] = part
    shape: Shape | None = field.shape
    for inner in shape.fields.values() if shape else ():
        if inner.part:
            for below in inner.elements(item):
                _visit(entity_id, inner, below, (fqn, path), found, assign)
