"""Paths of one kind's collection."""

from __future__ import annotations

from headwater.api.openapi.component import Schema, ref
from headwater.api.openapi.example import create_example
from headwater.api.openapi.operation import (
    AFTER_NUMBER,
    AS_OF,
    FLAG,
    FQN,
    ID,
    IF_MATCH,
    IF_NONE_MATCH,
    NOT_MODIFIED,
    PRODUCER,
    TEXT,
    Operation,
    answer,
    choice,
    json_body,
    number,
    operation,
    parameter,
    some,
)
from headwater.api.openapi.record_path import record_paths
from headwater.api.openapi.search_path import FACETS
from headwater.catalog.read import list_filters
from headwater.schemas import Kind

_LIMIT = parameter("limit", "The most to answer.", number(10, 1, 1000))
_AFTER = parameter("after", "Cursor that the page before answered.", TEXT)
_INCLUDE = "Whether soft-deleted entities are shown."
_DELETED = parameter("include", _INCLUDE, choice("non-deleted", "all"))
_RECURSIVE = parameter("recursive", "Delete what is below it too.", FLAG)
_HARD = parameter(
    "hard", "Erase it with its past, for good, even if soft-deleted; for admins.", FLAG
)
_FORCE = parameter(
    "force",
    "Although it is in production; with `hard`, also take it out of the entities that refer to it.",
    FLAG,
)
_PREVIEW = parameter("preview", "Tell what the write would do, and write nothing.", FLAG)
_REPLACE = parameter(
    "replaceDeleted",
    "A soft-deleted one of the name makes room: it is renamed, and can be restored. Not a stage, a"
    " version called by its number, or a built-in service: these keep their names (409).",
    FLAG,
)
_FIELDS = parameter(
    "fields",
    "Names of fields, separated by commas: nothing else is answered but what a `Projection` always"
    " has. Unless given, all.",
    TEXT,
)
_VERSION = parameter("version", "A version, such as `0.1`.", TEXT, where="path")
_OTHER = parameter("other", "The version to compare with.", TEXT, where="path")


def entity_paths(kind: Kind) -> dict[str, dict[str, Operation]]:
    """The path items of a kind, below the API's base."""
    base = f"/{kind.collection}"
    one = f"{base}/{{id}}"
    return {
        base: _collection(kind),
        f"{base}/bulk": {"put": _bulk(kind)},
        one: _one(kind, ID, ""),
        f"{base}/name/{{fqn}}": _one(kind, FQN, "ByName"),
        **_acts(kind, one),
        **_versions(kind, one),
        **record_paths(kind),
    }


def _collection(kind: Kind) -> dict[str, Operation]:
    title, tag = kind.title, kind.collection
    body = json_body(ref("Create" + title), create_example(kind))
    made = answer("Created.", ref(title), status="201", etag=True)
    filters = [_LIMIT, _AFTER]
    if kind.parent_kind:
        filters.append(parameter("parent", f"FQN of the {kind.parent_kind} it belongs to.", TEXT))
    filters += [some(facet, FACETS[facet], TEXT) for facet in list_filters(kind)]
    include = f"{_INCLUDE} Those have no facets to filter by."
    filters.append(parameter("include", include, choice("non-deleted", "all", "deleted")))
    total = "Count all pages; the first page does unless told not to."
    filters += [parameter("total", total, FLAG), _FIELDS]
    return {
        "get": operation(
            f"list{title}s", tag, f"List {tag}, ordered by FQN.",
            parameters=filters, problems="404",
            answers=answer("One page.", _or_part(title + "Page", "ProjectionPage")),
        ),
        "post": operation(
            f"create{title}", tag, f"Create a {kind.name}.",
            parameters=[_REPLACE, PRODUCER], body=body, answers=made, problems="409",
        ),
        "put": operation(
            f"put{title}", tag, f"Create a {kind.name}, or merge into the one there is.",
            parameters=[_PREVIEW, PRODUCER, IF_MATCH], body=body, problems="409 412",
            answers={
                **answer(
                    "Updated, or as it was; or what would be done.",
                    {"anyOf": [ref(title), ref("Preview")]}, etag=True,
                ),
                **made,
            },
        ),
    }  # fmt: skip


def _or_part(whole: str, part: str) -> Schema:
    """An answer, or, with ``fields``, part of it."""
    return {"anyOf": [ref(whole), ref(part)]}


