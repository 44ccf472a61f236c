"""What the whole graph around a node says: where its data begins, and where it goes in circles."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from headwater.errors import InvalidInputError
from headwater.lineage.node import as_json
from headwater.lineage.view import entity_of, starts_of
from headwater.lineage.walk import Walk, Walker
from headwater.store.base import Direction, Level, Node, Store
from headwater.store.draft import Document

LEVELS = ("entity", "column")
WORK = 200_000
"""How many assertions one analysis may meet."""


@dataclass(frozen=True, slots=True)
class Question:
    """What an analysis is asked.

    Attributes:
        level: ``entity`` or ``column``.
        depth: How many steps it goes.
        limit: How many findings are listed.
    """

    level: str
    depth: int
    limit: int
    as_of: int | None


def roots(store: Store, root: Node, question: Question) -> Document:
    """Answer what nothing feeds, among everything that feeds a node.

    A circle that nothing else feeds is listed as a whole, in ``cycles``. What the search did not
    see the end of is not listed, and ``truncated`` says so.
    """
    area = _Area.around(store, root, question, "upstream")
    sources = area.sources()
    beyond = area.beyond({node_id for each in sources for node_id in each})
    ended = [each for each in sources if beyond.isdisjoint(each)]
    single = area.in_order(node_id for each in ended if len(each) == 1 for node_id in each)
    circles = sorted((area.in_order(each) for each in ended if len(each) > 1), key=_order)
    listed = max(len(single), len(circles)) <= question.limit
    return {
        **area.head(root),
        "roots": [area.spelled(node) for node in single[: question.limit]],
        "total": len(single),
        "cycles": [[area.spelled(node) for node in each] for each in circles[: question.limit]],
        "truncated": area.walk.truncated or bool(beyond) or not listed,
    }


def cycles(store: Store, root: Node, question: Question) -> Document:
    """Answer the circles that data goes in, among everything that a node reaches.

    Each starts at its first node by name; shorter ones come first. There may be more circles than
    can be counted: ``truncated`` says whether those listed are all.
    """
    area = _Area.around(store, root, question, "downstream")
    edge = {id_ for id_, (_, depth) in area.walk.nodes.items() if depth == question.depth}
    found = area.circles(question.limit + 1)
    whole = len(found) <= question.limit and not area.walk.truncated and not area.beyond(edge)
    return {
        **area.head(root),
        "cycles": [[area.spelled(node) for node in each] for each in found[: question.limit]],
        "truncated": not whole,
    }


@dataclass(frozen=True, slots=True)
class _Area:
    """What a walk in one direction met, as a graph of numbers: nodes in order of their names."""

    store: Store
    question: Question
    direction: Direction
    level: Level
    walk: Walk
    nodes: list[Node]

    @classmethod
    def around(cls, store: Store, root: Node, question: Question, direction: Direction) -> _Area:
        if question.level not in LEVELS:
            raise InvalidInputError(f"level is {' or '.join(LEVELS)}, not {question.level!r}")
        level: Level = "coarse" if question.level == "entity" else "fine"
        starts = [entity_of(store, root)] if level == "coarse" else starts_of(store, root)
        walker = Walker(store, level, WORK, question.as_of)
        walk = walker.walk(starts, **{direction: question.depth})
        nodes = sorted((node for node, _ in walk.nodes.values()), key=_name)
        return cls(store, question, direction, level, walk, nodes)

    def head(self, root: Node) -> Document:
        """What every answer begins with."""
        return {
            "root": as_json(root),
            "level": self.question.level,
            "depth": self.question.depth,
        }

    def spelled(self, node: Node) -> Document:
        """A node with its distance."""
        return {**as_json(node), "depth": self.walk.nodes[node.id][1]}

    def in_order(self, ids: Iterable[str]) -> list[Node]:
        """Nodes by name."""
        return sorted((self.walk.nodes[node_id][0] for node_id in ids), key=_name)

    def graph(self) -> Any:
        """The graph that networkx reads. Numbers, because their order in a set is always one."""
        import networkx as nx

        number = {node.id: at for at, node in enumerate(self.nodes)}
        graph = nx.DiGraph()
        graph.add_nodes_from(range(len(self.nodes)))
        graph.add_edges_from(sorted((number[a], number[b]) for a, b in self.walk.edges))
        return graph

    def sources(self) -> list[set[str]]:
        """Nodes, or circles of nodes, that nothing else of the area feeds.

        Without the node that was asked about, when nothing feeds it.
        """
        import networkx as nx

        condensed = nx.condensation(self.graph())
        members = [
            {self.nodes[at].id for at in condensed.nodes[component]["members"]}
            for component, degree in condensed.in_degree()
            if degree == 0
        ]
        starts = {id_ for id_, (_, depth) in self.walk.nodes.items() if depth == 0}
        return [each for each in members if len(each) > 1 or each.isdisjoint(starts)]

    def circles(self, most: int) -> list[list[Node]]:
        """So many of the simple cycles; data flows from each node to the next."""
        import networkx as nx

        found = []
        for cycle in islice(nx.simple_cycles(self.graph()), most):
            first = cycle.index(min(cycle))
            found.append([self.nodes[at] for at in cycle[first:] + cycle[:first]])
        return sorted(found, key=_order)

    def beyond(self, ids: Collection[str]) -> set[str]:
        """Those of the nodes that have neighbours which the walk did not meet."""
        if not ids:
            return set()
        near = 1 if self.direction == "upstream" else 0
        met = dict.fromkeys(ids, 0)
        for pair in self.walk.edges:
            if pair[near] in met:
                met[pair[near]] += 1
        as_of = self.question.as_of
        there = self.store.degrees(ids, self.direction, self.level, as_of=as_of)
        return {node_id for node_id, count in there.items() if count > met[node_id]}


def _name(node: Node) -> tuple[str, str, str]:
    return node.fqn, node.kind, node.id


def _order(circle: Sequence[Node]) -> tuple[int, list[tuple[str, str, str]]]:
    return len(circle), [_name(node) for node in circle]
