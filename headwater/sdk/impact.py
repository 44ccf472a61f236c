"""Which models a node reaches, and how: the answer of the impact route."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from headwater.display import drawing
from headwater.sdk.lineage import LineageNode
from headwater.sdk.tree import Line, draw


@dataclass(frozen=True, slots=True)
class ImpactedModel:
    """A model, or a version of one, that the asked node reaches.

    Attributes:
        node: The model or version.
        path: One way that the data takes, from the asked node or a part of it to the model.
        stage: Of a version.
        stages: Of a model: its versions by stage, as in its ``lifecycle``.
    """

    node: LineageNode
    path: list[LineageNode]
    stage: str | None = None
    stages: list[dict[str, Any]] = field(default_factory=list)

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
        path = [LineageNode.of(step) for step in raw["path"]]
        return cls(LineageNode.of(raw), path, raw.get("stage"), raw.get("stages", []))

    def __str__(self) -> str:
        stage = f" ({self.stage})" if self.stage not in (None, "none") else ""
        return f"{self.node}{stage}"


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
            count = _count(self.table_level_total, self.table_level_models)
            lines.append(f"perhaps {count}, by tables whose columns are not tied")
            lines += self._ways(self.table_level_models, self.table_level_total)
        if self.truncated:
            lines.append("… not all is shown: ask about something narrower")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.tree()

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return drawing(str(self))

    def __repr__(self) -> str:
        return f"<Impact: {self.root} {self._reach()}>"

    def _reach(self) -> str:
        listed = (len(self.models), len(self.table_level_models))
        if not self.truncated or listed != (self.total, self.table_level_total):
            return f"reaches {_count(self.total, self.models)}"
        # All that was met is listed, so it is the search that was cut.
        if not self.total:
            return "was followed in part, and that part reaches no model for certain"
        return f"reaches at least {_count(self.total, self.models)}"

    def _ways(self, models: Sequence[ImpactedModel], total: int) -> Iterable[str]:
        # A step is told apart by the way to it, so that ways which meet are drawn in full.
        below: dict[str, dict[str, Line]] = {}
        named = {model.id: model for model in models}
        for model in models:
            way = ""
            for step in model.path:
                if step.id == self.root.id:
                    continue
                further = f"{way}/{step.id}"
                text = str(named.get(step.id, step))
                below.setdefault(way, {})[further] = Line(text, further)
                way = further
        first = [*below.get("", {}).values()]
        if total > len(models):
            first.append(Line(f"… and {total - len(models)} more"))
        return draw(first, lambda key: [*below.get(key, {}).values()])


def _count(total: int, listed: Sequence[ImpactedModel]) -> str:
    versions = [each.node.kind == "modelVersion" for each in listed]
    if any(versions) and not all(versions):
        return f"{total} models and versions"
    word = "version" if any(versions) else "model"
    return f"{total or 'no'} {word}{'' if total == 1 else 's'}"
