"""Validation at run time by ``jsonschema-rs``: for what has a schema and no generated class.

Its verdict is that of ``validate`` and of the generated classes; a property test holds all three
equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jsonschema_rs
import pydantic_core
from jsonschema_rs import ValidationError

from headwater.names import escape
from headwater.schemas.registry import BASE, enforced, kept_with_schemas

Fault = dict[str, str]
"""``pointer`` and ``message``, as in ``InvalidInputError.errors``."""

_NO_TEXT = 0.5
"""Stands for text that is none: nothing that a schema can say of a value admits it."""
_TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "an integer",
    "object": "an object",
    "string": "a string",
}


def faults(file: str, definition: str, value: Any) -> list[Fault]:
    """Return what is wrong with a value, one fault for each place; empty when it is valid.

    Args:
        file: Name of the schema file.
        definition: Name below ``$defs``, such as ``CreateNotebook``; empty for the document.
        value: JSON, parsed.
    """
    validator = _validator(file, definition)
    value = _without_halves(value)
    try:
        if validator.is_valid(value):
            return []
        found = [fault for error in validator.iter_errors(value) for fault in _explain(error)]
    except (TypeError, ValueError) as error:
        return [{"pointer": "", "message": f"is not JSON: {error}"}]
    first: dict[str, Fault] = {}
    for fault in found:
        first.setdefault(fault["pointer"], fault)
    return list(first.values())


@kept_with_schemas
def _validator(file: str, definition: str) -> jsonschema_rs.Validator:
    target = {"$ref": BASE + file + (f"#/$defs/{definition}" if definition else "")}
    return jsonschema_rs.Draft202012Validator(
        target,
        registry=_registry(),
        offline=True,
        pattern_options=jsonschema_rs.RegexOptions(),  # linear in the text, whatever the pattern
    )


@kept_with_schemas
def _registry() -> jsonschema_rs.Registry:
    return jsonschema_rs.Registry(
        [(BASE + file, document) for file, document in enforced().items()]
    )


def _without_halves(value: Any) -> Any:
    """The value with what stands in for strings and keys that are no Unicode text.

    Such are lone surrogates, which JSON's escapes can spell; the validator takes them for text.
    """
    try:
        pydantic_core.to_json(value)  # the quickest way to look at every string
    except ValueError:
        return _replaced(value)
    return value


def _replaced(value: Any) -> Any:
    if isinstance(value, str):
        return value if _is_text(value) else _NO_TEXT
    if isinstance(value, list):
        return [_replaced(item) for item in value]
    if isinstance(value, dict):
        if not all(_is_text(name) for name in value):
            return _NO_TEXT
        return {name: _replaced(inner) for name, inner in value.items()}
    return value


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not any("\ud800" <= char <= "\udfff" for char in value)


def _explain(error: ValidationError) -> Iterator[Fault]:
    """What an error says, where: of a choice, what the branch that was meant says."""
    kind: Any = error.kind
    if types := _types(error):
        words = dict.fromkeys(_TYPES[name] for name in types if name in _TYPES)
        yield _fault(error.instance_path, "should be " + " or ".join(words))
    elif kind.name == "anyOf":
        for inner in next(errors for errors in kind.context if not _wanted(errors, error)):
            yield from _explain(inner)
    elif kind.name == "required":
        yield _fault([*error.instance_path, kind.property], "is required")
    elif kind.name == "additionalProperties":
        for name in kind.unexpected:
            yield _fault([*error.instance_path, name], "is not a property of this type")
    else:
        say = _MESSAGES.get(kind.name)
        yield _fault(error.instance_path, say(kind) if say else error.message)


def _types(error: ValidationError) -> list[str]:
    """The types that were wanted, where an error is about nothing else."""
    kind: Any = error.kind
    if kind.name == "type":
        return list(kind.types)
    if kind.name != "anyOf":
        return []
    wanted = [_wanted(errors, error) for errors in kind.context]
    return [name for types in wanted for name in types] if all(wanted) else []


def _wanted(errors: list[ValidationError], choice: ValidationError) -> list[str]:
    """The types that a branch of a choice is for, where the value is of another one."""
    here = [each for each in errors if each.instance_path == choice.instance_path]
    return [name for each in here for name in _types(each)]


def _fault(path: Iterable[str | int], message: str) -> Fault:
    return {"pointer": "".join(f"/{escape(part)}" for part in path), "message": message}


def _count(limit: int, what: str) -> str:
    return f"{limit} {what}" if limit == 1 else f"{limit} {what}s"


_MESSAGES: dict[str, Callable[[Any], str]] = {
    "enum": lambda kind: "should be one of " + ", ".join(repr(each) for each in kind.options),
    "pattern": lambda kind: f"should match {kind.pattern}",
    "minLength": lambda kind: f"should have at least {_count(kind.limit, 'character')}",
    "maxLength": lambda kind: f"should have at most {_count(kind.limit, 'character')}",
    "minItems": lambda kind: f"should have at least {_count(kind.limit, 'item')}",
    "maxItems": lambda kind: f"should have at most {_count(kind.limit, 'item')}",
    "minimum": lambda kind: f"should be at least {kind.limit}",
    "maximum": lambda kind: f"should be at most {kind.limit}",
}
