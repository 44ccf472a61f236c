"""One form for what the oracle holds and for what the catalog answers, so that they compare."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from headwater.lineage.source import Source, source_id
from headwater.store.base import Edge, Record
from headwater.store.draft import load
from tests.parity.question import Around
from tests.parity.state import LISTED, Entity, Featured, Model, ModelVersion, Node, State, Table

Answer = dict[str, Any]


def wanted(state: State, entity: Entity) -> Answer:
    """A document as the oracle has it."""
    fqn = state.fqn(entity.id)
    out: Answer = {
        "name": entity.name,
        "fqn": fqn,
        "version": shown(entity.version),
        "deleted": bool(entity.deleted),
        "description": entity.description,
    }
    if isinstance(entity, Table):
        out["columns"] = [(path, type_, f"{fqn}.{path}") for path, type_ in entity.columns]
    if isinstance(entity, Featured):
        out |= _featured(state, entity)
    if isinstance(entity, Model):
        out |= {"target": entity.target, "last": entity.last, "latest": entity.latest}
        out |= {"serving": entity.serving} | {each: getattr(entity, each) for each in LISTED}
    if isinstance(entity, ModelVersion):
        out |= {"number": entity.number, "stage": entity.stage}
        out["frozen"] = {
            (feature, *source, *said, (feature, source) in entity.tied)
            for (feature, source), said in entity.frozen.items()
        }
    return out


def _featured(state: State, entity: Featured) -> Answer:
    fqn = state.fqn(entity.id)
    features: dict[str, set[tuple[Any, ...]]] = {name: set() for name in entity.features or {}}
    for name, source in entity.sources:
        table = source.table and state.fqn(source.table)
        tied = (name, source) in entity.tied
        waiting = state.node_fqn(Node("featureSource", entity.id, name, source))
        where = f"{table}.{source.name}" if tied else waiting
        features[name].add((source.name, source.table, table, where, tied))
    names = {name: f"{fqn}.{name}" for name in features} if isinstance(entity, Model) else {}
    return {"algorithm": entity.algorithm, "features": features, "names": names}


def found(record: Record) -> Answer:
    """A document as the catalog has it."""
    document = load(record)
    assert (record.fqn, record.version) == (document["fullyQualifiedName"], document["version"])
    assert record.deleted == document.get("deleted", False)
    out: Answer = {
        "name": document["name"],
        "fqn": record.fqn,
        "version": record.version,
        "deleted": record.deleted,
        "description": document.get("description"),
    }
    if record.kind == "table":
        out["columns"] = list(_columns(document.get("columns", ())))
    if record.kind in ("mlmodel", "modelVersion"):
        features = document.get("mlFeatures", ())
        out["algorithm"] = document.get("algorithm")
        out["features"] = {
            each["name"]: set(map(_source, each.get("featureSources", ()))) for each in features
        }
        names = {each["name"]: each.get("fullyQualifiedName") for each in features}
        out["names"] = names if record.kind == "mlmodel" else {}
    if record.kind == "mlmodel":
        lifecycle = document.get("lifecycle", {})
        held = {each["stage"]: each["versions"] for each in lifecycle.get("stages", ())}
        out |= {"target": document.get("target"), "last": lifecycle.get("lastNumber", 0)}
        out |= {word: lifecycle.get(word, {}).get("id") for word in ("latest", "serving")}
        out |= {stage: tuple(each["id"] for each in held.get(stage, ())) for stage in LISTED}
    if record.kind == "modelVersion":
        out |= {word: document[word] for word in ("number", "stage")}
        out["frozen"] = set(map(_frozen, document.get("frozenSources", ())))
    return out


def _columns(columns: Iterable[Answer], above: str = "") -> Iterator[tuple[str, str, str]]:
    for each in columns:
        path = above + str(each["name"])
        yield path, each["dataType"], each["fullyQualifiedName"]
        yield from _columns(each.get("children", ()), f"{path}.")


def _source(source: Answer) -> tuple[Any, ...]:
    table = source.get("dataSource", {})
    return (
        source["name"],
        table.get("id"),
        table.get("fullyQualifiedName"),
        source.get("fullyQualifiedName"),
        "columnId" in source,
    )


def _frozen(entry: Answer) -> tuple[Any, ...]:
    return (
        entry["feature"],
        entry["name"],
        entry.get("dataSource", {}).get("id"),
        entry.get("tableVersion"),
        entry.get("resolvedLater", False),
        "columnId" in entry,
    )


def check(got: Answer, wanted: Answer) -> None:
    """Hold an answer to the oracle's, and tell where they differ."""
    differ = [
        f"{key}: got {got.get(key)!r}, wanted {wanted.get(key)!r}"
        for key in {**wanted, **got}
        if got.get(key) != wanted.get(key)
    ]
    assert not differ, "; ".join(differ)


