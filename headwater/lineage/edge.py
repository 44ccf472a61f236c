"""Edges that people and connectors write: requests, and what they become."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from headwater.errors import InvalidInputError, NotFoundError
from headwater.lineage.kind import UNRESOLVED
from headwater.lineage.node import find_by_id, find_root
from headwater.store.base import EdgeKey, EdgeWrite, Node, Store
from headwater.store.draft import dump

Text = Annotated[str, Field(min_length=1)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, strict=True)


class NodeReference(_Request):
    """A node: by id, or by FQN with or without its kind."""

    id: Text | None = None
    type: Text | None = None
    fully_qualified_name: Text | None = None
    name: str | None = None
    display_name: str | None = None
    description: str | None = None
    deleted: bool | None = None
    href: str | None = None


class ColumnsLineage(_Request):
    """Columns that make a column: FQNs, and the function that does it."""

    from_columns: list[Text]
    to_column: Text
    function: str | None = None


class LineageDetails(_Request):
    """What is known of an edge.

    Attributes:
        source: How it is known, such as ``manual`` or ``view``.
    """

    source: Text = "manual"
    description: str | None = None
    sql_query: str | None = None
    columns_lineage: list[ColumnsLineage] | None = None


class AddLineage(_Request):
    """Request to hold that one node feeds another."""

    from_entity: NodeReference | Text
    to_entity: NodeReference | Text
    lineage_details: LineageDetails | None = None


def check_edge_request(body: Any) -> AddLineage:
    """Return the request, checked.

    Raises:
        InvalidInputError: It is not valid; every fault has its pointer.
    """
    try:
        return AddLineage.model_validate(body)
    except ValidationError as error:
        faults = [
            {"pointer": "".join(f"/{part}" for part in fault["loc"]), "message": fault["msg"]}
            for fault in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        text = "; ".join(f"{fault['pointer']}: {fault['message']}" for fault in faults)
        raise InvalidInputError(f"not a valid lineage request: {text}", errors=faults) from None


def find_end(store: Store, reference: NodeReference | str, pointer: str) -> Node:
    """Return the node that one end of a request names, deleted or not.

    Raises:
        InvalidInputError: It names none.
    """
    try:
        if isinstance(reference, str):
            node = find_root(store, reference)
        elif reference.id:
            node = find_by_id(store, reference.id.lower(), kind=reference.type)
        elif reference.fully_qualified_name:
            node = find_root(store, reference.fully_qualified_name, kind=reference.type)
        else:
            raise InvalidInputError.at(pointer, "a reference has an id or a fullyQualifiedName")
    except NotFoundError as error:
        raise InvalidInputError.at(pointer, error.message) from error
    return node


def edge_writes(
    store: Store, request: AddLineage, start: Node, end: Node, producer: str
) -> list[EdgeWrite]:
    """Everything that a request asserts: the edge itself, its columns, and what both imply.

    Raises:
        InvalidInputError: A column is not part of its end, or the edge leads to where it starts.
    """
    details = request.lineage_details or LineageDetails()
    tables = (start.owner_id or start.id, end.owner_id or end.id)
    if start.id == end.id or tables[0] == tables[1]:
        raise InvalidInputError.at("/toEntity", f"{end.kind} {end.fqn!r} cannot feed itself")
    about = _json({"description": details.description, "sqlQuery": details.sql_query})
    writes = [EdgeWrite(EdgeKey(*tables, "coarse", details.source, producer), about)]
    if start.owner_id or end.owner_id:
        writes.append(EdgeWrite(EdgeKey(start.id, end.id, "fine", details.source, producer), about))
    fine: dict[EdgeKey, EdgeWrite] = {}
    for a, b, function in _column_pairs(store, details, tables):
        key = EdgeKey(a, b, "fine", details.source, producer)
        fine[key] = EdgeWrite(key, _json({"function": function}))
    return [*writes, *fine.values()]


def _column_pairs(
    store: Store, details: LineageDetails, tables: tuple[str, str]
) -> list[tuple[str, str, str | None]]:
    asked = details.columns_lineage or []
    names = {name for pair in asked for name in (*pair.from_columns, pair.to_column)}
    parts = store.nodes(fqns=names, owner_ids=set(tables)) if names else []
    known = {(n.owner_id, n.fqn): n.id for n in parts if not n.dropped and n.kind != UNRESOLVED}

    def part(owner: str, fqn: str, pointer: str) -> str:
        found = known.get((owner, fqn))
        if found is None:
            raise InvalidInputError.at(pointer, f"there is no column {fqn!r} on this side")
        return found

    out = []
    for index, pair in enumerate(asked):
        where = f"/lineageDetails/columnsLineage/{index}"
        to = part(tables[1], pair.to_column, f"{where}/toColumn")
        for at, fqn in enumerate(pair.from_columns):
            out.append((part(tables[0], fqn, f"{where}/fromColumns/{at}"), to, pair.function))
    return out


def _json(value: dict[str, str | None]) -> str:
    given = {name: text for name, text in value.items() if text is not None}
    return dump(given)