def _bulk(kind: Kind) -> Operation:
    title = kind.title
    return operation(
        f"bulkPut{title}s", kind.collection,
        f"Create or update many {kind.collection}; those that fail hold up no other.",
        parameters=[_PREVIEW, PRODUCER],
        body=json_body({"type": "array", "items": ref("Create" + title)}),
        answers=answer(
            "What became of each, or would.",
            {"anyOf": [ref(title + "BulkResult"), ref("PreviewResult")]},
        ),
        problems="",
    )  # fmt: skip


def _one(kind: Kind, where: Schema, by: str) -> dict[str, Operation]:
    title, tag = kind.title, kind.collection
    answers = answer("The entity.", ref(title), etag=True)
    array = {"schema": ref("JsonPatch")}
    merge = {"schema": ref("MergePatch")}
    either = {"schema": {"anyOf": [ref("JsonPatch"), ref("MergePatch")]}}
    body = {
        "required": True,
        "content": {
            "application/json-patch+json": array,
            "application/merge-patch+json": merge,
            "application/json": either,
        },
    }
    return {
        "get": operation(
            f"get{title}{by}", tag, f"Read a {kind.name}.",
            parameters=[where, AS_OF, _DELETED, _FIELDS, IF_NONE_MATCH], problems="404",
            answers={
                **answer("The entity.", _or_part(title, "Projection"), etag=True), **NOT_MODIFIED
            },
        ),
        "patch": operation(
            f"patch{title}{by}", tag, f"Change a {kind.name}.",
            parameters=[where, PRODUCER, IF_MATCH], body=body,
            answers=answers, problems="404 409 412",
        ),
        "delete": operation(
            f"delete{title}{by}", tag, f"Delete a {kind.name}: softly, or for good.",
            parameters=[where, _RECURSIVE, _HARD, _FORCE, PRODUCER, IF_MATCH],
            answers=answer("Its last state.", ref(title), etag=True), problems="404 409 412",
        ),
    }  # fmt: skip


def _acts(kind: Kind, one: str) -> dict[str, dict[str, Operation]]:
    """What is done to one entity beside reading and writing its document."""
    title, tag = kind.title, kind.collection
    left = answer("The entity.", ref(title), etag=True)
    return {
        f"{one}/rename": {
            "post": operation(
                f"rename{title}", tag,
                f"Give a {kind.name} another name; what spells the old one follows at once.",
                parameters=[ID, PRODUCER, IF_MATCH], body=json_body(ref("Rename")),
                answers=left, problems="404 409 412",
            )
        },
        f"{one}/restore": {
            "post": operation(
                f"restore{title}", tag, f"Bring a soft-deleted {kind.name} back.",
                parameters=[ID, PRODUCER], answers=left, problems="404 409",
            )
        },
        f"{one}/release": {
            "post": operation(
                f"release{title}", tag,
                "Hand a field back that a person set or emptied: machines may write it again.",
                parameters=[ID, PRODUCER], body=json_body(ref("Release")),
                answers=left, problems="404 409",
            )
        },
        f"{one}/provenance": {
            "get": operation(
                f"getProvenanceOf{title}", tag, "Tell who set each field, and how.",
                parameters=[ID, AS_OF],
                answers=answer("The origins of its fields.", ref("Provenance")), problems="404",
            )
        },
    }  # fmt: skip


def _versions(kind: Kind, one: str) -> dict[str, dict[str, Operation]]:
    title, tag = kind.title, kind.collection
    limit = parameter("limit", "The most to answer.", number(100, 1, 1000))
    return {
        f"{one}/versions": {
            "get": operation(
                f"listVersionsOf{title}", tag, f"List a {kind.name}'s versions, newest first.",
                parameters=[ID, limit, AFTER_NUMBER],
                answers=answer("One page.", ref(title + "Page")), problems="404",
            )
        },
        f"{one}/versions/{{version}}": {
            "get": operation(
                f"getVersionOf{title}", tag, f"Read a {kind.name} as it was in one version.",
                parameters=[ID, _VERSION, IF_NONE_MATCH], problems="404",
                answers={**answer("That version.", ref(title), etag=True), **NOT_MODIFIED},
            )
        },
        f"{one}/versions/{{version}}/revert": {
            "post": operation(
                f"revert{title}", tag,
                f"Write a version with the values of an earlier one of a {kind.name}.",
                parameters=[ID, _VERSION, PRODUCER, IF_MATCH], problems="404 409 412 422",
                answers=answer("The entity.", ref(title), etag=True),
            )
        },
        f"{one}/versions/{{version}}/diff/{{other}}": {
            "get": operation(
                f"diffVersionsOf{title}", tag,
                f"Tell what changed between a {kind.name}'s versions.",
                parameters=[ID, _VERSION, _OTHER],
                answers=answer("The changes.", ref("Diff")), problems="404",
            )
        },
    }  # fmt: skip
