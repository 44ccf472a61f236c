"""Paths that find things, and that of events."""

from __future__ import annotations

from headwater.api.openapi.component import Schema, ref
from headwater.api.openapi.operation import (
    FLAG,
    TEXT,
    Operation,
    answer,
    number,
    operation,
    parameter,
    some,
)
from headwater.lineage.kind import known_kinds
from headwater.schemas import kinds
from headwater.store.base import MAX_HITS

FACETS = {
    "kind": "Only entities of one of these kinds.",
    "service": "Only what belongs to one of these services (or other roots), by name.",
    "owner": "Only what one of these users or teams owns, by FQN.",
    "tag": "Only what has one of these tags, itself or a part of it, by FQN.",
    "stage": "Only versions in one of these stages, and models with such a version.",
}
_LAST_EVENT = parameter(
    "Last-Event-ID",
    "Sent by a client whose stream broke: number of the last event that it got; counts more than"
    " `after`.",
    {"type": "string", "pattern": "^[0-9]{0,16}$"},
    where="header",
)


def search_paths() -> dict[str, dict[str, Operation]]:
    """Their path items, below the API's base."""
    return {
        "/search": {"get": _search()},
        "/resolve": {"get": _resolve()},
        "/events": {"get": _events()},
    }


def _search() -> Operation:
    words = (
        'Words that are all found, in any order and any field; `"side by side"`; `begun*`. Nothing'
        " else in it means anything. Without it the filters decide."
    )
    return operation(
        "search", "search", "Find entities by words and facets, best first.",
        parameters=[
            parameter("q", words, TEXT),
            *(some(name, about, _values(name)) for name, about in FACETS.items()),
            parameter("limit", "The most to answer; 0: counts alone.", number(10, 0, 1000)),
            parameter("offset", "Hits to pass over.", number(0, 0, MAX_HITS - 1)),
        ],
        answers=answer("One page of hits, with counts.", ref("SearchPage")), problems="",
    )  # fmt: skip


def _resolve() -> Operation:
    kind = {"type": "string", "enum": sorted(known_kinds())}
    return operation(
        "resolve", "search", "Find the entity, column or feature that a name means.",
        parameters=[
            parameter("fqn", "A fully qualified name, or `kind:fqn`.", TEXT, required=True),
            parameter("kind", "Its kind, where the name alone is not unique.", kind),
        ],
        answers=answer("The node.", ref("Node")), problems="404 409",
    )  # fmt: skip


def _events() -> Operation:
    found = answer(
        "One page, whose `after` is there at the end too; or, for `Accept: text/event-stream`, a"
        " stream: each event's number as `id` and the event itself as `data`.",
        ref("EventPage"),
    )
    found["200"]["content"]["text/event-stream"] = {"schema": TEXT}
    after = "Number of the last event known, as a page answered it; 0: from the oldest kept."
    return operation(
        "listEvents", "events", "List what happened, oldest first; or follow it as it happens.",
        parameters=[
            parameter("after", after, number(0, 0, 2**53 - 1)),
            parameter("limit", "The most to answer; not of a stream.", number(100, 1, 1000)),
            some("kind", "Only events about entities of these kinds.", _values("kind")),
            some("type", "Only events of these types, such as `entityUpdated`.", TEXT),
            parameter("major", "Only events of major versions.", FLAG),
            _LAST_EVENT,
        ],
        answers=found, problems="410",
    )  # fmt: skip


def _values(name: str) -> Schema:
    return {"type": "string", "enum": sorted(kinds())} if name == "kind" else TEXT
