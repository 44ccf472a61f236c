"""Edges that people and connectors write: requests, and what they become."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from headwater.errors import HeadwaterError, InvalidInputError
from headwater.lineage.kind import UNRESOLVED
from headwater.lineage.node import Name, find_all
from headwater.store.base import EdgeKey, EdgeWrite, Node, Store
from headwater.store.draft import dump

Text = Annotated[str, Field(min_length=1)]
SourceText = Annotated[
    str, Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")
]
"""As names are; it is part of what tells one assertion from another."""
R = TypeVar("R", bound="_Request")
Columns = dict[tuple[str | None, str], str]
"""Ids of columns by their entity's id and their FQN."""
Fault = dict[str, str]


MANUAL = "manual"
"""The source of what people say, if they say nothing else; and of what they suppress."""


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, strict=True)


class NodeReference(_Request):
    """A node: by id, or by FQN with or without its kind. A text is any of these."""

    id: Text | None = None
    type: Text | None = None
    fully_qualified_name: Text | None = None
    name: str | None = None
    display_name: str | None = None
    description: str | None = None
    deleted: bool | None = None
    href: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_text(cls, given: Any) -> Any:
        return {"fullyQualifiedName": given} if isinstance(given, str) else given

    def named(self) -> Name | None:
        """What it names, if anything."""
        if self.id:
            return Name(self.id.lower(), None, self.type)
        name = self.fully_qualified_name
        return Name.of(name, self.type) if name else None


class ColumnsLineage(_Request):
    """Columns that make a column: FQNs, and the function that does it.

    Attributes:
        from_columns: Or the entity that has them, where nobody knows which of its columns do.
        masking: Nothing of the values can be told from the result: it hashes or masks them.
    """

    from_columns: list[Text]
    to_column: Text
    function: str | None = None
    masking: bool = False


class LineageDetails(_Request):
    """What is known of an edge.

    Attributes:
        source: How it is known, such as ``manual`` or ``view``.
    """

    source: SourceText = MANUAL
    description: str | None = None
    sql_query: str | None = None
    columns_lineage: list[ColumnsLineage] | None = None


class AddLineage(_Request):
    """Request to hold that one node feeds another."""

    from_entity: NodeReference
    to_entity: NodeReference
    lineage_details: LineageDetails | None = None

    @property
    def details(self) -> LineageDetails:
        """What is known of the edge."""
        return self.lineage_details or LineageDetails()


class EdgeSet(_Request):
    """Request to hold a producer's edges, in place of those that it said before.

    Attributes:
        source: How they are known, all of them; what the producer said of another source stays.
        targets: Only what leads to these is replaced; other edges are added. None: everything is.
    """

    source: SourceText | None = None
    targets: list[NodeReference] | None = None
    edges: list[AddLineage]


def check_request(model: type[R], body: Any) -> R:
    """Return the request, checked.

    Raises:
        InvalidInputError: It is not valid; every fault has its pointer.
    """
    try:
        return model.model_validate(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        refuse({"pointer": _pointer(fault["loc"]), "message": fault["msg"]} for fault in found)
        raise


def refuse(faults: Iterable[Fault]) -> None:
    """Raise what is wrong with a request, if anything is.

    Raises:
        InvalidInputError: There are faults.
    """
    listed = [*faults]
    if listed:
        text = "; ".join(f"{fault['pointer']}: {fault['message']}" for fault in listed[:10])
        more = f"; and {len(listed) - 10} more" if len(listed) > 10 else ""
        raise InvalidInputError(f"not a valid lineage request: {text}{more}", errors=listed)


def _pointer(location: tuple[int | str, ...]) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in location)


class Ends(NamedTuple):
    """An edge that is asked for, with the nodes that it names.

    Attributes:
        pointer: Where the request stands in the body.
    """

    pointer: str
    request: AddLineage
    start: Node
    end: Node

    @property
    def entities(self) -> tuple[str, str]:
        """Ids of the two entities."""
        return entity_id(self.start), entity_id(self.end)


def entity_id(node: Node) -> str:
    """The id of a node's entity, which may be itself."""
    return node.owner_id or node.id


def find_nodes(
    store: Store, references: Sequence[tuple[str, NodeReference]]
) -> list[Node | HeadwaterError]:
    """Return the node of each reference, or why there is none, in at most two look-ups.

    Args:
        references: With their pointers.
    """
    names = [reference.named() for _, reference in references]
    found = iter(find_all(store, [name for name in names if name]))
    nothing = InvalidInputError("a reference has an id or a fullyQualifiedName")
    return [next(found) if name else nothing for name in names]


