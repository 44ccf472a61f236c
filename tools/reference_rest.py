"""The reference of REST, from the OpenAPI document.

Routes that every kind has are told once, for ``{collection}``, and those that name an entity by its
FQN with those by id.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from headwater.api.openapi import openapi_document
from headwater.schemas import kinds

Json = dict[str, Any]

API = "/api/v1"
EXAMPLE = kinds()["mlmodel"]
"""Its routes stand for those of every kind."""
INTRODUCTION = f"""# REST

Everything is below `{API}`. Bodies and answers are JSON. A server shows the same, with every
schema, at `/docs` and `/openapi.json`.

These headers are common: `Authorization: Bearer …` signs in; `X-Headwater-Producer` on a write
names the connector that writes, and makes the caller a bot of that name; `If-Match` writes only
when the entity's `ETag` is still the one given; `If-None-Match` reads only when it is not. Beside
the problems that are named, any request may be refused with 400, 401, 403 or 503, and one with a
body with 413, 415 or 422.

"""
EVERY_KIND = """## Every kind

An `{id}` may be `name/{fqn}` instead where an entity is read, patched or deleted.

"""
_COMMON_HEADERS = ("X-Headwater-Producer", "If-Match", "If-None-Match")
_COMMON_PROBLEMS = ("400", "401", "403", "413", "415", "422", "503")


def rest() -> str:
    """Paths by group, and behind them the shapes of what is sent and answered."""
    document = openapi_document()
    groups: dict[str, list[str]] = defaultdict(list)
    shared = _shared(document["paths"])
    for path, item in document["paths"].items():
        generic, collection = _generic(path)
        for method, operation in item.items():
            if generic not in shared:
                groups[operation["tags"][0]].append(_route(path, method, operation))
            elif collection == EXAMPLE.collection and "{fqn}" not in path:
                groups[""].append(_route(generic, method, operation))
    common = groups.pop("")
    return "".join(
        [
            INTRODUCTION,
            EVERY_KIND,
            *_kind_table(),
            *common,
            *(f"## {tag}\n\n{''.join(texts)}" for tag, texts in groups.items()),
            *_problems(document),
            *_shapes(document),
        ]
    )


def _generic(path: str) -> tuple[str, str | None]:
    """A path with ``{collection}`` in place of one's name, and which it was."""
    first, *others = path.removeprefix(API + "/").split("/")
    if all(kind.collection != first for kind in kinds().values()):
        return path, None
    return "/".join([API, "{collection}", *others]), first


def _shared(paths: Json) -> set[str]:
    """The generic paths that every collection has."""
    times = Counter(generic for generic, collection in map(_generic, paths) if collection)
    return {generic for generic, found in times.items() if found == len(kinds())}


def _kind_table() -> Iterator[str]:
    yield "| collection | kind | below | what it is |\n|---|---|---|---|\n"
    for kind in kinds().values():
        parent = f"`{kind.parent_kind}`" if kind.parent_kind else ""
        yield f"| `{kind.collection}` | `{kind.name}` | {parent} | {kind.description} |\n"
    yield "\n"


def _route(path: str, method: str, operation: Json) -> str:
    """One method of one path."""
    about = operation["summary"]
    if "{collection}" in path:
        about = about.replace(f"a {EXAMPLE.name}", "an entity")
        about = about.replace(EXAMPLE.collection, "entities")
    lines = [f"### {method.upper()} {path.removeprefix(API)}\n\n{about}\n\n"]
    told = [
        each
        for each in operation.get("parameters", [])
        if each["in"] != "path" and each["name"] not in _COMMON_HEADERS
    ]
    if told:
        lines += ["| parameter | | |\n|---|---|---|\n", *map(_parameter, told), "\n"]
    if "requestBody" in operation:
        lines.append(f"- Takes {_contents(operation['requestBody'], path)}.\n")
    for status, answer in operation["responses"].items():
        if status < "400":
            shape = _contents(answer, path)
            lines.append(f"- {status}{f' ({shape})' if shape else ''}: {answer['description']}\n")
    refused = [s for s in operation["responses"] if s >= "400" and s not in _COMMON_PROBLEMS]
    if refused:
        lines.append(f"- Refused with {', '.join(sorted(refused))}.\n")
    return "".join(lines) + "\n"


