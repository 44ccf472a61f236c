"""A JSON Patch (RFC 6902) of what changed between two wire forms of one entity."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
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
        if field.keyed_by and (labels := _labels(before, after, field)):
            old = dict(zip(labels[0], before, strict=True))
            new = dict(zip(labels[1], after, strict=True))
            return _keyed(out, at, old, new, field)
    out.append({"op": "replace", "path": at, "value": after})
    return None


def _keyed(
    out: list[Operation],
    at: str,
    old: Mapping[str, dict[str, Any]],
    new: Mapping[str, dict[str, Any]],
    field: Field,
) -> None:
    """Patch element by element; ``labels`` follows what the list is after each operation."""
    labels = list(old)
    for index in reversed(range(len(labels))):
        if labels[index] not in new:
            out.append({"op": "remove", "path": f"{at}/{index}"})
            del labels[index]
    for index, (label, element) in enumerate(new.items()):
        if label not in old:
            place = index if field.ordered else len(labels)
            end = str(place) if place < len(labels) else "-"
            out.append({"op": "add", "path": f"{at}/{end}", "value": element})
            labels.insert(place, label)
            continue
        place = labels.index(label)
        if field.ordered and place != index:
            out.append({"op": "move", "from": f"{at}/{place}", "path": f"{at}/{index}"})
            labels.insert(index, labels.pop(place))
            place = index
        if field.shape is not None:
            _object(out, f"{at}/{place}", old[label], element, field.shape)


def _labels(before: Any, after: Any, field: Field) -> tuple[list[str], list[str]] | None:
    """What tells elements of both lists apart; None when nothing does."""
    lists = (before, after)
    key, tie = str(field.keyed_by), field.tie_breaker
    if not all(isinstance(each, list) and all(isinstance(e, dict) for e in each) for each in lists):
        return None
    names = [[json.dumps(element.get(key)) for element in each] for each in lists]
    tied = {name for each in names for name, times in Counter(each).items() if times > 1}

    def label(element: dict[str, Any]) -> str:
        name = json.dumps(element.get(key))
        of = element.get(tie or "") if name in tied else None
        return name + json.dumps(of.get("id") if isinstance(of, dict) else of)

    found = [[label(element) for element in each] for each in lists]
    if any(len(set(each)) < len(each) for each in found):
        return None
    return found[0], found[1]


def _same(one: Any, other: Any) -> bool:
    # Python has True == 1, JSON has not.
    return bool(one == other) and json.dumps(one, sort_keys=True) == json.dumps(
        other, sort_keys=True
    )


def _below(at: str, name: str) -> str:
    return f"{at}/{name.replace('~', '~0').replace('/', '~1')}"
