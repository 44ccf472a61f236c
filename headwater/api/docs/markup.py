"""HTML as text, and schemas as HTML."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

Schema = dict[str, Any]

_CODE = re.compile(r"`([^`]+)`")
_COMPONENT = "#/components/schemas/"


def tag(name: str, *inside: str, **attributes: str) -> str:
    """An element. What is inside is HTML already; attributes are text."""
    said = "".join(f' {key.rstrip("_")}="{escape(text)}"' for key, text in attributes.items())
    return f"<{name}{said}>{''.join(inside)}</{name}>"


def prose(text: str) -> str:
    """A sentence or two, with `code` in them, as HTML."""
    return _CODE.sub(r"<code>\1</code>", escape(text, quote=False))


def code(text: str) -> str:
    """A word of code."""
    return tag("code", escape(text, quote=False))


def block(text: str) -> str:
    """Lines of code."""
    return tag("pre", tag("code", escape(text, quote=False)))


def as_json(value: Any) -> str:
    """A value as people read it."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; cells are HTML."""
    top = tag("tr", *(tag("th", cell, scope="col") for cell in head))
    body = "".join(tag("tr", *(tag("td", cell) for cell in row)) for row in rows)
    return tag("div", tag("table", tag("thead", top), tag("tbody", body)), class_="wide")


def component(schema: Schema) -> str | None:
    """The name of the component that a schema points to."""
    target = schema.get("$ref", "")
    return target.removeprefix(_COMPONENT) if target.startswith(_COMPONENT) else None


def names_in(value: Any) -> Iterator[str]:
    """The components that something points to, itself and within."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str) and (name := component(value)):
            yield name
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from names_in(inner)


def type_of(schema: Schema) -> str:
    """What a value of a schema is, in a few words of HTML."""
    if name := component(schema):
        return tag("a", escape(name), href=f"#schema-{name}")
    for word, joint in (("anyOf", " or "), ("oneOf", " or "), ("allOf", " and ")):
        if word in schema:
            return joint.join(dict.fromkeys(map(type_of, schema[word])))
    if "enum" in schema:
        return " or ".join(code(json.dumps(value)) for value in schema["enum"])
    if "const" in schema:
        return code(json.dumps(schema["const"]))
    kind = schema.get("type", "any JSON")
    if kind == "array":
        return "array of " + type_of(schema.get("items", {}))
    values = schema.get("additionalProperties")
    if kind == "object" and isinstance(values, dict):
        return "object of " + type_of(values)
    return escape(" or ".join(kind) if isinstance(kind, list) else kind) + _bounds(schema)


def _bounds(schema: Schema) -> str:
    found = []
    if "format" in schema:
        found.append(str(schema["format"]))
    if "minimum" in schema and "maximum" in schema:
        found.append(f"{schema['minimum']} to {schema['maximum']}")
    elif "minimum" in schema:
        found.append(f"at least {schema['minimum']}")
    if "maxLength" in schema:
        found.append(f"up to {schema['maxLength']} characters")
    return f" ({escape(', '.join(found))})" if found else ""


def properties(schema: Schema) -> str:
    """The properties of an object schema as a table; empty for what has none."""
    needed = schema.get("required", ())
    rows = [
        (
            code(name) + (" " + tag("b", "required") if name in needed else ""),
            type_of(about),
            _about(about),
        )
        for name, about in schema.get("properties", {}).items()
    ]
    return table(("Property", "Type", "Meaning"), rows) if rows else ""


def _about(schema: Schema) -> str:
    said = [prose(schema["description"])] if "description" in schema else []
    if schema.get("readOnly"):
        said.append("Set by the catalog.")
    if "default" in schema:
        said.append("Default: " + code(json.dumps(schema["default"])) + ".")
    return " ".join(said)
