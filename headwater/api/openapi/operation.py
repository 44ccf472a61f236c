"""Building blocks of operations: parameters, bodies and answers."""

from __future__ import annotations

from typing import Any

from headwater.api.openapi.component import Schema, ref

Operation = dict[str, Any]

PROBLEMS = {
    "400": "The request cannot be understood: path, query, headers or JSON syntax.",
    "401": "Sign-in is on, and no valid token was given.",
    "403": "The role is too low; or, without sign-in, the request is not of this machine.",
    "404": "There is no such thing.",
    "409": "The write contradicts what is stored; or a name is not unique, see `candidates`.",
    "410": "Events behind the cursor are no longer kept; `oldest` is the first that is.",
    "412": "The entity has changed since; `current` is what it is now.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "422": "The body is not valid; `errors` has a pointer for each fault.",
    "503": "The store failed.",
}


def parameter(
    name: str, about: str, schema: Schema, *, where: str = "query", required: bool = False
) -> Schema:
    """A parameter; those of a path are always required."""
    return {
        "name": name,
        "in": where,
        "description": about,
        "required": required or where == "path",
        "schema": schema,
    }


def some(name: str, about: str, each: Schema) -> Schema:
    """A parameter that may be given several times."""
    return parameter(name, about, {"type": "array", "items": each, "maxItems": 100})


def number(default: int, low: int, high: int) -> Schema:
    """The schema of a bounded whole number."""
    return {"type": "integer", "minimum": low, "maximum": high, "default": default}


def choice(*options: str) -> Schema:
    """The schema of one of some words; the first is the default."""
    return {"type": "string", "enum": list(options), "default": options[0]}


TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean", "default": False}
DIGITS: Schema = {"type": "string", "pattern": "^[0-9]{1,16}$"}
AFTER_NUMBER = parameter("after", "Cursor that the page before answered.", DIGITS)
ID = parameter("id", "The entity's id.", ref("Uuid"), where="path")
FQN = parameter(
    "fqn",
    "The fully qualified name, percent-encoded; slashes may stand as they are.",
    TEXT,
    where="path",
)
MOMENT = "A sequence number, or an ISO 8601 time (UTC without an offset)."
AS_OF = parameter(
    "asOf",
    f"The state at a moment. {MOMENT} `version:0.3`: when the entity got that version."
    " A name is the one of now.",
    TEXT,
)
PRODUCER = parameter(
    "X-Headwater-Producer",
    "The connector that writes; makes the caller a bot of that name.",
    {"type": "string", "minLength": 1, "maxLength": 256},
    where="header",
)
IF_MATCH = parameter(
    "If-Match",
    "Write only when this is still the entity's `ETag`.",
    {"type": "string", "pattern": '^"[0-9]{1,16}"$'},
    where="header",
)
IF_NONE_MATCH = parameter(
    "If-None-Match", "Answer 304 when this is still the entity's `ETag`.", TEXT, where="header"
)

NOT_MODIFIED: Schema = {"304": {"description": "The client holds this state already."}}


def operation(
    name: str,
    tag: str,
    summary: str,
    *,
    answers: dict[str, Any],
    problems: str,
    parameters: list[Schema] | None = None,
    body: Schema | None = None,
    is_open: bool = False,
) -> Operation:
    """One method of one path.

    Args:
        name: The unique ``operationId``.
        tag: The group that it is shown in.
        summary: What it does.
        answers: Responses by status.
        problems: Statuses of problems, separated by spaces; some apply to every operation.
        parameters: Of path, query and header.
        body: The ``requestBody``; such operations answer 413, 415 and 422 too.
        is_open: No token is asked for.
    """
    refused = {*problems.split(), "400", "403", "503", *(["413", "415", "422"] if body else [])}
    if not is_open:
        refused.add("401")
    return {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        **({"security": []} if is_open else {}),
        **({"parameters": parameters} if parameters else {}),
        **({"requestBody": body} if body else {}),
        "responses": {
            **answers,
            **{status: {"$ref": f"#/components/responses/{status}"} for status in sorted(refused)},
        },
    }


def json_body(schema: Schema, example: Any = None) -> Schema:
    """A body of plain JSON."""
    shown = {} if example is None else {"example": example}
    return {"required": True, "content": {"application/json": {"schema": schema, **shown}}}


def answer(about: str, schema: Schema, *, status: str = "200", etag: bool = False) -> Schema:
    """A successful answer by its status."""
    headers = {"ETag": {"$ref": "#/components/headers/ETag"}} if etag else {}
    return {
        status: {
            "description": about,
            **({"headers": headers} if headers else {}),
            "content": {"application/json": {"schema": schema}},
        }
    }


def problem_responses() -> dict[str, Schema]:
    """The shared responses by status."""
    content = {"application/problem+json": {"schema": ref("Problem")}}
    return {
        status: {"description": about, "content": content} for status, about in PROBLEMS.items()
    }
