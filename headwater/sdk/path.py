"""The shortest way that data takes between two nodes: the answer of the path route."""

from __future__ import annotations

from typing import Any, Literal

from headwater.display import drawing
from headwater.sdk.lineage import LineageEdge, LineageNode

_STEPS = {"column": "column by column", "entity": "entity by entity"}


class LineagePath:
    """A way from one node to another, or that there is none. True when there is one.

    Attributes:
        start: The node that was asked from; ``end`` the one asked to.
        nodes: From the first to the last; a path of columns starts and ends at columns.
        edges: The steps between them.
        level: ``column`` or ``entity``; None when there is no path.
        note: Where a column or feature was asked about and the path is one of whole entities: that
            it says nothing about the column. Ask with ``level="column"`` for columns alone.
        truncated: The search met its bound: there may be a path, or a finer one.
    """

    def __init__(self, raw: dict[str, Any]) -> None:
        self._raw = raw
        self.start = LineageNode.of(raw["from"])
        self.end = LineageNode.of(raw["to"])
        self.nodes = [LineageNode.of(each) for each in raw["nodes"]]
        self.edges = [LineageEdge.of(each) for each in raw["edges"]]
        self.level: Literal["column", "entity"] | None = raw.get("level")
        self.note: str | None = raw.get("note")
        self.truncated: bool = raw.get("truncated", False)

    def to_wire(self) -> dict[str, Any]:
        """The answer as it came."""
        return self._raw

    def __bool__(self) -> bool:
        return bool(self.nodes)

    def __len__(self) -> int:
        return len(self.edges)

    def __str__(self) -> str:
        ends = f"{self.start} to {self.end}"
        if not self:
            bound = "; not all was searched, so there may be a way" if self.truncated else ""
            return f"no lineage leads from {ends}{bound}"
        steps = f"{len(self)} step{'' if len(self) == 1 else 's'}"
        lines = [f"from {ends}: {steps}, {_STEPS[self.level or 'entity']}"]
        masked = ["", *(" (masked)" if edge.masking else "" for edge in self.edges)]
        for at, (node, mark) in enumerate(zip(self.nodes, masked, strict=False)):
            lines.append(f"{'→' if at else ' '} {node}{mark}")
        if self.note:
            lines.append(f"note: {self.note}")
        if self.truncated:
            lines.append("… not all columns were searched, so there may be a finer way")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return drawing(str(self))

    def __repr__(self) -> str:
        found = f"{len(self)} steps" if self else "none"
        return f"<LineagePath from {self.start} to {self.end}: {found}>"
