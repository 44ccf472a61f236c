"""What changed in a node's lineage between two moments: the answer of the diff route."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from headwater.display import drawing
from headwater.sdk.lineage import LineageNode

Change = Literal["added", "removed", "changed", "same"]
_MARKS: dict[str, str] = {"added": "+", "removed": "-", "changed": "~"}


@dataclass(frozen=True, slots=True)
class NodeChange:
    """A node that is new, gone or changed.

    Attributes:
        node: As it is, or, when it is gone, was.
        before: As it was, when it changed.
    """

    node: LineageNode
    change: Change
    before: LineageNode | None = None


@dataclass(frozen=True, slots=True)
class EdgeChange:
    """An edge that is new or gone, or of which something else is said.

    Attributes:
        before: Who said so and how: ``source``, ``producer`` and details; ``after`` likewise.
    """

    start: LineageNode
    end: LineageNode
    change: Change
    before: list[dict[str, Any]]
    after: list[dict[str, Any]]


class LineageDiff:
    """What changed in the graph around a node. True when something did.

    Attributes:
        root: The asked node.
        since: Sequence number of the earlier moment; ``until`` of the later one.
        nodes: What is new, gone or changed; ``edges`` likewise.
        truncated: A graph is larger than the limit; only edges that were opened or closed
            themselves are told.
    """

    def __init__(self, raw: dict[str, Any]) -> None:
        self._raw = raw
        self.root = LineageNode.of(raw["root"])
        self.since: int = raw["from"]
        self.until: int = raw["to"]
        self.truncated: bool = raw.get("truncated", False)
        by_id = {each["id"]: LineageNode.of(each) for each in raw["nodes"]}
        self.nodes = [
            NodeChange(
                by_id[each["id"]],
                each["change"],
                LineageNode.of(each["before"]) if "before" in each else None,
            )
            for each in raw["nodes"]
            if each["change"] != "same"
        ]
        self.edges = [
            EdgeChange(by_id[e["from"]], by_id[e["to"]], e["change"], e["before"], e["after"])
            for e in raw["edges"]
        ]

    def to_wire(self) -> dict[str, Any]:
        """The answer as it came."""
        return self._raw

    def __bool__(self) -> bool:
        return bool(self.nodes or self.edges)

    def __str__(self) -> str:
        head = f"lineage of {self.root} from {self.since} to {self.until}"
        lines = [head, *(self._lines() if self else ["no difference"])]
        if self.truncated:
            lines.append("… not all is compared: ask with a higher limit, or for fewer steps")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return drawing(str(self))

    def __repr__(self) -> str:
        counts = f"{len(self.nodes)} nodes, {len(self.edges)} edges"
        return f"<LineageDiff {self.since}..{self.until} of {self.root}: {counts}>"

    def _lines(self) -> Iterator[str]:
        for node in self.nodes:
            was = f" (was {node.before})" if node.before else ""
            yield f"{_MARKS[node.change]} {node.node}{was}"
        for edge in self.edges:
            yield f"{_MARKS[edge.change]} {edge.start} → {edge.end}"
            if edge.change == "changed":
                yield from (
                    f"    - {_said(each)}" for each in edge.before if each not in edge.after
                )
                yield from (
                    f"    + {_said(each)}" for each in edge.after if each not in edge.before
                )


def _said(assertion: dict[str, Any]) -> str:
    """Who says so and how, in one line."""
    details = [
        f"{name}: {' '.join(str(value).split())}"
        for name, value in assertion.items()
        if name not in ("source", "producer")
    ]
    return ", ".join([f"{assertion['source']} by {assertion['producer']}", *details])