def shown(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


# Edges


class Asserted(NamedTuple):
    """An assertion, or what a person suppressed."""

    from_id: str
    to_id: str
    level: str
    source: str
    producer: str
    description: str | None


def open_at(seq: int, edges: Iterable[Edge]) -> list[Edge]:
    """The assertions that were open after a commit, of all that ever were."""
    return [
        edge
        for edge in edges
        if edge.opened_seq <= seq and (edge.closed_seq is None or seq < edge.closed_seq)
    ]


def check_edges(got: Iterable[Edge], state: State, parts: Mapping[Node, str]) -> None:
    """Hold what is asserted, and what people suppressed, to the oracle's.

    Args:
        parts: The ids of columns and features.
    """

    def id_of(node: Node) -> str:
        if node.source is None:
            return parts[node] if node.is_part else node.owner
        name, table = node.source
        source = {"name": name, **({"dataSource": {"id": table}} if table else {})}
        return source_id(node.owner, Source({"name": node.path}, source))

    pairs = {*(edge.pair for edge in state.edges), *state.suppressed}
    ids = {node: id_of(node) for pair in pairs for node in pair}
    wanted = {Asserted(ids[e.start], ids[e.end], *e[2:], text) for e, text in state.edges.items()}
    wanted |= {
        Asserted(ids[a], ids[b], "suppressed", "manual", "person", None)
        for a, b in state.suppressed
    }
    found = {Asserted(*edge.key, json.loads(edge.details).get("description")) for edge in got}
    nodes = {id_: node for node, id_ in (*parts.items(), *ids.items())}

    def told(edges: Iterable[Asserted]) -> list[Any]:
        return [(nodes.get(e.from_id), nodes.get(e.to_id), e) for e in edges]

    assert found == wanted, f"got {told(found - wanted)}, wanted {told(wanted - found)}"


# Lineage

Spelled = tuple[str, str, str, bool, bool]
"""Kind, entity's id, FQN, whether dropped, whether deleted."""


def spelled(state: State, node: Node) -> Spelled:
    deleted = bool(state.entities[node.owner].deleted)
    return node.kind, node.owner, state.node_fqn(node), state.is_dropped(node), deleted


def read(node: Answer) -> Spelled:
    owner = node.get("owner", node["id"])
    flags = bool(node.get("dropped")), bool(node.get("deleted"))
    return str(node["kind"]), str(owner), str(node["fullyQualifiedName"]), *flags


def wanted_walk(state: State, around: Around, view: str) -> Answer:
    """A walk as the oracle has it; several sources that wait may be spelled alike."""
    nodes = {node: spelled(state, node) for node in around.depths}
    out: Answer = {
        "nodes": Counter((nodes[node], depth) for node, depth in around.depths.items()),
        "edges": Counter((nodes[start], nodes[end]) for start, end in around.pairs),
        "owners": {
            spelled(state, owner)
            for node in nodes
            if node.is_part and (owner := state.entities[node.owner].node) not in nodes
        },
    }
    if view != "feature":  # which shows one edge for several
        level = "coarse" if view == "entity" else "fine"
        out["assertions"] = Counter(
            (nodes[edge.start], nodes[edge.end], edge.source, edge.producer, details)
            for edge, details in state.edges.items()
            if edge.level == level and edge.pair in around.pairs
        )
    return out


def found_walk(answer: Answer, view: str) -> Answer:
    """A walk as the catalog answers it."""
    assert not answer["truncated"]
    nodes = {node["id"]: read(node) for node in answer["nodes"]}
    out: Answer = {
        "nodes": Counter((read(node), node["depth"]) for node in answer["nodes"]),
        "edges": Counter((nodes[edge["from"]], nodes[edge["to"]]) for edge in answer["edges"]),
        "owners": {read(owner) for owner in answer["owners"]},
    }
    if view != "feature":
        out["assertions"] = Counter(
            (
                nodes[edge["from"]],
                nodes[edge["to"]],
                each["source"],
                each["producer"],
                each.get("description"),
            )
            for edge in answer["edges"]
            for each in edge["assertions"]
        )
    return out
