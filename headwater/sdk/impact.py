"""Which models a node reaches, and how: the answer of the impact route."""

from __future__ import annotations

from collections.abc import Iterable
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
        truncated: There may be more than the answer holds.
    """

    def __init__(self, raw: dict[str, Any]) -> None:
        self._raw = raw
        self.root = LineageNode.of(raw["root"])
        self.models = [ImpactedModel.of(each) for each in raw["models"]]
        self.table_level_models = [ImpactedModel.of(each) for each in raw["tableLevelModels"]]
        self.truncated: bool = raw.get("truncated", False)

    def to_wire(self) -> dict[str, Any]:
        """The answer as it came."""
        return self._raw

    def tree(self) -> str:
        """Draw the ways from the asked node to the models."""
        lines = [f"{self.root} reaches {_count(self.models)}"]
        lines += self._ways(self.models)
        if self.table_level_models:
            lines.append(
                f"perhaps {_count(self.table_level_models)}, by tables whose columns are not tied"
            )
            lines += self._ways(self.table_level_models)
        if self.truncated:
            lines.append("… not all is shown: ask about something narrower")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.tree()

    def __repr__(self) -> str:
        return f"<Impact of {self.root}: {_count(self.models)}>"

    def _ways(self, models: Iterable[ImpactedModel]) -> Iterable[str]:
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
        return draw([*below.get("", {}).values()], lambda key: [*below.get(key, {}).values()])


def _count(models: list[ImpactedModel]) -> str:
    return f"{len(models) or 'no'} model{'' if len(models) == 1 else 's'}"
