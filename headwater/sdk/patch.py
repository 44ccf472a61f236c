"""A JSON Patch (RFC 6902) of what changed between two wire forms of one entity."""

from __future__ import annotations

import json
from typing import Any

from headwater.schemas.kind import Field, Shape

Operation = dict[str, Any]


def json_patch(before: dict[str, Any], after: dict[str, Any], shape: Shape) -> list[Operation]:
    """Return the operations that lead from ``before`` to ``after``; empty when they are equal.

    Elements of keyed lists are matched by key and patched one by one; the order of a keyed list
    counts only where the schema says so. Other lists, and references, are replaced whole.
    """
    operations: list[Operation] = []
    _object(operations, "", before, after, shape)
    return operations


def _object(
    out: list[Operation], at: str, before: dict[str, Any], after: dict[str, Any], shape: Shape
) -> None:
    out += [{"op": "remove", "path": _below(at, name)} for name in before if name not in after]
    for name, value in after.items():
        path = _below(at, name)
        if name not in before:
            out.append({"op": "add", "path": path, "value": value})
        elif not _same(before[name], value):
            _value(out, path, before[name], value, shape.fields.get(name))


def _value(out: list[Operation], at: str, before: Any, after: Any, field: Field | None) -> None:
    if field is not None and field.shape is not None:
        if isinstance(before, dict) and isinstance(after, dict):
            return _object(out, at, before, after, field.shape)
        if (
            field.keyed_by
            and _has_keys(before, field.keyed_by)
            and _has_keys(after, field.keyed_by)
        ):
            return _keyed(out, at, before, after, field)
    out.append({"op": "replace", "path": at, "value": after})
    return None


def _keyed(
    out: list[Operation],
    at: str,
    before: list[dict[str, Any]],
    after: list[dict[str, Any]],
    field: Field,
) -> None:
    """Patch element by element; ``names`` follows what the list is after each operation."""
    key = field.keyed_by or ""
    old = {element[key]: element for element in before}
    wanted = {element[key] for element in after}
    names = [element[key] for element in before]
    for index in reversed(range(len(names))):
        if names[index] not in wanted:
            out.append({"op": "remove", "path": f"{at}/{index}"})
            del names[index]
    for index, element in enumerate(after):
        name = element[key]
        if name not in old:
            place = index if field.ordered else len(names)
            end = str(place) if place < len(names) else "-"
            out.append({"op": "add", "path": f"{at}/{end}", "value": element})
            names.insert(place, name)
            continue
        place = names.index(name)
        if field.ordered and place != index:
            out.append({"op": "move", "from": f"{at}/{place}", "path": f"{at}/{index}"})
            names.insert(index, names.pop(place))
            place = index
        _value(out, f"{at}/{place}", old[name], element, _element(field))


def _element(field: Field) -> Field:
    return Field(name="", is_list=False, read_only=False, shape=field.shape)


def _has_keys(value: Any, key: str) -> bool:
    """Whether it is a list of objects that their keys tell apart."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        return False
    names = [each.get(key) for each in value]
    return all(isinstance(name, str) for name in names) and len(set(names)) == len(names)


def _same(one: Any, other: Any) -> bool:
    # Python has True == 1, JSON has not.
    return bool(one == other) and json.dumps(one, sort_keys=True) == json.dumps(
        other, sort_keys=True
    )


def _below(at: str, name: str) -> str:
    return f"{at}/{name.replace('~', '~0').replace('/', '~1')}"
