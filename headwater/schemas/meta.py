"""Holds a schema to the meta-schema, and says in words what of it is not allowed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from headwater.schemas.registry import META_SCHEMA
from headwater.schemas.validate import pattern_fault

Fault = tuple[str, str]
"""JSON pointer, message."""

_STRUCTURE = ("type", "$ref")
"""The keywords by which the branches of a choice are told apart."""


def meta_faults(schema: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what the meta-schema refuses of an authored document."""
    for error in _validator().iter_errors(schema):
        for leaf in _leaves(error):
            yield "".join(f"/{part}" for part in leaf.absolute_path), _message(leaf)


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    strict: Any = extend(Draft202012Validator, {"pattern": pattern_fault})  # type: ignore[no-untyped-call]  # its stub has no annotations
    text = (files("headwater.schemas") / META_SCHEMA).read_text(encoding="utf-8")
    return strict(json.loads(text))


def _leaves(error: Any) -> Iterator[Any]:
    """The errors that an author meant to avoid: of a choice, those of the branch that fits best."""
    if error.validator != "oneOf" or not isinstance(error.instance, Mapping) or not error.context:
        yield error
        return
    if "type" in error.instance and error.instance["type"] not in _types(error):
        yield error
        return
    branches: dict[int, list[Any]] = {}
    for inner in error.context:
        branches.setdefault(inner.schema_path[0], []).append(inner)
    for inner in min(branches.values(), key=_distance):
        yield from _leaves(inner)


def _distance(errors: list[Any]) -> int:
    """How far a branch is from what was written; another structure is further than any fault."""
    return sum(100 if _is_structure(error) else len(_unknown(error)) or 1 for error in errors)


def _is_structure(error: Any) -> bool:
    if error.validator == "const":
        return list(error.relative_path) == ["type"]
    missing = error.validator_value if error.validator == "required" else []
    names = {name for name in missing if name not in error.instance} | {*_unknown(error)}
    return not error.relative_path and not names.isdisjoint(_STRUCTURE)


def _types(error: Any) -> list[str]:
    """The types that the branches of a choice are for."""
    branches = [_branch(each) for each in error.validator_value]
    found = [each["properties"].get("type", {}).get("const") for each in branches]
    return list(dict.fromkeys(each for each in found if each is not None))


def _branch(branch: Mapping[str, Any]) -> Any:
    return _validator().schema["$defs"][branch["$ref"].rpartition("/")[2]]


def _unknown(error: Any) -> list[str]:
    """The keywords that an object may not have, where that is the error."""
    if error.validator != "additionalProperties" or error.validator_value is not False:
        return []
    return [name for name in error.instance if name not in error.schema["properties"]]


def _message(error: Any) -> str:
    if error.validator == "oneOf" and not isinstance(error.instance, Mapping):
        return f"{error.instance!r} is no schema, which is an object"
    if error.validator == "oneOf" and error.context:
        types = ", ".join(_types(error))
        return f"type: {error.instance.get('type')!r} is not one of {types}"
    if unknown := _unknown(error):
        names = ", ".join(repr(name) for name in unknown)
        allowed = ", ".join(error.schema["properties"])
        return f"{names} is not allowed here; allowed are {allowed}"
    if error.validator == "pattern" and "description" in error.schema:
        return f"{error.instance!r} is not {error.schema['description']}"
    return str(error.message)
