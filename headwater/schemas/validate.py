"""Validation by ``jsonschema``: the reference verdict that generated classes are held to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from headwater.schemas.registry import BASE, META_SCHEMA, documents, enforced


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[Any]:
    # ECMA 262, which JSON Schema names, lets ``$`` match only at the very end.
    from jsonschema.exceptions import ValidationError

    if validator.is_type(instance, "string"):
        strict = pattern[:-1] + r"\Z" if pattern.endswith("$") else pattern
        if re.search(strict, instance) is None:
            yield ValidationError(f"{instance!r} does not match {pattern!r}")


@cache
def validator(file: str, definition: str = "") -> Any:
    """A ``jsonschema`` validator for a document, or for one of its definitions.

    Args:
        file: Name of the schema file.
        definition: Name below ``$defs``, such as ``CreateMlModel``; empty for the document.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend
    from referencing import Registry, Resource

    resources = [(BASE + name, Resource.from_contents(doc)) for name, doc in enforced().items()]
    registry: Any = Registry().with_resources(resources)
    target = {"$ref": BASE + file + (f"#/$defs/{definition}" if definition else "")}
    strict: Any = extend(Draft202012Validator, {"pattern": _pattern})
    return strict(target, registry=registry)


def validate_document(name: str, schema: dict[str, Any]) -> list[str]:
    """Check an authored schema document against the meta-schema.

    Returns:
        One line for each fault, with its JSON pointer; empty when the document is fine.
    """
    import json
    from importlib.resources import files

    from jsonschema import Draft202012Validator

    text = (files("headwater.schemas") / META_SCHEMA).read_text(encoding="utf-8")
    meta = json.loads(text)
    if name == "common.json":
        schema = {**schema, "additionalProperties": False, "properties": {}}
        schema["$defs"] = {k: v for k, v in schema["$defs"].items() if k != "entityProperties"}
    faults = sorted(Draft202012Validator(meta).iter_errors(schema), key=lambda e: list(e.path))
    lines = [f"{name}#{'/'.join(['', *map(str, e.path)])}: {e.message}" for e in faults]
    known = documents()
    return lines if name not in known or lines else lines
