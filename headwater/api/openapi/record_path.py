"""Paths of what is recorded about an entity."""

from __future__ import annotations

from headwater.api.openapi.component import Schema, ref
from headwater.api.openapi.operation import (
    AFTER_NUMBER,
    AS_OF,
    FLAG,
    ID,
    PRODUCER,
    TEXT,
    Operation,
    answer,
    json_body,
    number,
    operation,
    parameter,
)
from headwater.schemas import Kind

_TYPE = parameter(
    "type",
    "What is recorded: `metric`, `status`, `usage` or another word of yours; some are written by"
    " what they record, such as `lifecycle`.",
    {"type": "string", "pattern": "^[a-z][A-Za-z0-9]{0,63}$"},
    where="path",
)
_USER = parameter("user", "The user's id or name.", TEXT, where="path")
_LIMIT = parameter("limit", "The most to answer.", number(100, 1, 1000))
_PAGE = answer("One page, newest first.", ref("RecordPage"))
_ONE = answer("The record.", ref("Record"))


def record_paths(kind: Kind) -> dict[str, dict[str, Operation]]:
    """The path items of a kind's records, below the API's base."""
    title, tag, one = kind.title, kind.collection, f"/{kind.collection}/{{id}}"
    new: Schema = ref("NewRecord")
    many: Schema = {"type": "array", "items": new, "minItems": 1, "maxItems": 1000}
    return {
        f"{one}/records/{{type}}": {
            "get": operation(
                f"listRecordsOf{title}", tag, f"List a {kind.name}'s records of one type.",
                parameters=[
                    ID, _TYPE,
                    parameter("key", "Only those with this key, such as a metric's name.", TEXT),
                    parameter("latest", "Only the newest of each key.", FLAG),
                    AFTER_NUMBER, _LIMIT, AS_OF,
                ],
                answers=_PAGE, problems="404",
            ),
            "post": operation(
                f"addRecordsTo{title}", tag,
                "Append records, all or none; they make no version and no event.",
                parameters=[ID, _TYPE, PRODUCER], body=json_body({"anyOf": [new, many]}),
                answers=answer("The records.", ref("Records"), status="201"), problems="404 409",
            ),
        },
        f"{one}/followers": {
            "get": operation(
                f"listFollowersOf{title}", tag, f"List the users who follow a {kind.name}.",
                parameters=[ID],
                answers=answer("All of them, by name.", ref("Followers")), problems="404",
            )
        },
        f"{one}/followers/{{user}}": {
            "put": operation(
                f"follow{title}", tag, f"Let a user follow a {kind.name}: oneself; admins, anyone.",
                parameters=[ID, _USER, PRODUCER], answers=_ONE, problems="404 409",
            ),
            "delete": operation(
                f"unfollow{title}", tag, f"Let a user follow a {kind.name} no longer; see `PUT`.",
                parameters=[ID, _USER, PRODUCER], answers=_ONE, problems="404 409",
            ),
        },
        f"{one}/votes": {
            "get": operation(
                f"countVotesOn{title}", tag, f"Count the votes on a {kind.name}.",
                parameters=[ID], answers=answer("The counts.", ref("Votes")), problems="404",
            )
        },
        f"{one}/votes/{{user}}": {
            "put": operation(
                f"voteOn{title}", tag, f"Set a vote on a {kind.name}: one's own; admins, anyone's.",
                parameters=[ID, _USER, PRODUCER], body=json_body(ref("CastVote")),
                answers=_ONE, problems="404 409",
            )
        },
    }  # fmt: skip


def bulk_record_paths() -> dict[str, dict[str, Operation]]:
    """The path item of records of many entities, below the API's base."""
    many: Schema = {"type": "array", "items": ref("PutRecord"), "minItems": 1, "maxItems": 1000}
    return {
        "/records": {
            "put": operation(
                "putRecords", "records",
                "Append records to many entities, but for what their newest records say already.",
                parameters=[PRODUCER], body=json_body(many),
                answers=answer("How many were appended.", ref("PutRecords")), problems="409",
            )
        }
    }  # fmt: skip
