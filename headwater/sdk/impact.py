"""Which models a node reaches, and how: the answer of the impact route."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from headwater.sdk.lineage import LineageNode
from headwater.sdk.tree import Line, draw


@dataclass(frozen=True, slots=True)
class ImpactedModel:
    """A model that the asked node reaches.

    Attributes:
        node: The model.
        path: One way that the data takes, from the asked node or a part of it to the model.
    """

    node: LineageNode
    path: list[LineageNode]

    @property
    def id(self) -> str:
        """The model's id."""
        return self.node.id

    @property
    def fully_qualified_name(self) -> str:
        """The model's FQN."""
        return self.node.fully_qualified_name

    @classmethod
    def of(cls, raw: dict[str, Any]) -> ImpactedModel:
        """Read a model of an answer."""
        return cls(LineageNode.of(raw), [LineageNode.of(step) for step in raw["path"]])


class Impact:
    """What a change of a column, table or feature reaches.

    Attributes:
        root: The asked node.
        models: Models that lineage leads to for certain.
        table_level_models: Models that are reached only by tables whose columns nobody has tied.
        total: How many models there are for certain, of which ``models`` may be the first.
        table_level_total: How many there are of the others.
        truncated: There may be more than the answer holds.
    """

    def __init__(self, raw: dict[str, Any]) -> None:
        self._raw = raw
        self.root = LineageNode.of(raw["root"])
        self.models = [ImpactedModel.of(each) for each in raw["models"]]
        self.table_level_models = [ImpactedModel.of(each) for each in raw["tableLevelModels"]]
        self.total: int = raw.get("total", len(self.models))
        self.table_level_total: int = raw.get("tableLevelTotal", len(self.table_level_models))
        self.truncated: bool = raw.get("truncated", False)

    def to_wire(self) -> dict[str, Any]:
        """The answer as it came."""
        return self._raw

    def tree(self) -> str:
        """Draw the ways from the asked node to the models."""
        lines = [f"{self.root} {self._reach()}"]
        lines += self._ways(self.models, self.total)
        if self.table_level_models:
            count = _count(self.table_level_total)
            lines.append(f"perhaps {count}, by tables whose columns are not tied")
            lines += self._ways(self.table_level_models, self.table_level_total)
        if self.truncated:
            lines.append("… not all is shown: ask about something narrower")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.tree()

    def __repr__(self) -> str:
        return f"<Impact: {self.root} {self._reach()}>"

    def _reach(self) -> str:
        listed = (len(self.models), len(self.table_level_models))
        if not self.truncated or listed != (self.total, self.table_level_total):
            return f"reaches {_count(self.total)}"
        # All that was met is listed, so it is the search that was cut.
        if not self.total:
            return "was followed in part, and that part reaches no model for certain"
        return f"reaches at least {_count(self.total)}"

    def _ways(self, models: Sequence[ImpactedModel], total: int) -> Iterable[str]:
        # A step is told apart by the way to it, so that ways which meet are drawn in full.
        below: dict[str, dict[str, Line]] = {}
        for model in models:
            way = ""
            for step in model.path:
                if step.id == self.root.id:
                    continue
                further = f"{way}/{step.id}"
                below.setdefault(way, {})[further] = Line(str(step), further)
                way = further
        first = [*below.get("", {}).values()]
        if total > len(models):
            first.append(Line(f"… and {total - len(models)} more"))
        return draw(first, lambda key: [*below.get(key, {}).values()])


def _count(models: int) -> str:
    return f"{models or 'no'} model{'' if models == 1 else 's'}"