def find_ends(store: Store, requests: Sequence[tuple[str, AddLineage]]) -> list[Ends]:
    """Return the requests, each with its pointer given, with the nodes that they name.

    Raises:
        InvalidInputError: Some name none, or not one alone; every fault has its pointer.
    """
    references = []
    for pointer, request in requests:
        references.append((f"{pointer}/fromEntity", request.from_entity))
        references.append((f"{pointer}/toEntity", request.to_entity))
    nodes = checked_nodes(references, find_nodes(store, references))
    return [
        Ends(pointer, request, nodes[2 * at], nodes[2 * at + 1])
        for at, (pointer, request) in enumerate(requests)
    ]


def checked_nodes(
    references: Sequence[tuple[str, NodeReference]], found: Sequence[Node | HeadwaterError]
) -> list[Node]:
    """The nodes that were found for references.

    Raises:
        InvalidInputError: For some there is none.
    """
    refuse(
        {"pointer": pointer, "message": node.message}
        for (pointer, _), node in zip(references, found, strict=True)
        if isinstance(node, HeadwaterError)
    )
    return [node for node in found if not isinstance(node, HeadwaterError)]


def gone(ends: Iterable[Ends]) -> list[Fault]:
    """The faults of edges with an end that is deleted: nothing new is said of what is gone."""
    return [
        {"pointer": each.pointer + where, "message": f"{node.kind} {node.fqn!r} is deleted"}
        for each in ends
        for where, node in (("/fromEntity", each.start), ("/toEntity", each.end))
        if node.deleted or node.dropped
    ]


def known_columns(store: Store, ends: Iterable[Ends]) -> Columns:
    """The columns that edges name, in one look-up."""
    owners, names = set[str](), set[str]()
    for each in ends:
        owners.update(each.entities)
        for pair in each.request.details.columns_lineage or ():
            names.update((*pair.from_columns, pair.to_column))
    parts = store.nodes(fqns=names, owner_ids=owners) if names else []
    return {
        (part.owner_id, part.fqn): part.id
        for part in parts
        if not part.dropped and part.kind != UNRESOLVED
    }


def edge_writes(each: Ends, columns: Columns, *, source: str, producer: str) -> list[EdgeWrite]:
    """Everything that a request asserts: the edge itself, its columns, and what both imply.

    Within one entity only columns feed each other; of itself as a whole it says nothing.

    Raises:
        InvalidInputError: A column is not part of its end, or the edge leads to where it starts.
    """
    start, end, details = each.start, each.end, each.request.details
    tables = each.entities
    about = _json({"description": details.description, "sqlQuery": details.sql_query})
    is_within = tables[0] == tables[1]
    said = {} if is_within else {EdgeKey(*tables, "coarse", source, producer): about}
    for a, b, about_column in _column_pairs(each, columns):
        if a != b:
            said[EdgeKey(a, b, "fine", source, producer)] = about_column
    of_parts = all if is_within else any
    if start.id != end.id and of_parts((start.owner_id, end.owner_id)):
        said[EdgeKey(start.id, end.id, "fine", source, producer)] = about
    if not said:
        message = f"{end.kind} {end.fqn!r} cannot feed itself"
        raise InvalidInputError.at(f"{each.pointer}/toEntity", message)
    return [EdgeWrite(key, text) for key, text in said.items()]


def hidden_pairs(keys: Iterable[EdgeKey]) -> set[tuple[str, str]]:
    """The pairs of nodes between which people suppressed edges, among some that are held."""
    return {(key.from_id, key.to_id) for key in keys if key.level == "suppressed"}


def allowed(
    writes: Iterable[EdgeWrite], hidden: set[tuple[str, str]], entities: tuple[str, str]
) -> list[EdgeWrite]:
    """Those of an edge's assertions that no person suppressed.

    With the edge between the two entities, those between their parts are suppressed.
    """
    if entities in hidden:
        return []
    return [write for write in writes if (write.key.from_id, write.key.to_id) not in hidden]


def _column_pairs(each: Ends, columns: Columns) -> list[tuple[str, str, str]]:
    def part(owner: str, fqn: str, pointer: str) -> str:
        found = columns.get((owner, fqn))
        if found is None:
            raise InvalidInputError.at(pointer, f"there is no column {fqn!r} on this side")
        return found

    out = []
    for index, pair in enumerate(each.request.details.columns_lineage or ()):
        where = f"{each.pointer}/lineageDetails/columnsLineage/{index}"
        to = part(each.entities[1], pair.to_column, f"{where}/toColumn")
        for at, fqn in enumerate(pair.from_columns):
            if fqn == each.start.fqn:  # any of its columns, perhaps
                start = each.start.id
            else:
                start = part(each.entities[0], fqn, f"{where}/fromColumns/{at}")
            about = {"function": pair.function, "masking": pair.masking or None}
            out.append((start, to, _json(about)))
    return out


def _json(value: Mapping[str, str | bool | None]) -> str:
    given = {name: text for name, text in value.items() if text is not None}
    return dump(given)