def _parameter(each: Json) -> str:
    """A row about a parameter of query or header."""
    schema = each["schema"]
    inner = schema.get("items", schema)
    values = inner.get("enum", ())
    facts = [
        _either(values) if 0 < len(values) < 6 else inner.get("type", ""),
        "several" if "items" in schema else "",
        "required" if each.get("required") else "",
        f"default `{str(schema['default']).lower()}`" if "default" in schema else "",
        f"at most {schema['maximum']}" if schema.get("maximum", 2**53) < 2**31 else "",
        "header" if each["in"] == "header" else "",
    ]
    about = each["description"].replace(f"the {EXAMPLE.parent_kind} it", "what it")
    return f"| `{each['name']}` | {', '.join(filter(None, facts))} | {about} |\n"


def _contents(body: Json, path: str = "") -> str:
    """The shapes of a body."""
    found = [_name(media["schema"], path) for media in body.get("content", {}).values()]
    return max(found, key=len, default="") if len({*found}) > 1 else "".join(found[:1])


def _name(schema: Json, path: str = "") -> str:
    """A schema as the page names it; one that a kind has stands for that of every kind."""
    if "$ref" in schema:
        title = _title(schema)
        title_of_kind, kind = _of_kind(title)
        if kind is None:
            return f"[{title}](#{title.lower()})"
        return title_of_kind if "{collection}" in path else f"`{title}`"
    if schema.get("type") == "array":
        return f"a list of {_name(schema.get('items', {}), path)}"
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(filter(None, (_name(each, path) for each in options))))
    if values := schema.get("enum"):
        return _either(values)
    type_ = schema.get("type", "anything")
    return type_ if isinstance(type_, str) else " or ".join(type_)


def _either(values: Any) -> str:
    return " or ".join(f"`{value}`" for value in values)


def _title(schema: Json) -> str:
    title: str = schema["$ref"].rpartition("/")[2]
    return title


def _of_kind(title: str) -> tuple[str, str | None]:
    """What a schema is to its kind, and which kind that is, if any."""
    for kind in kinds().values():
        said = {
            kind.title: "the entity",
            f"Create{kind.title}": "the kind's create request",
            f"{kind.title}Page": "a page of entities",
            f"{kind.title}BulkResult": "entities, counts and failures",
        }
        if title in said:
            return said[title], kind.name
    return title, None


def _problems(document: Json) -> Iterator[str]:
    """What statuses of problems mean."""
    yield "## Problems\n\n| status | |\n|---|---|\n"
    for status, response in document["components"]["responses"].items():
        yield f"| {status} | {response['description']} |\n"
    yield "\nEach is a [Problem](#problem).\n\n"


def _shapes(document: Json) -> Iterator[str]:
    """What is sent and answered that is no kind's: all that the paths lead to."""
    schemas = document["components"]["schemas"]
    found: set[str] = set()
    wanted = _references(document["paths"]) | {"Problem"}
    while wanted:
        found |= wanted
        wanted = set().union(*(_references(schemas[title]) for title in wanted)) - found
    yield "## Shapes\n\nThe documents of kinds are at `/schemas/{kind}`.\n\n"
    for title in sorted(found):
        yield _shape(title, schemas[title])


def _references(value: Any) -> set[str]:
    """The components of no kind that a part of the document refers to."""
    if isinstance(value, list):
        return set().union(*map(_references, value))
    if not isinstance(value, dict):
        return set()
    text = value.get("$ref")
    if isinstance(text, str) and "/schemas/" in text:
        title = _title(value)
        return set() if _of_kind(title)[1] else {title}
    return set().union(*map(_references, value.values()))


def _shape(title: str, schema: Json) -> str:
    about = " ".join(schema.get("description", "").split())
    text = f"### {title}\n\n" + (f"{about}\n\n" if about else "")
    if "properties" not in schema:
        return text + f"{_name(schema).capitalize()}.\n\n" if "type" in schema else text
    text += "| property | | |\n|---|---|---|\n"
    for each, its in schema["properties"].items():
        must = ", required" if each in schema.get("required", ()) else ""
        told = re.sub(r"\|", r"\\|", " ".join(its.get("description", "").split()))
        text += f"| `{each}` | {_name(its)}{must} | {told} |\n"
    return text + "\n"
