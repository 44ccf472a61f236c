"""A model's features, out of the inputs of its MLflow signature."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headwater.names import MAX_NAME, REFUSED

_NUMBERS = frozenset(
    {"integer", "long", "float", "double", "datetime"}
    | {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
    | {"float16", "float32", "float64"}
)
_SOURCE_TYPES = {
    "boolean": "boolean",
    "bool": "boolean",
    "integer": "integer",
    "long": "integer",
    "float": "number",
    "double": "number",
    "string": "string",
    "str": "string",
    "datetime": "timestamp",
    "array": "array",
    "tensor": "array",
    "object": "object",
    "map": "object",
}


def features_of(inputs: Any) -> list[dict[str, Any]]:
    """Return ``{name, dataType, sourceType?}`` of each input; those without a name have none.

    ``dataType`` is ``numerical`` for numbers, moments, and tensors or arrays of numbers, else
    ``categorical``; ``sourceType`` is the physical type. A single tensor without a name is called
    ``input``.
    """
    listed = [each for each in inputs if isinstance(each, dict)] if isinstance(inputs, list) else []
    if len(listed) == 1 and "name" not in listed[0] and listed[0].get("type") == "tensor":
        listed = [{**listed[0], "name": "input"}]
    return list({each["name"]: each for each in _features(listed)}.values())


def _features(listed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for each in listed:
        name = each.get("name")
        if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME or REFUSED.search(name):
            continue
        kind = str(each.get("type"))
        feature = {"name": name, "dataType": _type_of(each)}
        if kind in _SOURCE_TYPES:
            feature["sourceType"] = _SOURCE_TYPES[kind]
        yield feature


def _type_of(spec: dict[str, Any]) -> str:
    kind: Any = spec.get("type")
    if kind == "tensor":
        kind = (spec.get("tensor-spec") or {}).get("dtype")
    while kind == "array" and isinstance(spec.get("items"), dict):
        spec = spec["items"]
        kind = spec.get("type")
    return "numerical" if kind in _NUMBERS else "categorical"
