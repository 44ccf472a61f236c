"""One page for each group of operations, without scripts, and one that leads to them."""

from __future__ import annotations

import json
from collections import defaultdict
from html import escape
from importlib.resources import files
from typing import Any

from headwater.api.docs.markup import (
    Schema,
    as_json,
    block,
    code,
    component,
    names_in,
    properties,
    prose,
    table,
    tag,
    type_of,
)
from headwater.api.openapi import openapi_document
from headwater.schemas.registry import kept_with_schemas

STYLE = (files("headwater.api.docs") / "style.css").read_bytes()

_HOME = "http://127.0.0.1:8585"
_CONVENTIONS = (files("headwater.api.docs") / "start.html").read_text(encoding="utf-8")


@kept_with_schemas
def render(group: str | None) -> bytes | None:
    """Return the page of a group of operations, or the one that leads to all; None: no such group.

    Args:
        group: The tag of its operations, such as ``mlmodels`` or ``search``.
    """
    document = openapi_document()
    groups = _groups(document)
    if group is None:
        return _layout("API", groups, None, _start(document, groups))
    if group not in groups:
        return None
    about = next((t.get("description", "") for t in document["tags"] if t["name"] == group), "")
    operations = groups[group]
    listed = [
        (_signature(path, method, each, link=True), prose(each["summary"]))
        for path, method, each in operations
    ]
    shown = "".join(_operation(document, *each) for each in operations)
    body = (
        tag("h1", escape(group))
        + tag("p", prose(about))
        + table(("Request", "What it does"), listed)
        + shown
        + _schemas(document, [each for _, _, each in operations])
    )
    return _layout(group, groups, group, body)


Groups = dict[str, list[tuple[str, str, Schema]]]
"""Path, method and operation of each, by the group's name."""


def _groups(document: Schema) -> Groups:
    found: Groups = defaultdict(list)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            found[operation["tags"][0]].append((path, method.upper(), operation))
    return {each["name"]: found[each["name"]] for each in document["tags"]}


def _layout(title: str, groups: Groups, here: str | None, body: str) -> bytes:
    links = [tag("a", "Start", href="/docs", **_current(here is None))]
    links += [tag("a", escape(g), href=f"/docs/{g}", **_current(g == here)) for g in groups]
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        + tag("title", escape(f"{title} · Headwater"))
        + '<link rel="stylesheet" href="/docs/style.css">'
    )
    page = tag("nav", tag("strong", "Headwater"), *links) + tag("main", body)
    whole = tag("html", tag("head", head), tag("body", page), lang="en")
    return ("<!doctype html>\n" + whole + "\n").encode()


def _current(is_here: bool) -> dict[str, str]:
    return {"aria-current": "page"} if is_here else {}


def _start(document: Schema, groups: Groups) -> str:
    about = {each["name"]: each.get("description", "") for each in document["tags"]}
    rows = [
        (tag("a", escape(name), href=f"/docs/{name}"), prose(about[name]), str(len(operations)))
        for name, operations in groups.items()
    ]
    info = document["info"]
    return (
        tag("h1", f"{info['title']} {info['version']}")
        + tag("p", prose(info["description"]))
        + _CONVENTIONS
        + table(("Group", "About", "Operations"), rows)
    )


def _signature(path: str, method: str, operation: Schema, *, link: bool) -> str:
    text = tag("span", method, class_=f"method {method.lower()}") + " " + code(path)
    return tag("a", text, href=f"#{operation['operationId']}") if link else text


def _operation(document: Schema, path: str, method: str, operation: Schema) -> str:
    parts = [
        tag("h2", _signature(path, method, operation, link=False)),
        tag("p", prose(operation["summary"])),
        _parameters(operation),
    ]
    if body := operation.get("requestBody"):
        parts.append(tag("h3", "Body") + _media(body["content"]))
        parts.append(_example(path, method, body["content"]))
    parts.append(tag("h3", "Answers") + _answers(document, operation))
    return tag("section", *parts, id=operation["operationId"])


def _parameters(operation: Schema) -> str:
    rows = [
        (
            code(each["name"]) + (" " + tag("b", "required") if each["required"] else ""),
            each["in"],
            type_of(each["schema"]),
            prose(each["description"]) + _default(each["schema"]),
        )
        for each in operation.get("parameters", ())
    ]
    return table(("Parameter", "In", "Type", "Meaning"), rows) if rows else ""


def _default(schema: Schema) -> str:
    return " Default: " + code(json.dumps(schema["default"])) + "." if "default" in schema else ""


def _media(content: Schema) -> str:
    rows = [(code(name), type_of(about["schema"])) for name, about in content.items()]
    return table(("Content type", "Schema"), rows)


def _example(path: str, method: str, content: Schema) -> str:
    value = content.get("application/json", {}).get("example")
    if value is None:
        return ""
    text = as_json(value)
    quoted = text.replace("'", "'\\''")
    json_type = "-H 'Content-Type: application/json'"
    call = f"curl -X {method} {_HOME}{path} {json_type} -d '{quoted}'"
    return tag("details", tag("summary", "Example"), block(call))


def _answers(document: Schema, operation: Schema) -> str:
    rows = []
    for status, given in sorted(operation["responses"].items()):
        about = _resolved(document, given)
        schemas = [type_of(each["schema"]) for each in about.get("content", {}).values()]
        rows.append((code(status), prose(about["description"]), " or ".join(schemas)))
    return table(("Status", "Meaning", "Schema"), rows)


def _resolved(document: Schema, given: Schema) -> Schema:
    name = given.get("$ref", "").rpartition("/")[2]
    found: Schema = document["components"]["responses"][name] if name else given
    return found


def _schemas(document: Schema, operations: list[Schema]) -> str:
    """Every schema that the operations speak of, however far."""
    known = document["components"]["schemas"]
    wanted: list[str] = ["Problem"]
    waiting: list[Any] = [operations]
    while waiting:
        for name in names_in(waiting.pop()):
            if name not in wanted:
                wanted.append(name)
                waiting.append(known[name])
    shown = "".join(_schema(name, known[name]) for name in sorted({*wanted, "Fault"}))
    return tag("h2", "Schemas") + shown


def _schema(name: str, schema: Schema) -> str:
    inside = properties(schema) or tag("p", type_of(schema))
    if "allOf" in schema:
        inside += "".join(properties(each) for each in schema["allOf"] if not component(each))
    about = tag("p", prose(schema.get("description", "")))
    return tag("section", tag("h3", escape(name)), about, inside, id=f"schema-{name}")
