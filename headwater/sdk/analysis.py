"""Where data begins and where it goes in circles: the answers of the analyses of lineage."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from headwater.display import drawing
from headwater.sdk.lineage import LineageNode

_MORE = "… not all is shown: ask with a higher limit or depth, or about something narrower"


class LineageRoots:
    """What nothing feeds, among everything that feeds a node.

    Attributes:
        root: The asked node.
        roots: Where its data begins, by name.
        total: How many roots there are, of which ``roots`` may be the first.
        cycles: Circles that nothing else feeds.
        truncated: There may be more than the answer holds.
    """

    def __init__(self, raw: dict[str, Any]) -> None:
        self._raw = raw
        self.root = LineageNode.of(raw["root"])
        self.roots = [LineageNode.of(each) for each in raw["roots"]]
        self.total: int = raw["total"]
        self.cycles = _cycles(raw)
        self.truncated: bool = raw.get("truncated", False)

    def to_wire(self) -> dict[str, Any]:
        """The answer as it came."""
        return self._raw

    def __str__(self) -> str:
        if not (self.roots or self.cycles or self.truncated):
            return f"nothing feeds {self.root}"
        lines = [f"{self.root} begins at:", *(f"  {node}" for node in self.roots)]
        if self.total > len(self.roots):
            lines.append(f"  … and {self.total - len(self.roots)} more")
        lines += [f"  the circle {line}" for line in _drawn(self.cycles)]
        return "\n".join([*lines, *([_MORE] if self.truncated else [])])

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return drawing(str(self))

    def __repr__(self) -> str:
        return f"<LineageRoots of {self.root}: {self.total}>"


class LineageCycles:
    """Circles of data, among everything that a node reaches. True when there is one.

    Attributes:
        root: The asked node.
        cycles: Each from its first node by name, in the direction of the data; the shortest first.
        truncated: There may be more than the answer holds.
    """

    def __init__(self, raw: dict[str, Any]) -> None:
        self._raw = raw
        self.root = LineageNode.of(raw["root"])
        self.cycles = _cycles(raw)
        self.truncated: bool = raw.get("truncated", False)

    def to_wire(self) -> dict[str, Any]:
        """The answer as it came."""
        return self._raw

    def __bool__(self) -> bool:
        return bool(self.cycles)

    def __str__(self) -> str:
        lines = [*_drawn(self.cycles)] or [f"no circles in what {self.root} reaches"]
        return "\n".join([*lines, *([_MORE] if self.truncated else [])])

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return drawing(str(self))

    def __repr__(self) -> str:
        return f"<LineageCycles of {self.root}: {len(self.cycles)}>"


def _cycles(raw: dict[str, Any]) -> list[list[LineageNode]]:
    return [[LineageNode.of(each) for each in cycle] for cycle in raw["cycles"]]


def _drawn(cycles: Iterable[list[LineageNode]]) -> Iterable[str]:
    for cycle in cycles:
        yield " → ".join(str(node) for node in [*cycle, cycle[0]])
