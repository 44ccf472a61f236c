"""Validation by ``jsonschema``: the reference verdict that generated classes are held to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from headwater.schemas.registry import BASE, enforced, kept_with_schemas


@kept_with_schemas
def validator(file: str, definition: str = "") -> Any:
    """A ``jsonschema`` validator for a document, or for one of its definitions.

    Text is Unicode: a string with a lone surrogate, which JSON's escapes can spell and UTF-8
    cannot, is no string.

    Args:
        file: Name of the schema file.
        definition: Name below ``$defs``, such as ``CreateMlModel``; empty for the document.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend
    from referencing import Registry
    from referencing.jsonschema import DRAFT202012

    # Without `$schema`: at a document that names one, jsonschema goes on with its own validator.
    plain = {
        file: {key: value for key, value in document.items() if key != "$schema"}
        for file, document in enforced().items()
    }
    resources = [(BASE + file, DRAFT202012.create_resource(doc)) for file, doc in plain.items()]
    registry: Any = Registry().with_resources(resources)
    target = {"$ref": BASE + file + (f"#/$defs/{definition}" if definition else "")}
    checker = Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"string": _is_text, "object": _is_object}
    )
    strict: Any = extend(  # type: ignore[no-untyped-call]  # its stub has no annotations
        Draft202012Validator, {"pattern": pattern_fault}, type_checker=checker
    )
    return strict(target, registry=registry)


def _is_text(_: Any, value: Any) -> bool:
    return isinstance(value, str) and not any("\ud800" <= char <= "\udfff" for char in value)


def _is_object(checker: Any, value: Any) -> bool:
    return isinstance(value, dict) and all(_is_text(checker, key) for key in value)


def pattern_fault(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[Any]:
    """What the keyword ``pattern`` refuses, for a validator of ``jsonschema``."""
    # ECMA 262, which JSON Schema names, lets ``$`` match only at the very end; so does pydantic.
    from jsonschema.exceptions import ValidationError

    del schema  # part of the signature that jsonschema calls
    strict = pattern[:-1] + r"\Z" if pattern.endswith("$") else pattern
    if validator.is_type(instance, "string") and re.search(strict, instance) is None:
        yield ValidationError(f"{instance!r} does not match {pattern!r}")
